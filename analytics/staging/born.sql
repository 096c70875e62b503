-- One row per conversation that the log saw created. created_us in microseconds since 1970 UTC; created_seq: that event.
select
    conversation_id,
    min(occurred_us) as created_us,
    min(seq) as created_seq,
    coalesce(bool_or(causation = 'history'), false) as is_history
from log
where name = 'conversation.created' and conversation_id is not null
group by conversation_id
