-- One row per conversation. created_us in microseconds since 1970 UTC.
-- agent_id, team_id, labels, priority: after everything that happened at the instant of its creation.
with born as (
    select conversation_id, seq, occurred_us as created_us, display_id, inbox_id, contact_id
    from story
    where name = 'conversation.created'
),

state as (
    select
        conversation_id,
        max_by(new_agent_id, place) filter (where new_agent_id is not null) as agent_id,
        max_by(new_team_id, place) filter (where new_team_id is not null) as team_id,
        max_by(new_labels, place) filter (where new_labels is not null) as labels,
        max_by(new_priority, place) filter (where new_priority is not null) as priority
    from story join born using (conversation_id)
    where story.occurred_us <= born.created_us
    group by conversation_id
)

select
    conversation_id,
    display_id,
    seq,
    created_us,
    inbox_id,
    contact_id,
    nullif(agent_id, 0) as agent_id,
    nullif(team_id, 0) as team_id,
    labels,
    nullif(priority, '') as priority
from born join state using (conversation_id)
order by created_us, seq
