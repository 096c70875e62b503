-- One row per SLA target: met, missed, running, or void (it ended before it was due, by no person's answer): one promise to
-- one customer under one policy.
-- Instants in microseconds since 1970 UTC. started: when the clock began to run; due: until when it could be met (null: it
-- stands still, or will not be reached within six years); ended: by an answer, a resolve, a hand-off, another policy.
-- outcome: when it was met, or became overdue, which is its due time, or when it was promised if that was later: by the policy,
-- to a customer who had written. A running
-- target is missed once its due time has passed. superseded: when a hand-off began it again.
-- agent_id, team_id, labels, priority: at the outcome.
with covered as (
    select distinct conversation_id from log where name = 'sla.applied' and conversation_id is not null
),

covering as (
    select seq, name, sla_policy_id from log where name in ('sla.applied', 'sla.removed')
),

-- every event of theirs, with the state after it, and the conversation's own clock
neighbours as (
    select
        told.*,
        b_open + shift_us as worked_us,
        lead(occurred_us) over beside as next_us,
        lead(b_open + shift_us) over beside as next_worked_us
    from (
        select
            story.*,
            covering.name,
            sla_policy_id,
            after.inbox_id,
            after.agent_after,
            after.team_after,
            after.label_seq,
            after.priority_after,
            after.is_captains_after,
            case when after.status_after <> 'resolved' then coalesce(after.rest, '') end as rest,
            hours.schedule_id as schedule_after,
            coalesce(hours.shift_us, 0) as shift_us,
            coalesce(open_before + rate * (story.occurred_us - from_us), story.occurred_us) as b_open
        from story
        semi join covered on story.conversation_id = covered.conversation_id
        left join states as own on story.seq = own.seq
        left join states as after on coalesce(own.seq, story.state_seq) = after.seq
        left join hours on after.seq = hours.seq
        left join covering on story.seq = covering.seq
        left join clock
            on hours.schedule_id = clock.schedule_id and story.occurred_us // 7200000000 = clock.slot
            and story.occurred_us >= clock.from_us and story.occurred_us < clock.to_us
    ) as told
    window beside as (partition by conversation_id order by place)
),

-- how long it has waited for the customer so far
rows as (
    select
        *,
        coalesce(sum(case when rest = 'pending' then next_us - occurred_us end) over before, 0)::bigint as pending_us,
        coalesce(sum(case when rest = 'snoozed' then next_us - occurred_us end) over before, 0)::bigint as snoozed_us,
        coalesce(sum(case when rest = 'pending' then next_worked_us - worked_us end) over before, 0)::bigint
            as pending_worked_us,
        coalesce(sum(case when rest = 'snoozed' then next_worked_us - worked_us end) over before, 0)::bigint
            as snoozed_worked_us
    from neighbours
    window before as (partition by conversation_id order by place rows between unbounded preceding and 1 preceding)
),

firsts as (
    select
        conversation_id,
        min(place) filter (where is_created) as created,
        min(place) filter (where is_incoming) as asked,
        min(occurred_us) filter (where is_incoming) as asked_us,
        min(place) filter (where is_human_answer) as answered,
        min(place) filter (where is_resolve) as resolved
    from rows
    group by conversation_id
),

-- a first response is promised from the creation on, and anew at each hand-off before it, until the first resolve
attempts as (
    select
        conversation_id,
        place as started,
        lead(place) over (partition by conversation_id order by place) as ended,
        lead(case when is_human_answer then 'answered' when is_resolve then 'resolved' else 'handed_off' end)
            over (partition by conversation_id order by place) as ending,
        is_human_answer or is_resolve as is_end,
        asked_us
    from rows join firsts using (conversation_id)
    where place <= least(coalesce(answered, place), coalesce(resolved, place)) and asked < coalesce(answered, asked + 1)
    and (is_created or is_handoff or is_resolve or place = answered)
),

promises as (
    select 'first_response' as target, conversation_id, started, ended, ending, asked_us from attempts where not is_end
    union all
    select 'next_response' as target, conversation_id, started, ended, ending, null from waits
    semi join covered using (conversation_id)
    union all
    select 'resolution' as target, conversation_id, created, resolved, 'answered', null from firsts where created is not null
),

reigns as (
    select
        conversation_id,
        name,
        sla_policy_id,
        seq as applied_seq,
        place as applied,
        occurred_us as applied_us,
        lead(place) over (partition by conversation_id order by place) as replaced
    from rows
    where name in ('sla.applied', 'sla.removed')
),

terms as (
    select
        promises.* exclude (asked_us),
        reigns.* exclude (conversation_id, name),
        start.seq,
        greatest(start.occurred_us, applied_us, coalesce(asked_us, applied_us)) as promised_us,
        start.occurred_us as started_us,
        start.worked_us as started_worked_us,
        -- what ends it first: its own end, or the policy's
        case when ended < coalesce(replaced, ended + 1) then ended else replaced end as stopped,
        case when ended < coalesce(replaced, ended + 1) then ending when replaced is not null then 'replaced' end as stopping
    from promises
    join reigns
        on promises.conversation_id = reigns.conversation_id
        and reigns.name = 'sla.applied'
        and promises.started < coalesce(reigns.replaced, promises.started + 1)
        and coalesce(promises.ended, reigns.applied + 1) > reigns.applied
    join rows as start on promises.conversation_id = start.conversation_id and promises.started = start.place
),

priced as (
    select
        terms.*,
        is_business_time,
        case target
            when 'first_response' then first_response_us when 'next_response' then next_response_us else resolution_us
        end as target_us,
        target = 'resolution' and list_contains(pause_while, 'pending') as rests_pending,
        target = 'resolution' and list_contains(pause_while, 'snoozed') as rests_snoozed
    from terms asof join policies on terms.sla_policy_id = policies.sla_policy_id and terms.promised_us >= policies.since_us
),

-- each promise at each event from its start on: how much of it was used up by then
used as (
    select
        priced.conversation_id,
        priced.target,
        priced.started,
        priced.applied,
        rows.place,
        rows.occurred_us,
        rows.b_open,
        rows.schedule_after,
        rows.rest = 'pending' and rests_pending or rows.rest = 'snoozed' and rests_snoozed as is_resting,
        case
            when is_business_time then
                rows.worked_us - started_worked_us
                - case when rests_pending then rows.pending_worked_us else 0 end
                - case when rests_snoozed then rows.snoozed_worked_us else 0 end
            else
                rows.occurred_us - started_us
                - case when rests_pending then rows.pending_us else 0 end
                - case when rests_snoozed then rows.snoozed_us else 0 end
        end as used_us
    from priced join rows on priced.conversation_id = rows.conversation_id and rows.place >= priced.started
    where target_us is not null
),

stopped as (
    select priced.*, used.used_us, used.occurred_us as stopped_us
    from priced left join used
        on priced.conversation_id = used.conversation_id and priced.target = used.target
        and priced.started = used.started and priced.applied = used.applied and priced.stopped = used.place
    where target_us is not null
),

judged as (
    select
        *,
        case
            when stopped is null then 'running'
            when used_us > target_us then 'missed'
            when stopping = 'answered' then 'met'
            else 'void'
        end as state
    from stopped
),

-- what was settled stays: no later policy judges it again
settled as (
    select judged.*
    from judged
    where not exists (
        select 1
        from judged as earlier
        where
            earlier.conversation_id = judged.conversation_id
            and earlier.target = judged.target
            and earlier.state = 'missed'
            and earlier.stopping = 'replaced'
            and earlier.applied < judged.applied
            and (earlier.started = judged.started or judged.target = 'first_response')
    )
),

-- the last event before it was used up, and what was left then
last_before as (
    select
        settled.conversation_id,
        settled.target,
        settled.started,
        settled.applied,
        max_by(used.occurred_us, used.place) as from_us,
        max_by(used.b_open, used.place) as from_b,
        -- struct: max_by passes over null
        max_by(struct_pack(s := used.schedule_after), used.place).s as schedule_id,
        max_by(target_us - used.used_us, used.place) as left_us,
        coalesce(max_by(used.is_resting, used.place), false) as is_resting
    from settled join used
        on settled.conversation_id = used.conversation_id and settled.target = used.target
        and settled.started = used.started and settled.applied = used.applied
    where used.used_us <= target_us
    group by all
),

due as (
    select
        last_before.* exclude (schedule_id),
        case
            when is_resting then null
            when not is_business_time or last_before.schedule_id is null then from_us + left_us
            when from_b + left_us - open_before <= closes - opens then opens + from_b + left_us - open_before
        end as due_us
    from (
        select last_before.*, priced.is_business_time, from_b + left_us as used_up
        from last_before join priced using (conversation_id, target, started, applied)
    ) as last_before
    asof left join openings
        on last_before.schedule_id = openings.schedule_id and last_before.used_up >= openings.open_before
),

dated as (
    select
        settled.*,
        due.due_us,
        case
            when state in ('met', 'void') then stopped_us
            when due.due_us is not null then greatest(due.due_us, promised_us)
        end as outcome_us
    from settled left join due using (conversation_id, target, started, applied)
),

-- the state at the outcome: before what met it; after everything up to the instant at which it was overdue
seen as (
    select
        dated.conversation_id,
        dated.target,
        dated.started,
        dated.applied,
        max(rows.place) as place
    from dated join rows
        on dated.conversation_id = rows.conversation_id
        and case
            when dated.state = 'met' then rows.place < dated.stopped
            else rows.occurred_us <= coalesce(dated.outcome_us, rows.occurred_us)
        end
    group by all
)

select
    dated.conversation_id,
    dated.target,
    dated.seq,
    applied_seq,
    dated.sla_policy_id,
    state,
    state = 'met' as is_met,
    started_us,
    due_us,
    stopped_us as ended_us,
    outcome_us,
    promised_us,
    case when stopping = 'handed_off' then stopped_us end as superseded_us,
    inbox_id,
    agent_after as agent_id,
    team_after as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    priority_after as priority,
    is_captains_after as is_captains
from dated
join seen using (conversation_id, target, started, applied)
join rows on seen.conversation_id = rows.conversation_id and seen.place = rows.place
left join labelled on rows.label_seq = labelled.seq
order by outcome_us, dated.seq, applied_seq, dated.target
