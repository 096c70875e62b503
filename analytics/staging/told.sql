-- One row per event of a conversation, in the order things happened: occurred_us, at equal instants seq. `place` counts it.
-- agent_id, team_id, labels, priority, status_before, holder_before, is_captains: the state just before the event.
-- Nothing of a conversation comes before its creation: a clock that runs behind may say so, then it happened at that instant.
-- new_…: what the event makes of it; null where it does not touch it, 0 and '' for nobody and nothing.
with born as (
    select conversation_id, min(occurred_us) as created_us, bool_or(causation = 'history') as is_history
    from log
    where name = 'conversation.created'
    group by conversation_id
),

coded as (
    select
        log.* replace (greatest(log.occurred_us, coalesce(born.created_us, log.occurred_us)) as occurred_us),
        coalesce(born.is_history, false) as is_history,
        case when name in ('conversation.created', 'assignee.changed') then coalesce(assignee_id, 0) end as new_agent_id,
        case when name in ('conversation.created', 'team.changed') then coalesce(team_id, 0) end as new_team_id,
        case
            when name in ('conversation.created', 'conversation.labels_changed') then coalesce(labels, cast([] as varchar[]))
        end as new_labels,
        case when name in ('conversation.created', 'conversation.priority_changed') then coalesce(priority, '') end
            as new_priority,
        case
            when name in ('conversation.created', 'conversation.bot_handoff') then status
            when name = 'conversation.status_changed' then coalesce(status_after, status)
        end as new_status,
        name = 'message.created' and message_type = 'incoming' and is_private is not true as is_incoming,
        name = 'message.created' and message_type in ('outgoing', 'template') and is_private is not true as is_outgoing,
        -- greetings and out-of-office are templates or automation, not answers
        name = 'message.created' and message_type = 'outgoing' and is_private is not true as is_said
    from log left join born using (conversation_id)
    where conversation_id is not null
),

judged as (
    select
        *,
        is_said and sender_type in ('user', 'captain', 'bot') as is_answer,
        is_said and sender_type = 'user' as is_human_answer,
        is_said and sender_type = 'captain' as is_captain_answer,
        -- only what is pending can be held
        case when new_status is not null then case when new_status = 'pending' then coalesce(held_by, '') else '' end end
            as new_holder,
        case when new_status is not null then coalesce(snoozed_until_us, 0) end as new_until
    from coded
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
        message_id,
        sender_type,
        sender_id,
        survey_id,
        rating,
        resolver_id,
        sla_policy_id,
        is_helpful,
        user_id,
        is_history,
        coalesce(causation = 'history', false) as is_imported,
        new_agent_id,
        new_team_id,
        new_labels,
        new_priority,
        new_status,
        new_holder,
        new_until,
        is_incoming,
        is_outgoing,
        is_answer,
        is_human_answer,
        is_captain_answer,
        row_number() over so_far as place,
        nullif(last_value(new_agent_id ignore nulls) over before, 0) as agent_id,
        nullif(last_value(new_team_id ignore nulls) over before, 0) as team_id,
        coalesce(last_value(new_labels ignore nulls) over before, cast([] as varchar[])) as labels,
        nullif(last_value(new_priority ignore nulls) over before, '') as priority,
        last_value(new_status ignore nulls) over before as status_before,
        nullif(last_value(new_holder ignore nulls) over before, '') as holder_before,
        last_value(new_until ignore nulls) over before as until_before,
        -- whether the newest word of the customer has no answer yet, after this event
        coalesce(
            last_value(case when is_incoming then true when is_answer then false end ignore nulls) over so_far, false
        ) as is_unanswered,
        coalesce(bool_or(is_captain_answer) over before, false) as captain_wrote_before
    from judged
    window
        before as (
            partition by conversation_id order by occurred_us, seq rows between unbounded preceding and 1 preceding
        ),
        so_far as (
            partition by conversation_id order by occurred_us, seq rows between unbounded preceding and current row
        )
)

select
    told.*,
    coalesce(new_status, status_before) as status_after,
    case when new_agent_id is null then agent_id else nullif(new_agent_id, 0) end as agent_after,
    case when new_team_id is null then team_id else nullif(new_team_id, 0) end as team_after,
    coalesce(new_labels, labels) as labels_after,
    case when new_priority is null then priority else nullif(new_priority, '') end as priority_after,
    -- Captain holds it, or has written to the customer
    captain_wrote_before or coalesce(holder_before = 'captain', false) as is_captains,
    captain_wrote_before or is_captain_answer
    or coalesce(case when new_holder is null then holder_before else new_holder end = 'captain', false) as is_captains_after,
    -- a person who takes over hands nothing off
    name = 'conversation.bot_handoff' and actor_kind <> 'user'
    or (
        name = 'conversation.status_changed' and new_status = 'open' and holder_before = actor_kind
        and actor_kind in ('captain', 'bot')
    ) as is_handoff,
    coalesce(new_status = 'resolved' and status_before <> 'resolved', false) as is_resolve,
    coalesce(new_status <> 'resolved' and status_before = 'resolved', false) as is_reopening,
    -- whose turn it is from here on: ours; the customer's, while pending for him, snoozed until he replies, or held by
    -- Captain or a bot that has answered; nobody's (null) while resolved
    case coalesce(new_status, status_before)
        when 'open' then 'ours'
        when 'snoozed' then case when coalesce(new_until, until_before, 0) > 0 then 'ours' else 'snoozed' end
        when 'pending' then
            case
                when coalesce(new_holder, holder_before, '') = '' then 'pending'
                when is_unanswered then 'ours'
                else 'held'
            end
    end as turn
from told
