-- Two rows at most per change of a conversation's state: -1 out of the backlog as it was, +1 into it as it became.
-- The sum of delta over changed_us <= T, in microseconds since 1970 UTC, is the backlog at T: open, pending and snoozed.
with changed as (
    select
        states.*,
        previous.status_after as status_was,
        previous.agent_after as agent_was,
        previous.team_after as team_was,
        previous.label_seq as label_seq_was,
        previous.priority_after as priority_was,
        coalesce(previous.is_captains_after, false) as is_captains_was
    from states left join states as previous on states.previous_seq = previous.seq
    where states.is_change or states.is_captains_after <> coalesce(previous.is_captains_after, false)
),

moves as (
    select conversation_id, seq, occurred_us as changed_us, -1 as delta, status_was as status, inbox_id, agent_was as agent_id,
        team_was as team_id, label_seq_was as label_seq, priority_was as priority, is_captains_was as is_captains
    from changed
    where status_was <> 'resolved'
    union all
    select conversation_id, seq, occurred_us as changed_us, 1 as delta, status_after as status, inbox_id,
        agent_after as agent_id, team_after as team_id, label_seq, priority_after as priority, is_captains_after as is_captains
    from changed
    where status_after <> 'resolved'
)

select conversation_id, moves.seq, changed_us, delta, status, inbox_id, agent_id, team_id,
    coalesce(labels, cast([] as varchar[])) as labels, priority, is_captains
from moves left join labelled on moves.label_seq = labelled.seq
order by changed_us, moves.seq, delta
