-- One row per stretch in which an agent had a conversation before his eyes. Instants and spans in microseconds; worked_us: the
-- part in working hours. It ends when he turns away, or turns to it anew.
with looks as (
    select
        story.*,
        name,
        user_id,
        lead(story.occurred_us) over look as ended_us,
        lead(worked_us) over look as ended_worked_us
    from (
        select seq, name, user_id from log
        where name in ('conversation.focused', 'conversation.unfocused') and user_id is not null
    ) as told
    join story on told.seq = story.seq
    window look as (partition by conversation_id, user_id order by place)
)

select
    looks.conversation_id,
    looks.seq,
    looks.occurred_us as began_us,
    ended_us,
    ended_us - looks.occurred_us as span_us,
    ended_worked_us - worked_us as worked_us,
    looks.inbox_id,
    user_id as agent_id,
    team_after as team_id,
    labels_after as labels,
    priority_after as priority,
    is_captains_after as is_captains
from looks left join states on looks.state_seq = states.seq
where looks.name = 'conversation.focused' and ended_us is not null
order by began_us, looks.seq
