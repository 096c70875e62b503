-- One row per wait of a customer for a person: from his oldest message without an answer, or from the hand-off that began it
-- again, to what ended it (ended: a place of the story, with ended_seq; null while he waits). ending: answered by a person;
-- answered by Captain or a bot; resolved; handed_off, when the next wait begins. …state_seq: as in the story.
with handed as (
    select conversation_id, next_ender_seq, place, occurred_us, state_seq
    from (
        select
            *,
            last_value(case when is_incoming then true when is_human_answer or is_resolve then false end ignore nulls) over (
                partition by conversation_id order by place rows between unbounded preceding and 1 preceding
            ) as is_asked,
            first_value(case when is_ender then seq end ignore nulls) over (
                partition by conversation_id order by place rows between 1 following and unbounded following
            ) as next_ender_seq
        from story
        where
            (is_incoming or is_ender)
            and conversation_id in (select conversation_id from states where is_handoff)
    )
    where is_handoff and is_asked
),

begun as (
    select
        conversation_id,
        ender_seq,
        min(place) as started,
        -- the story goes on in both together
        min(occurred_us) as started_us,
        min_by(state_seq, place) as started_state_seq
    from (
        select conversation_id, ender_seq, place, occurred_us, state_seq from story where is_incoming
        union all
        select conversation_id, next_ender_seq as ender_seq, place, occurred_us, state_seq from handed
    )
    group by conversation_id, ender_seq
)

select
    begun.conversation_id,
    begun.started,
    begun.started_us,
    begun.started_state_seq,
    ender.place as ended,
    ender.seq as ended_seq,
    ender.occurred_us as ended_us,
    ender.sender_id,
    ender.state_seq,
    case
        when ender.is_human_answer then 'answered'
        when ender.is_handoff then 'handed_off'
        when ender.is_resolve then 'resolved'
        when ender.is_answer then 'bot'
    end as ending
from begun left join (select * from story where is_ender) as ender on begun.ender_seq = ender.seq
