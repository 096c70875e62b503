-- One row per conversation, as everything up to the build has left it: what “as today” means.
select
    conversation_id,
    status_after as status,
    agent_after as agent_id,
    team_after as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    priority_after as priority,
    is_captains_after as is_captains
from states left join labelled on states.label_seq = labelled.seq
where next_us is null
order by conversation_id
