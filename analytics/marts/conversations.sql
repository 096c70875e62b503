-- One row per conversation. created_us in microseconds since 1970 UTC.
-- agent_id, team_id, labels, priority, is_captains: after everything that happened at the instant of its creation.
-- is_with_captain: it was begun where Captain answered, as far as the log tells; an import tells it by his answers.
with begun as (
    select conversation_id, seq, display_id, inbox_id, contact_id from log where name = 'conversation.created'
),

answered as (
    select conversation_id, min(occurred_us) as captain_answered_us from states where is_captain_answer
    group by conversation_id
),

switched_before as (
    select born.conversation_id, switched.is_on
    from (
        select born.conversation_id, begun.inbox_id, created_us
        from born join begun on born.conversation_id = begun.conversation_id
        where inbox_id in (select inbox_id from captain_inboxes)
    ) as born
    asof join captain_inboxes as switched
        on born.inbox_id = switched.inbox_id and born.created_us >= switched.since_us
)

select
    begun.conversation_id,
    display_id,
    begun.seq,
    created_us,
    begun.inbox_id,
    contact_id,
    born.is_history,
    captain_answered_us,
    captain_answered_us is not null
    or (is_captains_after and not born.is_history)
    or coalesce(is_on, false)
    or (born.is_history and begun.inbox_id in (select inbox_id from captains_imports)) as is_with_captain,
    agent_after as agent_id,
    team_after as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    priority_after as priority,
    is_captains_after as is_captains
from begun
join born on begun.conversation_id = born.conversation_id
join states
    on begun.conversation_id = states.conversation_id
    and states.occurred_us <= created_us and coalesce(states.next_us > created_us, true)
left join labelled on states.label_seq = labelled.seq
left join answered on begun.conversation_id = answered.conversation_id
left join switched_before on begun.conversation_id = switched_before.conversation_id
order by created_us, begun.seq
