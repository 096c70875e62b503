-- One row per event of the log: what stands in a part of the lake. Instants in microseconds since 1970 UTC.
-- `data` is the event's JSON, kept whole; the columns from display_id on are taken out of it, null where it has none.
-- Read from `batch`, the rows as PostgreSQL gave them, in its order.
select
    seq,
    name,
    conversation_id,
    actor,
    split_part(actor, ':', 1) as actor_kind,
    try_cast(nullif(split_part(actor, ':', 2), '') as bigint) as actor_id,
    causation_seq,
    causation,
    schema_version,
    occurred_us,
    recorded_us,
    fact.display_id,
    fact.inbox_id,
    fact.contact_id,
    fact.status,
    fact.held_by,
    fact.assignee_id,
    fact.team_id,
    fact.labels,
    fact.priority,
    fact.status_change[2] as status_after,
    epoch_us(try_cast(fact.snoozed_until as timestamptz)) as snoozed_until_us,
    fact.message_id,
    fact.message_type,
    fact.is_private,
    fact.sender_type,
    fact.sender_id,
    fact.survey_id,
    fact.rating,
    fact.resolver_id,
    fact.sla_policy_id,
    fact.target,
    epoch_us(try_cast(fact.due_at as timestamptz)) as due_us,
    fact.user_id,
    fact.presence,
    fact.is_helpful,
    data
from (
    select
        *,
        from_json(data, '{
            "display_id": "BIGINT", "inbox_id": "BIGINT", "contact_id": "BIGINT", "status": "VARCHAR", "held_by": "VARCHAR",
            "assignee_id": "BIGINT", "team_id": "BIGINT", "labels": ["VARCHAR"], "priority": "VARCHAR",
            "status_change": ["VARCHAR"], "snoozed_until": "VARCHAR",
            "message_id": "BIGINT", "message_type": "VARCHAR", "is_private": "BOOLEAN", "sender_type": "VARCHAR",
            "sender_id": "BIGINT",
            "survey_id": "BIGINT", "rating": "INTEGER", "resolver_id": "BIGINT",
            "sla_policy_id": "BIGINT", "target": "VARCHAR", "due_at": "VARCHAR",
            "user_id": "BIGINT", "presence": "VARCHAR", "is_helpful": "BOOLEAN"
        }') as fact
    from batch
)
