-- One row per resolve. Instants, life_us (since the conversation was created) and episode_us (since created or last
-- reopened) in microseconds. reopened_us: the reopening after it, null when there was none. Merged conversations are left out.
with created as (
    select conversation_id, occurred_us as created_us from story where name = 'conversation.created'
),

merged as (
    select distinct conversation_id from story where name = 'conversation.merged'
),

-- resolves and reopenings take turns, so what stands beside a resolve is a reopening
turns as (
    select
        *,
        lag(occurred_us) over turn as reopened_before_us,
        lead(occurred_us) over turn as reopened_us,
        count(*) filter (where is_resolve) over (partition by conversation_id order by place) as ordinal
    from story
    where is_resolve or is_reopening
    window turn as (partition by conversation_id order by place)
)

select
    conversation_id,
    seq,
    ordinal,
    created_us,
    coalesce(reopened_before_us, created_us) as episode_started_us,
    occurred_us as resolved_us,
    reopened_us,
    occurred_us - created_us as life_us,
    occurred_us - coalesce(reopened_before_us, created_us) as episode_us,
    inbox_id,
    case when actor_kind = 'user' then actor_id end as agent_id,
    team_id,
    labels,
    priority
from turns join created using (conversation_id)
where is_resolve and conversation_id not in (select conversation_id from merged)
order by resolved_us, seq
