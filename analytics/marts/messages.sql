-- One row per public message; activity lines and notes are none. sent_us in microseconds since 1970 UTC.
-- agent_id: of an outgoing message its writer (null for Captain, bots, automation), of an incoming one the assignee then.
select
    story.seq,
    story.conversation_id,
    contact_id,
    case when is_incoming then 'incoming' else 'outgoing' end as direction,
    sender_type,
    story.occurred_us as sent_us,
    told.inbox_id,
    case when is_incoming then agent_after else story.sender_id end as agent_id,
    team_after as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    priority_after as priority,
    case when is_incoming then is_captains_after else sender_type = 'captain' end as is_captains
from story
join (
    select seq, inbox_id, contact_id, sender_type from log where name = 'message.created' and conversation_id is not null
) as told on story.seq = told.seq
left join states on story.state_seq = states.seq
left join labelled on states.label_seq = labelled.seq
where is_incoming or is_outgoing
order by sent_us, story.seq
