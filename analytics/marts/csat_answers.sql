-- One row per answer to a survey, changed ones too. answered_us in microseconds since 1970 UTC; rating 1 to 5.
-- resolution_seq: the resolve it judges, the one its survey asked about, or the last one before the answer.
-- next_answered_us: when it was changed, the next answer about the same resolve; null when it was not.
-- agent_id, team_id, labels, priority: who resolved, and what the conversation was then.
select
    seq,
    conversation_id,
    survey_id,
    rating,
    occurred_us as answered_us,
    lead(occurred_us) over (partition by coalesce(resolution_seq, -seq) order by occurred_us, seq) as next_answered_us,
    resolution_seq,
    inbox_id,
    agent_id,
    team_id,
    labels,
    priority,
    is_captains
from judged
where name = 'csat.answered' and rating is not null
order by answered_us, seq
