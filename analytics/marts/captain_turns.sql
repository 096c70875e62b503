-- What counts for judging Captain, in conversations in which he wrote to the customer: one row per event, `what` it was:
-- answer (his public message), human (an agent's), resolved, reopened, confirmed (the customer said that it helped),
-- unhelpful (he said that message `message_id` did not), rated. happened_us in microseconds since 1970 UTC.
with his as (
    select distinct conversation_id from states where is_captain_answer
),

told as (
    select seq, name, inbox_id, message_id, rating, is_helpful
    from log
    where conversation_id in (select conversation_id from his)
),

turns as (
    select
        story.*,
        told.inbox_id,
        message_id,
        rating,
        case
            when story.code = 7 then 'answer'
            when is_human_answer then 'human'
            when story.is_resolve then 'resolved'
            when own.is_reopening then 'reopened'
            when told.name = 'captain.confirmed' then 'confirmed'
            when told.name = 'captain.feedback' and is_helpful = false then 'unhelpful'
            when told.name = 'csat.answered' and rating is not null then 'rated'
        end as what,
        own.is_captains_after
    from story
    join told on story.seq = told.seq
    left join states as own on story.seq = own.seq
)

select turns.conversation_id, turns.seq, cast(place as bigint) as place, turns.occurred_us as happened_us, what, message_id,
    rating, turns.inbox_id, cast(null as bigint) as agent_id, team_after as team_id,
    coalesce(labels, cast([] as varchar[])) as labels, priority_after as priority,
    coalesce(turns.is_captains_after, was.is_captains_after) as is_captains
from turns
left join states as was on turns.state_seq = was.seq
left join labelled on was.label_seq = labelled.seq
where what is not null
order by happened_us, turns.seq
