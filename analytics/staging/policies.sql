-- One row per version of an SLA policy; the first holds before it too. Targets in microseconds, null where nothing is promised.
with versions as (
    select
        sla_policy_id,
        occurred_us,
        row_number() over (partition by sla_policy_id, occurred_us order by seq desc) as nth_of_instant,
        data
    from log
    where name = 'sla_policy.versioned'
)

select
    sla_policy_id,
    case
        when occurred_us = min(occurred_us) over (partition by sla_policy_id) then cast(-4611686018427387904 as bigint)
        else occurred_us
    end as since_us,
    cast(data ->> '$.targets.first_response_seconds' as bigint) * 1000000 as first_response_us,
    cast(data ->> '$.targets.next_response_seconds' as bigint) * 1000000 as next_response_us,
    cast(data ->> '$.targets.resolution_seconds' as bigint) * 1000000 as resolution_us,
    coalesce(cast(data ->> '$.targets.is_business_time' as boolean), false) as is_business_time,
    coalesce(cast(data -> '$.targets.pause_while' as varchar[]), cast([] as varchar[])) as pause_while
from versions
where nth_of_instant = 1
