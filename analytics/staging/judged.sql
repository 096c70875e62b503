-- One row per survey sent and per answer to one, with what it is about: the last resolve before the survey was sent; before the
-- answer where nobody knows of a survey. resolution_seq is null where there was none.
-- agent_id, team_id, labels, priority: who resolved, and what the conversation was then.
with heard as (
    select seq, name, inbox_id, survey_id, rating, resolver_id from log
    where name in ('csat.sent', 'csat.answered') and conversation_id is not null
),

asked as (
    select survey_id, min(place) as place
    from heard join story on heard.seq = story.seq
    where heard.name = 'csat.sent' and survey_id is not null
    group by survey_id
),

found as (
    select
        story.*, heard.name, heard.inbox_id, survey_id, rating, resolver_id,
        case when heard.name = 'csat.answered' then coalesce(asked.place, story.place) else story.place end as judged_place
    from heard
    join story on heard.seq = story.seq
    left join asked using (survey_id)
),

resolves as (
    select found.seq, max(story.place) as place
    from found join story on found.conversation_id = story.conversation_id and story.place < found.judged_place
    where story.is_resolve
    group by found.seq
),

resolved as (
    select
        resolves.seq as judging_seq, states.seq, actor_kind, actor_id, states.team_after, states.label_seq,
        states.priority_after, previous.is_captains_after as is_captains
    from resolves
    join found on resolves.seq = found.seq
    join story on found.conversation_id = story.conversation_id and resolves.place = story.place
    join states on story.seq = states.seq
    left join states as previous on states.previous_seq = previous.seq
    join (
        select seq, actor_kind, actor_id from log where name in ('conversation.status_changed', 'conversation.bot_handoff')
    ) as acted on story.seq = acted.seq
)

select
    found.seq,
    found.name,
    found.conversation_id,
    found.occurred_us,
    found.survey_id,
    found.rating,
    resolved.seq as resolution_seq,
    found.inbox_id,
    case when resolved.seq is null then found.resolver_id when resolved.actor_kind = 'user' then resolved.actor_id end
        as agent_id,
    case when resolved.seq is null then was.team_after else resolved.team_after end as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    case when resolved.seq is null then was.priority_after else resolved.priority_after end as priority,
    case when resolved.seq is null then was.is_captains_after else resolved.is_captains end as is_captains
from found
left join resolved on found.seq = resolved.judging_seq
left join states as was on found.state_seq = was.seq
left join labelled on coalesce(resolved.label_seq, was.label_seq) = labelled.seq
