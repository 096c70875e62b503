-- One row per wait that a person's public message ended, the first included. Instants, span_us and worked_us (the part of the
-- span in working hours) in microseconds.
select
    waits.conversation_id,
    ended_seq as seq,
    started_us,
    ended_us as answered_us,
    ended_us - started_us as span_us,
    ended_worked_us - started_worked_us as worked_us,
    waits.inbox_id,
    sender_id as agent_id,
    team_after as team_id,
    labels_after as labels,
    priority_after as priority,
    is_captains_after as is_captains
from waits left join states on waits.state_seq = states.seq
where ending = 'answered'
order by answered_us, ended_seq
