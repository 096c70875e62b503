-- One row per conversation, as everything up to the build has left it: what “as today” means.
select
    conversation_id,
    max_by(status_after, place) as status,
    arg_max_null(agent_after, place) as agent_id,
    arg_max_null(team_after, place) as team_id,
    max_by(labels_after, place) as labels,
    arg_max_null(priority_after, place) as priority,
    max_by(is_captains_after, place) as is_captains
from story
group by conversation_id
order by conversation_id
