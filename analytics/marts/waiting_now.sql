-- One row per conversation whose customer waits for an answer, as everything up to the build has left it.
-- waiting_since_us: his oldest message without one, or the hand-off after it; microseconds since 1970 UTC.
select waits.conversation_id, start.occurred_us as waiting_since_us
from waits join story as start on waits.conversation_id = start.conversation_id and waits.started = start.place
where waits.ended is null
order by waits.conversation_id
