-- One row per conversation whose customer waits for an answer, as everything up to the build has left it.
-- waiting_since_us: his oldest message without one, or the hand-off after it; microseconds since 1970 UTC.
select conversation_id, started_us as waiting_since_us
from waits
where ended is null
order by conversation_id
