-- One row per settled SLA target: one promise to one customer. outcome_us in microseconds since 1970 UTC: when it was met,
-- or the due time it missed. What the log settled first stays.
with settled as (
    select
        *,
        row_number() over (partition by conversation_id, target, due_us order by seq) as nth
    from story
    where name in ('sla.met', 'sla.breached')
)

select
    conversation_id,
    target,
    due_us,
    sla_policy_id,
    seq,
    name = 'sla.met' as is_met,
    case when name = 'sla.met' then occurred_us else coalesce(due_us, occurred_us) end as outcome_us,
    inbox_id,
    agent_id,
    team_id,
    labels,
    priority
from settled
where nth = 1
order by outcome_us, seq
