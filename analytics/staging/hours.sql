-- One row per event in `states` from which on a conversation lives by a schedule. shift_us: what B(t) of that schedule lacks of
-- the conversation's own clock, which runs on when the team is another one: two instants of one conversation may be subtracted.
with turns as (
    select
        states.seq,
        states.conversation_id,
        states.occurred_us,
        old_hours.schedule_id as old_schedule_id,
        new_hours.schedule_id as new_schedule_id
    from states
    join states as previous on states.previous_seq = previous.seq
    left join schedules as old_hours
        on states.inbox_id = old_hours.inbox_id and coalesce(previous.team_after, 0) = old_hours.team_id
    left join schedules as new_hours
        on states.inbox_id = new_hours.inbox_id and coalesce(states.team_after, 0) = new_hours.team_id
    where states.is_moved
),

-- where another team's hours begin: what the one clock says more than the other
jumps as (
    select
        seq,
        conversation_id,
        coalesce(old_clock.open_before + old_clock.rate * (occurred_us - old_clock.from_us), occurred_us)
        - coalesce(new_clock.open_before + new_clock.rate * (occurred_us - new_clock.from_us), occurred_us) as jump_us
    from turns
    left join clock as old_clock
        on old_schedule_id = old_clock.schedule_id and occurred_us // 7200000000 = old_clock.slot
        and occurred_us >= old_clock.from_us and occurred_us < old_clock.to_us
    left join clock as new_clock
        on new_schedule_id = new_clock.schedule_id and occurred_us // 7200000000 = new_clock.slot
        and occurred_us >= new_clock.from_us and occurred_us < new_clock.to_us
),

shifts as (
    select
        states.seq,
        cast(sum(coalesce(jump_us, 0)) over (partition by states.conversation_id order by occurred_us, states.seq) as bigint)
            as shift_us
    from states
    left join jumps on states.seq = jumps.seq
    where states.conversation_id in (select conversation_id from jumps)
)

select states.seq, schedule_id, coalesce(shift_us, 0) as shift_us
from states
left join shifts on states.seq = shifts.seq
left join schedules on states.inbox_id = schedules.inbox_id and coalesce(states.team_after, 0) = schedules.team_id
where schedule_id is not null or shift_us is not null
