-- One row per wait of a customer for a person: from his oldest message without an answer, or from the hand-off that began it
-- again, to what ended it (ended: a place of the story, with ended_seq; null while he waits). ending: answered by a person;
-- answered by Captain or a bot; resolved; handed_off, when the next wait begins.
with handed as (
    select conversation_id, place, enders, occurred_us, worked_us, is_asked
    from (
        select
            *,
            last_value(case when is_incoming then true when is_human_answer or is_resolve then false end ignore nulls) over (
                partition by conversation_id order by place rows between unbounded preceding and 1 preceding
            ) as is_asked
        from story
        where
            (is_incoming or is_human_answer or is_handoff or is_resolve)
            and conversation_id in (select conversation_id from story where is_handoff)
    )
    where is_handoff
),

begun as (
    select
        conversation_id,
        enders,
        -- the story goes on in all three together
        min(place) as started,
        min(occurred_us) as started_us,
        min(worked_us) as started_worked_us
    from (
        select conversation_id, enders, place, occurred_us, worked_us from story where is_incoming
        union all
        select conversation_id, enders + 1 as enders, place, occurred_us, worked_us from handed where is_asked
    )
    group by conversation_id, enders
)

select
    begun.conversation_id,
    begun.started,
    begun.started_us,
    begun.started_worked_us,
    ender.place as ended,
    ender.seq as ended_seq,
    ender.occurred_us as ended_us,
    ender.worked_us as ended_worked_us,
    ender.inbox_id,
    ender.sender_id,
    ender.state_seq,
    case
        when ender.is_human_answer then 'answered'
        when ender.is_handoff then 'handed_off'
        when ender.is_resolve then 'resolved'
        when ender.is_answer then 'bot'
    end as ending
from begun left join story as ender
    on begun.conversation_id = ender.conversation_id and begun.enders = ender.enders
    and (ender.is_answer or ender.is_handoff or ender.is_resolve)
