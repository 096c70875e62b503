-- What counts for judging Captain, in conversations in which he wrote to the customer: one row per event, `what` it was:
-- answer (his public message), human (an agent's), resolved, reopened, confirmed (the customer said that it helped),
-- unhelpful (he said that message `message_id` did not), rated. happened_us in microseconds since 1970 UTC.
with told as (
    select
        *,
        case
            when is_captain_answer then 'answer'
            when is_human_answer then 'human'
            when is_resolve then 'resolved'
            when is_reopening then 'reopened'
            when name = 'captain.confirmed' then 'confirmed'
            when name = 'captain.feedback' and is_helpful = false then 'unhelpful'
            when name = 'csat.answered' and rating is not null then 'rated'
        end as what
    from story
)

select conversation_id, seq, place, occurred_us as happened_us, what, message_id, rating, inbox_id,
    cast(null as bigint) as agent_id, team_id, labels, priority, is_captains_after as is_captains
from told
where what is not null and conversation_id in (select conversation_id from story where is_captain_answer)
order by happened_us, seq
