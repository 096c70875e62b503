-- Two rows at most per change of a conversation's state: -1 out of the backlog as it was, +1 into it as it became.
-- The sum of delta over changed_us <= T, in microseconds since 1970 UTC, is the backlog at T: open, pending and snoozed.
with changed as (
    select *
    from states
    where
        new_status is not null
        or name in ('assignee.changed', 'team.changed', 'conversation.labels_changed', 'conversation.priority_changed')
        or is_captains <> is_captains_after
)

select conversation_id, seq, occurred_us as changed_us, -1 as delta, status_before as status, inbox_id, agent_id, team_id,
    labels, priority, is_captains
from changed
where status_before <> 'resolved'
union all
select conversation_id, seq, occurred_us as changed_us, 1 as delta, status_after as status, inbox_id,
    agent_after as agent_id, team_after as team_id, labels_after as labels, priority_after as priority,
    is_captains_after as is_captains
from changed
where status_after <> 'resolved'
order by changed_us, seq, delta
