-- One row per event of a conversation, in the order things happened: occurred_us, at equal instants seq. `place` counts it.
-- Nothing of a conversation comes before its creation: a clock that runs behind may say so, then it happened at that instant.
-- state_seq: the event in `states` after which it happened; of the creation, itself. worked_us: the conversation's own clock,
-- which runs in working hours alone; two instants of one conversation may be subtracted. humans, enders: how many public
-- messages of people, and how many events that end a wait, there were before. sender_id: of a person's public message.
with marked as (
    select
        conversation_id,
        seq,
        occurred_us,
        inbox_id,
        cast(null as bigint) as sender_id,
        seq as set_seq,
        created_seq,
        name = 'conversation.created' as is_created,
        false as is_incoming,
        is_captain_answer as is_outgoing,
        is_captain_answer as is_answer,
        false as is_human_answer,
        is_handoff,
        is_resolve
    from states left join born using (conversation_id)
    union all
    select
        log.conversation_id,
        seq,
        greatest(occurred_us, coalesce(created_us, occurred_us)) as occurred_us,
        inbox_id,
        case when sender_type = 'user' then sender_id end as sender_id,
        cast(null as bigint) as set_seq,
        created_seq,
        false as is_created,
        name = 'message.created' and message_type = 'incoming' and is_private is not true as is_incoming,
        name = 'message.created' and message_type in ('outgoing', 'template') and is_private is not true as is_outgoing,
        -- greetings and out-of-office are templates or automation, not answers
        name = 'message.created' and message_type = 'outgoing' and is_private is not true
        and sender_type in ('user', 'bot') as is_answer,
        name = 'message.created' and message_type = 'outgoing' and is_private is not true and sender_type = 'user'
            as is_human_answer,
        false as is_handoff,
        false as is_resolve
    from log left join born on log.conversation_id = born.conversation_id
    where
        log.conversation_id is not null
        and name not in (
            'conversation.created', 'conversation.status_changed', 'conversation.bot_handoff', 'assignee.changed',
            'team.changed', 'conversation.labels_changed', 'conversation.priority_changed'
        )
        and not coalesce(
            name = 'message.created' and message_type = 'outgoing' and is_private is not true and sender_type = 'captain',
            false
        )
),

placed as (
    select
        * exclude (set_seq, created_seq),
        row_number() over so_far as place,
        coalesce(last_value(set_seq ignore nulls) over before, created_seq) as state_seq,
        count(*) filter (where is_human_answer) over before as humans,
        count(*) filter (where is_answer or is_handoff or is_resolve) over before as enders
    from marked
    window
        before as (
            partition by conversation_id order by occurred_us, seq rows between unbounded preceding and 1 preceding
        ),
        so_far as (
            partition by conversation_id order by occurred_us, seq rows between unbounded preceding and current row
        )
)

select
    placed.conversation_id,
    placed.seq,
    cast(place as integer) as place,
    placed.occurred_us,
    coalesce(open_before + rate * (placed.occurred_us - from_us), placed.occurred_us) + coalesce(shift_us, 0) as worked_us,
    placed.inbox_id,
    sender_id,
    state_seq,
    cast(humans as integer) as humans,
    cast(enders as integer) as enders,
    is_created,
    is_incoming,
    is_outgoing,
    is_answer,
    is_human_answer,
    placed.is_handoff,
    placed.is_resolve
from placed
left join states on placed.state_seq = states.seq
left join clock
    on states.schedule_id = clock.schedule_id and placed.occurred_us // 7200000000 = clock.slot
    and placed.occurred_us >= clock.from_us and placed.occurred_us < clock.to_us
