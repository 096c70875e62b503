-- One row per event of a conversation, in the order things happened: occurred_us, at equal instants seq. `place` counts it.
-- agent_id, team_id, labels, priority, status_before, holder_before: the state just before the event ("at the event").
-- Nothing of a conversation comes before its creation: a clock that runs behind may say so, then it happened at that instant.
-- new_…: what the event makes of it; null where it does not touch it, 0 and '' for nobody and nothing.
with born as (
    select conversation_id, min(occurred_us) as created_us from log where name = 'conversation.created' group by conversation_id
),

coded as (
    select
        log.* replace (greatest(log.occurred_us, coalesce(born.created_us, log.occurred_us)) as occurred_us),
        case when name in ('conversation.created', 'assignee.changed') then coalesce(assignee_id, 0) end as new_agent_id,
        case when name in ('conversation.created', 'team.changed') then coalesce(team_id, 0) end as new_team_id,
        case
            when name in ('conversation.created', 'conversation.labels_changed') then coalesce(labels, cast([] as varchar[]))
        end as new_labels,
        case when name in ('conversation.created', 'conversation.priority_changed') then coalesce(priority, '') end
            as new_priority,
        case
            when name = 'conversation.created' then status
            when name = 'conversation.status_changed' then coalesce(status_after, status)
        end as new_status,
        case
            when name in ('conversation.created', 'conversation.status_changed', 'conversation.bot_handoff')
                then coalesce(held_by, '')
        end as new_holder
    from log left join born using (conversation_id)
    where conversation_id is not null
),

told as (
    select
        conversation_id,
        seq,
        name,
        occurred_us,
        inbox_id,
        contact_id,
        display_id,
        actor_kind,
        actor_id,
        message_type,
        coalesce(is_private, false) as is_private,
        sender_type,
        sender_id,
        survey_id,
        rating,
        resolver_id,
        sla_policy_id,
        target,
        due_us,
        new_agent_id,
        new_team_id,
        new_labels,
        new_priority,
        new_status,
        row_number() over (partition by conversation_id order by occurred_us, seq) as place,
        nullif(last_value(new_agent_id ignore nulls) over before, 0) as agent_id,
        nullif(last_value(new_team_id ignore nulls) over before, 0) as team_id,
        coalesce(last_value(new_labels ignore nulls) over before, cast([] as varchar[])) as labels,
        nullif(last_value(new_priority ignore nulls) over before, '') as priority,
        last_value(new_status ignore nulls) over before as status_before,
        nullif(last_value(new_holder ignore nulls) over before, '') as holder_before
    from coded
    window before as (
        partition by conversation_id order by occurred_us, seq rows between unbounded preceding and 1 preceding
    )
)

select
    *,
    name = 'message.created' and message_type = 'incoming' and not is_private as is_incoming,
    name = 'message.created' and message_type in ('outgoing', 'template') and not is_private as is_outgoing,
    -- greetings and out-of-office are templates or automation, not answers
    name = 'message.created' and message_type = 'outgoing' and not is_private and sender_type in ('user', 'captain', 'bot')
        as is_answer,
    name = 'message.created' and message_type = 'outgoing' and not is_private and sender_type = 'user' as is_human_answer,
    name = 'conversation.bot_handoff'
    or (
        name = 'conversation.status_changed' and new_status = 'open' and holder_before is not null
        and actor_kind in ('captain', 'bot')
    ) as is_handoff,
    coalesce(new_status = 'resolved' and status_before <> 'resolved', false) as is_resolve,
    coalesce(new_status <> 'resolved' and status_before = 'resolved', false) as is_reopening
from told
