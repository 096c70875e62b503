-- One row per answer to a survey, changed ones too. answered_us in microseconds since 1970 UTC; rating 1 to 5.
-- resolution_seq: the resolve it judges, the one its survey asked about, or the last one before the answer.
-- agent_id, team_id, labels, priority: who resolved, and what the conversation was then.
with asked as (
    select survey_id, min(place) as place
    from story
    where name = 'csat.sent' and survey_id is not null
    group by survey_id
),

answers as (
    select story.*, coalesce(asked.place, story.place) as judged_place
    from story left join asked using (survey_id)
    where story.name = 'csat.answered' and story.rating is not null
),

resolves as (
    select answers.seq, max(story.place) as place
    from answers join story on answers.conversation_id = story.conversation_id and story.place < answers.judged_place
    where story.is_resolve
    group by answers.seq
)

select
    answers.seq,
    answers.conversation_id,
    answers.survey_id,
    answers.rating,
    answers.occurred_us as answered_us,
    resolved.seq as resolution_seq,
    answers.inbox_id,
    case when resolved.seq is null then answers.resolver_id when resolved.actor_kind = 'user' then resolved.actor_id end
        as agent_id,
    case when resolved.seq is null then answers.team_id else resolved.team_id end as team_id,
    case when resolved.seq is null then answers.labels else resolved.labels end as labels,
    case when resolved.seq is null then answers.priority else resolved.priority end as priority,
    case when resolved.seq is null then answers.is_captains else resolved.is_captains end as is_captains
from answers
left join resolves on answers.seq = resolves.seq
left join story as resolved on answers.conversation_id = resolved.conversation_id and resolves.place = resolved.place
order by answered_us, seq
