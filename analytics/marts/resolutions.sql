-- One row per resolve. Instants and spans in microseconds; …_worked_us counts working hours alone.
-- life: since the conversation was created; episode: since created or last reopened; requester_wait and agent_wait: how much
-- of its life so far was our turn, and how much the customer's. human_messages: public ones of agents so far. reopened_us: the
-- reopening after it, null when there was none. Merged conversations are left out.
with marks as (
    select
        *,
        lead(occurred_us) over told as next_us,
        lead(worked_us) over told as next_worked_us,
        count(*) filter (where is_human_answer) over told as human_messages,
        coalesce(count(*) filter (where is_human_answer or is_captain_answer) over told > 0, false) as is_answered
    from story
    window told as (partition by conversation_id order by place)
),

shared as (
    select
        *,
        coalesce(sum(case when turn = 'ours' then next_us - occurred_us end) over before, 0)::bigint as requester_wait_us,
        coalesce(sum(case when turn = 'ours' then next_worked_us - worked_us end) over before, 0)::bigint
            as requester_wait_worked_us,
        coalesce(sum(case when turn in ('pending', 'snoozed', 'held') then next_us - occurred_us end) over before, 0)::bigint
            as agent_wait_us,
        coalesce(
            sum(case when turn in ('pending', 'snoozed', 'held') then next_worked_us - worked_us end) over before, 0
        )::bigint as agent_wait_worked_us
    from marks
    window before as (partition by conversation_id order by place rows between unbounded preceding and 1 preceding)
),

created as (
    select conversation_id, occurred_us as created_us from story where name = 'conversation.created'
),

merged as (
    select distinct conversation_id from story where name = 'conversation.merged'
),

-- resolves and reopenings take turns, so what stands beside a resolve is a reopening
turns as (
    select
        *,
        lag(occurred_us) over beside as reopened_before_us,
        lag(worked_us) over beside as reopened_before_worked_us,
        lead(occurred_us) over beside as reopened_us,
        count(*) filter (where is_resolve) over (partition by conversation_id order by place) as ordinal
    from shared
    where is_resolve or is_reopening
    window beside as (partition by conversation_id order by place)
)

select
    turns.conversation_id,
    seq,
    ordinal,
    created_us,
    coalesce(reopened_before_us, created_us) as episode_started_us,
    occurred_us as resolved_us,
    reopened_us,
    occurred_us - created_us as life_us,
    worked_us as life_worked_us,
    occurred_us - coalesce(reopened_before_us, created_us) as episode_us,
    worked_us - coalesce(reopened_before_worked_us, 0) as episode_worked_us,
    requester_wait_us,
    requester_wait_worked_us,
    agent_wait_us,
    agent_wait_worked_us,
    human_messages,
    is_answered,
    is_imported,
    inbox_id,
    case when actor_kind = 'user' then actor_id end as agent_id,
    team_id,
    labels,
    priority,
    is_captains
from turns join created on turns.conversation_id = created.conversation_id
where is_resolve and turns.conversation_id not in (select conversation_id from merged)
order by resolved_us, seq
