-- One row per wait that a person's public message ended, the first included. Instants, span_us and worked_us (the part of the
-- span in working hours) in microseconds.
select
    waits.conversation_id,
    ended_seq as seq,
    started_us,
    ended_us as answered_us,
    ended_us - started_us as span_us,
    coalesce(closing.open_before + closing.rate * (ended_us - closing.from_us), ended_us) + coalesce(later.shift_us, 0)
    - coalesce(opening.open_before + opening.rate * (started_us - opening.from_us), started_us) - coalesce(sooner.shift_us, 0)
        as worked_us,
    states.inbox_id,
    sender_id as agent_id,
    team_after as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    priority_after as priority,
    is_captains_after as is_captains
from waits
left join states on waits.state_seq = states.seq
left join labelled on states.label_seq = labelled.seq
left join hours as sooner on waits.started_state_seq = sooner.seq
left join hours as later on waits.state_seq = later.seq
left join clock as opening
    on sooner.schedule_id = opening.schedule_id and started_us // 7200000000 = opening.slot
    and started_us >= opening.from_us and started_us < opening.to_us
left join clock as closing
    on later.schedule_id = closing.schedule_id and ended_us // 7200000000 = closing.slot
    and ended_us >= closing.from_us and ended_us < closing.to_us
where ending = 'answered'
order by answered_us, ended_seq
