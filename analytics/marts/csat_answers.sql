-- One row per answer to a survey, changed ones too. answered_us in microseconds since 1970 UTC; rating 1 to 5.
-- resolution_seq: the resolve it judges, the one its survey asked about, or the last one before the answer.
-- next_answered_us: when it was changed, the next answer about the same resolve; null when it was not.
-- agent_id, team_id, labels, priority: who resolved, and what the conversation was then.
with told as (
    select seq, name, inbox_id, survey_id, rating, resolver_id from log
    where name in ('csat.sent', 'csat.answered') and conversation_id is not null
),

asked as (
    select survey_id, min(place) as place
    from told join story on told.seq = story.seq
    where told.name = 'csat.sent' and survey_id is not null
    group by survey_id
),

answers as (
    select story.*, told.inbox_id, survey_id, rating, resolver_id, coalesce(asked.place, story.place) as judged_place
    from told
    join story on told.seq = story.seq
    left join asked using (survey_id)
    where told.name = 'csat.answered' and rating is not null
),

resolves as (
    select answers.seq, max(story.place) as place
    from answers join story on answers.conversation_id = story.conversation_id and story.place < answers.judged_place
    where story.is_resolve
    group by answers.seq
),

resolved as (
    select
        resolves.seq as answer_seq, states.seq, actor_kind, actor_id, states.team_after, states.label_seq,
        states.priority_after, previous.is_captains_after as is_captains
    from resolves
    join answers on resolves.seq = answers.seq
    join story on answers.conversation_id = story.conversation_id and resolves.place = story.place
    join states on story.seq = states.seq
    left join states as previous on states.previous_seq = previous.seq
    join (
        select seq, actor_kind, actor_id from log where name in ('conversation.status_changed', 'conversation.bot_handoff')
    ) as acted on story.seq = acted.seq
)

select
    answers.seq,
    answers.conversation_id,
    answers.survey_id,
    answers.rating,
    answers.occurred_us as answered_us,
    lead(answers.occurred_us) over (
        partition by coalesce(resolved.seq, -answers.seq) order by answers.occurred_us, answers.seq
    ) as next_answered_us,
    resolved.seq as resolution_seq,
    answers.inbox_id,
    case when resolved.seq is null then answers.resolver_id when resolved.actor_kind = 'user' then resolved.actor_id end
        as agent_id,
    case when resolved.seq is null then was.team_after else resolved.team_after end as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    case when resolved.seq is null then was.priority_after else resolved.priority_after end as priority,
    case when resolved.seq is null then was.is_captains_after else resolved.is_captains end as is_captains
from answers
left join resolved on answers.seq = resolved.answer_seq
left join states as was on answers.state_seq = was.seq
left join labelled on coalesce(resolved.label_seq, was.label_seq) = labelled.seq
order by answered_us, answers.seq
