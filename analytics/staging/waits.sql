-- One row per wait of a customer for a person: from his oldest message without an answer, or from the hand-off that began it
-- again, to what ended it (ended: a place of the story; null while he waits). ending: answered by a person; answered by
-- Captain or a bot; resolved; handed_off, when the next wait begins.
with marks as (
    select
        conversation_id,
        place,
        is_incoming,
        is_answer,
        is_human_answer,
        is_handoff,
        is_resolve,
        last_value(case when is_incoming then true when is_human_answer or is_resolve then false end ignore nulls) over before
            as is_asked,
        count(*) filter (where is_answer or is_handoff or is_resolve) over before as nth
    from story
    where is_incoming or is_answer or is_handoff or is_resolve
    window before as (partition by conversation_id order by place rows between unbounded preceding and 1 preceding)
),

begun as (
    select conversation_id, nth, min(place) as started
    from (
        select conversation_id, nth, place from marks where is_incoming
        union all
        select conversation_id, nth + 1 as nth, place from marks where is_handoff and is_asked
    )
    group by conversation_id, nth
)

select
    begun.conversation_id,
    begun.started,
    ender.place as ended,
    case
        when ender.is_human_answer then 'answered'
        when ender.is_handoff then 'handed_off'
        when ender.is_resolve then 'resolved'
        when ender.is_answer then 'bot'
    end as ending
from begun left join marks as ender
    on begun.conversation_id = ender.conversation_id and begun.nth = ender.nth
    and (ender.is_answer or ender.is_handoff or ender.is_resolve)
