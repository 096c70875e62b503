-- One row per event that may change what a conversation is, in the order things happened: occurred_us, at equal instants seq.
-- next_us: when the next one happened (null: it holds until now); previous_seq: the one before. Captain's public messages are
-- among them: with the first the conversation becomes his.
-- …_after: what it is from then on; label_seq: the event that set its labels, see `labelled`. is_moved: to another team.
-- is_captains: Captain holds it, or has written to the customer. rest: waiting for the customer, 'pending' or 'snoozed'.
with kinds as (
    select
        *,
        -- in numbers, because each is asked for again
        case name
            when 'conversation.created' then 1
            when 'conversation.status_changed' then 2
            when 'conversation.bot_handoff' then 3
            when 'assignee.changed' then 4
            when 'team.changed' then 5
            when 'conversation.labels_changed' then 6
            when 'conversation.priority_changed' then 7
            when 'message.created' then 8
        end as kind
    from log
    where
        conversation_id is not null
        and (
            name <> 'message.created'
            or (message_type = 'outgoing' and is_private is not true and sender_type = 'captain')
        )
),

coded as (
    select
        kinds.conversation_id,
        seq,
        greatest(occurred_us, coalesce(created_us, occurred_us)) as occurred_us,
        kind,
        inbox_id,
        actor_kind,
        case when kind in (1, 4) then coalesce(assignee_id, 0) end as new_agent_id,
        case when kind in (1, 5) then coalesce(team_id, 0) end as new_team_id,
        case when kind in (1, 6) then seq end as new_label_seq,
        case when kind in (1, 7) then coalesce(priority, '') end as new_priority,
        case when kind in (1, 3) then status when kind = 2 then coalesce(status_after, status) end as new_status,
        held_by,
        snoozed_until_us
    from kinds left join early on kinds.conversation_id = early.conversation_id
    where kind is not null
),

judged as (
    select
        * exclude (held_by, snoozed_until_us),
        -- only what is pending can be held
        case when new_status = 'pending' then coalesce(held_by, '') when new_status is not null then '' end as new_holder,
        -- a hand-off ends no snooze: until when stands in what began it
        case when new_status is not null and not (kind = 3 and new_status = 'snoozed') then coalesce(snoozed_until_us, 0) end
            as new_until
    from coded
),

followed as (
    select
        *,
        lag(seq) over told as previous_seq,
        last_value(new_agent_id ignore nulls) over before as agent_before,
        last_value(new_team_id ignore nulls) over before as team_before,
        last_value(new_label_seq ignore nulls) over before as label_seq_before,
        last_value(new_priority ignore nulls) over before as priority_before,
        last_value(new_status ignore nulls) over before as status_before,
        last_value(new_holder ignore nulls) over before as holder_before,
        last_value(new_until ignore nulls) over before as until_before,
        coalesce(last_value(case when kind = 8 then true end ignore nulls) over before, false)
            as captain_wrote_before,
        lead(occurred_us) over told as next_us
    from judged
    window
        told as (partition by conversation_id order by occurred_us, seq),
        before as (
            partition by conversation_id order by occurred_us, seq rows between unbounded preceding and 1 preceding
        )
)

select
    conversation_id,
    seq,
    occurred_us,
    next_us,
    previous_seq,
    inbox_id,
    kind = 1 as is_created,
    kind = 8 as is_captain_answer,
    kind between 4 and 7 or new_status is not null as is_change,
    new_status,
    coalesce(new_status, status_before) as status_after,
    nullif(coalesce(new_agent_id, agent_before), 0) as agent_after,
    nullif(coalesce(new_team_id, team_before), 0) as team_after,
    coalesce(previous_seq is not null and new_team_id <> coalesce(team_before, 0), false) as is_moved,
    coalesce(new_label_seq, label_seq_before) as label_seq,
    nullif(coalesce(new_priority, priority_before), '') as priority_after,
    nullif(coalesce(new_holder, holder_before), '') as holder_after,
    captain_wrote_before or kind = 8 or coalesce(coalesce(new_holder, holder_before) = 'captain', false)
        as is_captains_after,
    captain_wrote_before,
    -- a person who takes over hands nothing off
    kind = 3 and actor_kind <> 'user'
    or coalesce(
        kind = 2 and new_status = 'open' and holder_before = actor_kind and actor_kind in ('captain', 'bot'), false
    ) as is_handoff,
    coalesce(new_status = 'resolved' and status_before <> 'resolved', false) as is_resolve,
    coalesce(new_status <> 'resolved' and status_before = 'resolved', false) as is_reopening,
    case coalesce(new_status, status_before)
        when 'snoozed' then case when coalesce(new_until, until_before, 0) > 0 then null else 'snoozed' end
        when 'pending' then case when coalesce(new_holder, holder_before, '') = '' then 'pending' end
    end as rest
from followed
