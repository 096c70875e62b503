-- One row per conversation, as everything up to the build has left it: what “as today” means.
select
    conversation_id,
    status_after as status,
    agent_after as agent_id,
    team_after as team_id,
    labels_after as labels,
    priority_after as priority,
    is_captains_after as is_captains
from states
where next_us is null
order by conversation_id
