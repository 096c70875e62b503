-- One row per resolve. Instants and spans in microseconds; …_worked_us counts working hours alone.
-- life: since the conversation was created; episode: since created or last reopened; requester_wait and agent_wait: how much
-- of its life so far was our turn, and how much the customer's. human_messages: public ones of agents so far. reopened_us: the
-- reopening after it, null when there was none; next_resolved_us: the next resolve, so. Merged conversations are left out.
with resolved as (
    select distinct conversation_id from states where is_resolve
),

-- where it is our turn or the customer's by who wrote last
held as (
    select distinct conversation_id
    from states semi join resolved on states.conversation_id = resolved.conversation_id
    where status_after = 'pending' and holder_after is not null
),

-- the changes of status, and who wrote, with the conversation's own clock
marks as (
    select
        told.*,
        coalesce(open_before + rate * (occurred_us - from_us), occurred_us) + coalesce(shift_us, 0) as worked_us
    from (
        select story.conversation_id, place, story.seq, story.occurred_us, state_seq, status_after, rest, holder_after,
            false as is_incoming, false as is_answer
        from states join story on states.seq = story.seq
        where new_status is not null and states.conversation_id in (select conversation_id from resolved)
        union all
        select story.conversation_id, place, story.seq, story.occurred_us, state_seq, status_after, rest, holder_after,
            is_incoming, is_answer
        from story join states on story.state_seq = states.seq
        where (is_incoming or is_answer) and story.conversation_id in (select conversation_id from held)
    ) as told
    left join hours on told.state_seq = hours.seq
    left join clock
        on hours.schedule_id = clock.schedule_id and occurred_us // 7200000000 = clock.slot
        and occurred_us >= clock.from_us and occurred_us < clock.to_us
),

-- whose turn it is from here on: ours; the customer's, while pending for him, snoozed until he replies, or held by Captain or
-- a bot that has answered; nobody's (null) while resolved
turned as (
    select
        *,
        case
            when status_after = 'open' or (status_after = 'snoozed' and rest is null) then 'ours'
            when rest is not null then 'theirs'
            when status_after = 'pending' then
                case
                    when last_value(case when is_incoming then true when is_answer then false end ignore nulls) over (
                        partition by conversation_id order by place rows between unbounded preceding and current row
                    ) then 'ours'
                    else 'theirs'
                end
        end as turn,
        lead(occurred_us) over told as next_us,
        lead(worked_us) over told as next_worked_us
    from marks
    window told as (partition by conversation_id order by place)
),

shared as (
    select
        *,
        coalesce(sum(case when turn = 'ours' then next_us - occurred_us end) over before, 0)::bigint as requester_wait_us,
        coalesce(sum(case when turn = 'ours' then next_worked_us - worked_us end) over before, 0)::bigint
            as requester_wait_worked_us,
        coalesce(sum(case when turn = 'theirs' then next_us - occurred_us end) over before, 0)::bigint as agent_wait_us,
        coalesce(sum(case when turn = 'theirs' then next_worked_us - worked_us end) over before, 0)::bigint
            as agent_wait_worked_us
    from turned
    window before as (partition by conversation_id order by place rows between unbounded preceding and 1 preceding)
),

created as (
    select
        conversation_id,
        created_us,
        coalesce(open_before + rate * (created_us - from_us), created_us) + coalesce(shift_us, 0) as created_worked_us
    from born
    left join hours on created_seq = hours.seq
    left join clock
        on hours.schedule_id = clock.schedule_id and created_us // 7200000000 = clock.slot
        and created_us >= clock.from_us and created_us < clock.to_us
    where created_seq is not null
),

merged as (
    select distinct conversation_id from log where name = 'conversation.merged' and conversation_id is not null
),

-- resolves and reopenings take turns, so what stands beside a resolve is a reopening
turns as (
    select
        shared.*,
        is_resolve,
        inbox_id,
        team_after,
        label_seq,
        priority_after,
        captain_wrote_before,
        previous_seq,
        lag(shared.occurred_us) over beside as reopened_before_us,
        lag(worked_us) over beside as reopened_before_worked_us,
        lead(shared.occurred_us) over beside as reopened_us,
        count(*) filter (where is_resolve) over (partition by shared.conversation_id order by place) as ordinal
    from shared join states on shared.seq = states.seq
    where is_resolve or is_reopening
    window beside as (partition by shared.conversation_id order by place)
),

spoken as (
    select seq, humans
    from (
        select
            seq,
            is_resolve,
            count(*) filter (where is_human_answer) over (partition by conversation_id order by place) as humans
        from story
        where is_human_answer or is_resolve
    )
    where is_resolve
),

-- who did it; the log says so
acted as (
    select seq, actor_kind, actor_id, coalesce(causation = 'history', false) as is_imported
    from log
    where name in ('conversation.status_changed', 'conversation.bot_handoff')
)

select
    turns.conversation_id,
    turns.seq,
    ordinal,
    created_us,
    coalesce(reopened_before_us, created_us) as episode_started_us,
    turns.occurred_us as resolved_us,
    reopened_us,
    lead(turns.occurred_us) over (partition by turns.conversation_id order by turns.occurred_us, turns.seq) as next_resolved_us,
    turns.occurred_us - created_us as life_us,
    worked_us - created_worked_us as life_worked_us,
    turns.occurred_us - coalesce(reopened_before_us, created_us) as episode_us,
    worked_us - coalesce(reopened_before_worked_us, created_worked_us) as episode_worked_us,
    requester_wait_us,
    requester_wait_worked_us,
    agent_wait_us,
    agent_wait_worked_us,
    humans as human_messages,
    humans > 0 or turns.captain_wrote_before as is_answered,
    is_imported,
    turns.inbox_id,
    case when actor_kind = 'user' then actor_id end as agent_id,
    turns.team_after as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    turns.priority_after as priority,
    previous.is_captains_after as is_captains
from turns
join created on turns.conversation_id = created.conversation_id
join spoken on turns.seq = spoken.seq
left join acted on turns.seq = acted.seq
left join labelled on turns.label_seq = labelled.seq
left join states as previous on turns.previous_seq = previous.seq
where turns.is_resolve and turns.conversation_id not in (select conversation_id from merged)
order by resolved_us, turns.seq
