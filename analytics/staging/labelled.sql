-- One row per event that gave a conversation labels, with them; none where it took the last away.
select seq, labels
from log
where name in ('conversation.created', 'conversation.labels_changed') and conversation_id is not null and len(labels) > 0
