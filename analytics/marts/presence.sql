-- One row per stretch in which an agent was there (online or busy). Instants in microseconds since 1970 UTC; ended_us is null
-- while he still is.
with changes as (
    select
        seq,
        user_id,
        presence,
        occurred_us,
        lead(occurred_us) over (partition by user_id order by occurred_us, seq) as ended_us
    from log
    where name = 'agent.presence_changed' and user_id is not null
)

select seq, user_id as agent_id, presence, occurred_us as began_us, ended_us
from changes
where presence in ('online', 'busy')
order by began_us, seq
