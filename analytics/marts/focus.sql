-- One row per stretch in which an agent had a conversation before his eyes. Instants and spans in microseconds; worked_us: the
-- part in working hours. It ends when he turns away, or turns to it anew.
with looks as (
    select
        story.*,
        name,
        inbox_id,
        user_id,
        lead(story.occurred_us) over look as ended_us,
        lead(state_seq) over look as ended_state_seq
    from (
        select seq, name, inbox_id, user_id from log
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
    coalesce(closing.open_before + closing.rate * (ended_us - closing.from_us), ended_us) + coalesce(later.shift_us, 0)
    - coalesce(opening.open_before + opening.rate * (looks.occurred_us - opening.from_us), looks.occurred_us)
    - coalesce(sooner.shift_us, 0) as worked_us,
    looks.inbox_id,
    user_id as agent_id,
    team_after as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    priority_after as priority,
    is_captains_after as is_captains
from looks
left join states on looks.state_seq = states.seq
left join labelled on states.label_seq = labelled.seq
left join hours as sooner on looks.state_seq = sooner.seq
left join hours as later on looks.ended_state_seq = later.seq
left join clock as opening
    on sooner.schedule_id = opening.schedule_id and looks.occurred_us // 7200000000 = opening.slot
    and looks.occurred_us >= opening.from_us and looks.occurred_us < opening.to_us
left join clock as closing
    on later.schedule_id = closing.schedule_id and ended_us // 7200000000 = closing.slot
    and ended_us >= closing.from_us and ended_us < closing.to_us
where looks.name = 'conversation.focused' and ended_us is not null
order by began_us, looks.seq
