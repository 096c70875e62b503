-- One row per survey sent; of what an import told: per resolve of a conversation with a person's or Captain's answer.
-- Instants in microseconds since 1970 UTC; answered_us is its first answer, null without one.
-- agent_id, team_id, labels, priority: who resolved, and what the conversation was then.
with told as (
    select seq, name, inbox_id, survey_id, resolver_id from log
    where name in ('csat.sent', 'csat.answered') and conversation_id is not null
),

sent as (
    select story.*, told.inbox_id, survey_id, resolver_id
    from told join story on told.seq = story.seq
    where told.name = 'csat.sent'
),

answered as (
    select survey_id, min(occurred_us) as answered_us
    from told join story on told.seq = story.seq
    where told.name = 'csat.answered' and survey_id is not null
    group by survey_id
),

resolves as (
    select sent.seq, max(story.place) as place
    from sent join story on sent.conversation_id = story.conversation_id and story.place < sent.place
    where story.is_resolve
    group by sent.seq
),

resolved as (
    select
        resolves.seq as survey_seq, states.seq, actor_kind, actor_id, states.team_after, states.label_seq,
        states.priority_after, previous.is_captains_after as is_captains
    from resolves
    join sent on resolves.seq = sent.seq
    join story on sent.conversation_id = story.conversation_id and resolves.place = story.place
    join states on story.seq = states.seq
    left join states as previous on states.previous_seq = previous.seq
    join (
        select seq, actor_kind, actor_id from log where name in ('conversation.status_changed', 'conversation.bot_handoff')
    ) as acted on story.seq = acted.seq
)

select
    sent.survey_id,
    sent.seq,
    sent.conversation_id,
    sent.occurred_us as sent_us,
    answered.answered_us,
    resolved.seq as resolution_seq,
    sent.inbox_id,
    case when resolved.seq is null then sent.resolver_id when resolved.actor_kind = 'user' then resolved.actor_id end
        as agent_id,
    case when resolved.seq is null then was.team_after else resolved.team_after end as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    case when resolved.seq is null then was.priority_after else resolved.priority_after end as priority,
    case when resolved.seq is null then was.is_captains_after else resolved.is_captains end as is_captains,
    false as is_imported
from sent
left join answered using (survey_id)
left join resolved on sent.seq = resolved.survey_seq
left join states as was on sent.state_seq = was.seq
left join labelled on coalesce(resolved.label_seq, was.label_seq) = labelled.seq
union all
select
    cast(null as bigint) as survey_id,
    seq,
    conversation_id,
    resolved_us as sent_us,
    judged.answered_us,
    seq as resolution_seq,
    inbox_id,
    agent_id,
    team_id,
    labels,
    priority,
    is_captains,
    true as is_imported
from resolutions
left join (
    select resolution_seq, min(answered_us) as answered_us from csat_answers where resolution_seq is not null
    group by resolution_seq
) as judged on resolutions.seq = judged.resolution_seq
where is_imported and is_answered and resolutions.conversation_id in (select conversation_id from born)
order by sent_us, seq
