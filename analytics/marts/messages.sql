-- One row per public message; activity lines and notes are none. sent_us in microseconds since 1970 UTC.
-- agent_id: of an outgoing message its writer (null for Captain, bots, automation), of an incoming one the assignee then.
select
    seq,
    conversation_id,
    contact_id,
    case when is_incoming then 'incoming' else 'outgoing' end as direction,
    sender_type,
    occurred_us as sent_us,
    inbox_id,
    case when is_incoming then agent_id when sender_type = 'user' then sender_id end as agent_id,
    team_id,
    labels,
    priority,
    case when is_incoming then is_captains else sender_type = 'captain' end as is_captains
from story
where is_incoming or is_outgoing
order by sent_us, seq
