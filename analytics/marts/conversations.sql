-- One row per conversation. created_us in microseconds since 1970 UTC.
-- agent_id, team_id, labels, priority, is_captains: after everything that happened at the instant of its creation.
-- is_with_captain: it was begun where Captain answered, as far as the log tells; an import tells it by his answers.
with born as (
    select conversation_id, seq, occurred_us as created_us, display_id, inbox_id, contact_id, is_history
    from story
    where name = 'conversation.created'
),

state as (
    select
        story.conversation_id,
        arg_max_null(agent_after, place) as agent_id,
        arg_max_null(team_after, place) as team_id,
        max_by(labels_after, place) as labels,
        arg_max_null(priority_after, place) as priority,
        max_by(is_captains_after, place) as is_captains
    from story join born using (conversation_id)
    where story.occurred_us <= born.created_us
    group by story.conversation_id
),

answered as (
    select
        conversation_id,
        min(occurred_us) as captain_answered_us
    from story
    where is_captain_answer
    group by conversation_id
),

-- where Captain ever answered, in what an import told
imported as (
    select distinct inbox_id from story where is_captain_answer and is_history
),

switched as (
    select inbox_id, since_us, is_on from captain_inboxes
),

switched_before as (
    select born.conversation_id, switched.is_on
    from born asof join switched on born.inbox_id = switched.inbox_id and born.created_us >= switched.since_us
)

select
    born.conversation_id,
    display_id,
    seq,
    created_us,
    inbox_id,
    contact_id,
    is_history,
    captain_answered_us,
    captain_answered_us is not null
    or is_captains
    or coalesce(is_on, false)
    or (is_history and inbox_id in (select inbox_id from imported)) as is_with_captain,
    agent_id,
    team_id,
    labels,
    priority,
    is_captains
from born
join state on born.conversation_id = state.conversation_id
left join answered on born.conversation_id = answered.conversation_id
left join switched_before on born.conversation_id = switched_before.conversation_id
order by created_us, seq
