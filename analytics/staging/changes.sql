-- One row per event that may change what a conversation is, in the order things happened: occurred_us, at equal instants seq.
-- `nth` counts them. Captain's public messages are among them: with the first the conversation becomes his.
-- agent_id, team_id, label_seq (the event that set the labels), priority, …_before, captain_wrote_before: the state just before.
-- new_…: what the event makes of it; null where it does not touch it, 0 and '' for nobody and nothing.
with coded as (
    select
        log.conversation_id,
        seq,
        greatest(occurred_us, coalesce(created_us, occurred_us)) as occurred_us,
        name,
        inbox_id,
        actor_kind,
        actor_id,
        coalesce(is_history, false) as is_history,
        coalesce(causation = 'history', false) as is_imported,
        name = 'message.created' as is_captain_answer,
        case when name in ('conversation.created', 'assignee.changed') then coalesce(assignee_id, 0) end as new_agent_id,
        case when name in ('conversation.created', 'team.changed') then coalesce(team_id, 0) end as new_team_id,
        case when name in ('conversation.created', 'conversation.labels_changed') then seq end as new_label_seq,
        case when name in ('conversation.created', 'conversation.priority_changed') then coalesce(priority, '') end
            as new_priority,
        case
            when name in ('conversation.created', 'conversation.bot_handoff') then status
            when name = 'conversation.status_changed' then coalesce(status_after, status)
        end as new_status,
        coalesce(held_by, '') as held_by,
        coalesce(snoozed_until_us, 0) as snoozed_until_us
    from log left join born on log.conversation_id = born.conversation_id
    where
        log.conversation_id is not null
        and (
            name in (
                'conversation.created', 'conversation.status_changed', 'conversation.bot_handoff', 'assignee.changed',
                'team.changed', 'conversation.labels_changed', 'conversation.priority_changed'
            )
            or (
                name = 'message.created' and message_type = 'outgoing' and is_private is not true
                and sender_type = 'captain'
            )
        )
),

judged as (
    select
        * exclude (held_by, snoozed_until_us),
        -- only what is pending can be held
        case when new_status is not null then case when new_status = 'pending' then held_by else '' end end as new_holder,
        case when new_status is not null then snoozed_until_us end as new_until
    from coded
)

select
    *,
    row_number() over (partition by conversation_id order by occurred_us, seq) as nth,
    nullif(last_value(new_agent_id ignore nulls) over before, 0) as agent_id,
    nullif(last_value(new_team_id ignore nulls) over before, 0) as team_id,
    last_value(new_label_seq ignore nulls) over before as label_seq,
    nullif(last_value(new_priority ignore nulls) over before, '') as priority,
    last_value(new_status ignore nulls) over before as status_before,
    nullif(last_value(new_holder ignore nulls) over before, '') as holder_before,
    last_value(new_until ignore nulls) over before as until_before,
    coalesce(bool_or(is_captain_answer) over before, false) as captain_wrote_before,
    lead(occurred_us) over (partition by conversation_id order by occurred_us, seq) as next_us
from judged
window before as (
    partition by conversation_id order by occurred_us, seq rows between unbounded preceding and 1 preceding
)
