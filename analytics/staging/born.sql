-- One row per conversation. created_us in microseconds since 1970 UTC, created_seq: the event that created it; null when the log
-- never saw that. first_us, first_seq: the least that any of its events tells.
select
    conversation_id,
    min(occurred_us) as first_us,
    min(seq) as first_seq,
    min(case when name = 'conversation.created' then occurred_us end) as created_us,
    min(case when name = 'conversation.created' then seq end) as created_seq,
    coalesce(bool_or(name = 'conversation.created' and causation = 'history'), false) as is_history
from log
where conversation_id is not null
group by conversation_id
