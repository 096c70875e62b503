-- One row per survey sent; of what an import told: per resolve of a conversation with a person's or Captain's answer.
-- Instants in microseconds since 1970 UTC; answered_us is its first answer, null without one.
-- agent_id, team_id, labels, priority: who resolved, and what the conversation was then.
select
    survey_id,
    seq,
    conversation_id,
    occurred_us as sent_us,
    answered.answered_us,
    resolution_seq,
    inbox_id,
    agent_id,
    team_id,
    labels,
    priority,
    is_captains,
    false as is_imported
from judged
left join (
    select survey_id, min(occurred_us) as answered_us from judged
    where name = 'csat.answered' and survey_id is not null
    group by survey_id
) as answered using (survey_id)
where name = 'csat.sent'
union all
select
    cast(null as bigint) as survey_id,
    seq,
    conversation_id,
    resolved_us as sent_us,
    answered.answered_us,
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
) as answered on resolutions.seq = answered.resolution_seq
where is_imported and is_answered and resolutions.conversation_id in (select conversation_id from born)
order by sent_us, seq
