-- One row per wait that a person's public message ended, the first included. Instants, span_us and worked_us (the part of the
-- span in working hours) in microseconds.
select
    waits.conversation_id,
    answer.seq,
    start.occurred_us as started_us,
    answer.occurred_us as answered_us,
    answer.occurred_us - start.occurred_us as span_us,
    answer.worked_us - start.worked_us as worked_us,
    answer.inbox_id,
    answer.sender_id as agent_id,
    answer.team_id,
    answer.labels,
    answer.priority,
    answer.is_captains_after as is_captains
from waits
join story as answer on waits.conversation_id = answer.conversation_id and waits.ended = answer.place
join story as start on waits.conversation_id = start.conversation_id and waits.started = start.place
where waits.ending = 'answered'
order by answered_us, answer.seq
