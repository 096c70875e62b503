-- `changes` with what a conversation is after each, until next_us (null: until now).
-- is_captains: Captain holds it, or has written to the customer. rest: waiting for the customer, 'pending' or 'snoozed'.
-- schedule_id: the working hours from here on, null when always open. shift_us: what B(t) of that schedule lacks of the
-- conversation's own clock, which runs on when the team is another one.
with moved as (
    select
        changes.*,
        case when new_team_id is null then team_id else nullif(new_team_id, 0) end as team_after
    from changes
),

-- where another team's hours begin: what the one clock says more than the other
jumps as (
    select
        turns.seq,
        turns.conversation_id,
        coalesce(old_clock.open_before + old_clock.rate * (occurred_us - old_clock.from_us), occurred_us)
        - coalesce(new_clock.open_before + new_clock.rate * (occurred_us - new_clock.from_us), occurred_us) as jump_us
    from (
        select seq, conversation_id, occurred_us, inbox_id, team_id, team_after
        from moved
        where nth > 1 and team_after is distinct from team_id
    ) as turns
    left join schedules as old_hours
        on turns.inbox_id = old_hours.inbox_id and coalesce(turns.team_id, 0) = old_hours.team_id
    left join schedules as new_hours
        on turns.inbox_id = new_hours.inbox_id and coalesce(turns.team_after, 0) = new_hours.team_id
    left join clock as old_clock
        on old_hours.schedule_id = old_clock.schedule_id and turns.occurred_us // 7200000000 = old_clock.slot
        and turns.occurred_us >= old_clock.from_us and turns.occurred_us < old_clock.to_us
    left join clock as new_clock
        on new_hours.schedule_id = new_clock.schedule_id and turns.occurred_us // 7200000000 = new_clock.slot
        and turns.occurred_us >= new_clock.from_us and turns.occurred_us < new_clock.to_us
),

shifts as (
    select changes.seq, sum(coalesce(jump_us, 0)) over (partition by changes.conversation_id order by nth)::bigint as shift_us
    from changes
    left join jumps on changes.seq = jumps.seq
    where changes.conversation_id in (select conversation_id from jumps)
),

labelled as (
    select seq, labels
    from log
    where name in ('conversation.created', 'conversation.labels_changed') and len(labels) > 0
)

select
    moved.conversation_id,
    moved.seq,
    nth,
    name,
    occurred_us,
    next_us,
    moved.inbox_id,
    actor_kind,
    actor_id,
    is_history,
    is_imported,
    is_captain_answer,
    new_status,
    agent_id,
    moved.team_id,
    coalesce(labelled_before.labels, cast([] as varchar[])) as labels,
    priority,
    status_before,
    holder_before,
    captain_wrote_before or coalesce(holder_before = 'captain', false) as is_captains,
    coalesce(new_status, status_before) as status_after,
    case when new_agent_id is null then agent_id else nullif(new_agent_id, 0) end as agent_after,
    team_after,
    coalesce(labelled_after.labels, cast([] as varchar[])) as labels_after,
    case when new_priority is null then priority else nullif(new_priority, '') end as priority_after,
    case when new_holder is null then holder_before else nullif(new_holder, '') end as holder_after,
    captain_wrote_before or is_captain_answer
    or coalesce(case when new_holder is null then holder_before else new_holder end = 'captain', false) as is_captains_after,
    captain_wrote_before,
    -- a person who takes over hands nothing off
    name = 'conversation.bot_handoff' and actor_kind <> 'user'
    or coalesce(
        name = 'conversation.status_changed' and new_status = 'open' and holder_before = actor_kind
        and actor_kind in ('captain', 'bot'), false
    ) as is_handoff,
    coalesce(new_status = 'resolved' and status_before <> 'resolved', false) as is_resolve,
    coalesce(new_status <> 'resolved' and status_before = 'resolved', false) as is_reopening,
    case coalesce(new_status, status_before)
        when 'snoozed' then case when coalesce(new_until, until_before, 0) > 0 then null else 'snoozed' end
        when 'pending' then case when coalesce(new_holder, holder_before, '') = '' then 'pending' end
    end as rest,
    schedules.schedule_id,
    coalesce(shift_us, 0) as shift_us
from moved
left join shifts on moved.seq = shifts.seq
left join schedules on moved.inbox_id = schedules.inbox_id and coalesce(moved.team_after, 0) = schedules.team_id
left join labelled as labelled_before on moved.label_seq = labelled_before.seq
left join labelled as labelled_after on coalesce(moved.new_label_seq, moved.label_seq) = labelled_after.seq
