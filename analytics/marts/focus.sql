-- One row per stretch in which an agent had a conversation before his eyes. Instants and spans in microseconds; worked_us: the
-- part in working hours. It ends when he turns away, or turns to it anew.
with looks as (
    select
        story.*,
        lead(occurred_us) over look as ended_us,
        lead(worked_us) over look as ended_worked_us
    from story
    where name in ('conversation.focused', 'conversation.unfocused') and user_id is not null
    window look as (partition by conversation_id, user_id order by place)
)

select
    conversation_id,
    seq,
    occurred_us as began_us,
    ended_us,
    ended_us - occurred_us as span_us,
    ended_worked_us - worked_us as worked_us,
    inbox_id,
    user_id as agent_id,
    team_id,
    labels,
    priority,
    is_captains
from looks
where name = 'conversation.focused' and ended_us is not null
order by began_us, seq
