-- One row per event of a conversation, in the order things happened: occurred_us, at equal instants seq. `place` counts it.
-- Nothing of a conversation comes before its creation: a clock that runs behind may say so, then it happened at that instant.
-- code, so numbered that what is asked for together are neighbours: 1 a change of the conversation, 2 its creation; public
-- messages: 3 a greeting and the like, 4 the customer's, 5 a person's, 6 a bot's, 7 Captain's; 8 a hand-off, 9 one that resolves,
-- 10 a resolve; 0 all the rest. Those from 5 on end a wait; 1, 2 and those from 7 on stand in `states`.
-- state_seq: the event in `states` after which it happened; of the creation, itself. ender_seq: the first event from here on
-- that ends a wait, itself included. sender_id: of a person's public message.
with coded as (
    select
        conversation_id,
        seq,
        occurred_us,
        cast(null as bigint) as sender_id,
        cast(case
            when is_created then 2
            when is_captain_answer then 7
            when is_handoff then case when is_resolve then 9 else 8 end
            when is_resolve then 10
            else 1
        end as tinyint) as code
    from states
    union all
    select
        log.conversation_id,
        seq,
        greatest(occurred_us, coalesce(created_us, occurred_us)) as occurred_us,
        case when message_type = 'outgoing' and is_private is not true and sender_type = 'user' then sender_id end
            as sender_id,
        -- greetings and out-of-office are templates or automation, not answers
        cast(case
            when name <> 'message.created' or is_private then 0
            when message_type = 'incoming' then 4
            when message_type = 'outgoing' and sender_type = 'user' then 5
            when message_type = 'outgoing' and sender_type = 'bot' then 6
            when message_type in ('outgoing', 'template') then 3
            else 0
        end as tinyint) as code
    from log left join early on log.conversation_id = early.conversation_id
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
        *,
        cast(row_number() over so_far as integer) as place,
        last_value(case when code between 1 and 2 or code >= 7 then seq end ignore nulls) over before as set_seq,
        first_value(case when code >= 5 then seq end ignore nulls) over from_here as ender_seq
    from coded
    window
        so_far as (partition by conversation_id order by occurred_us, seq),
        before as (
            partition by conversation_id order by occurred_us, seq rows between unbounded preceding and 1 preceding
        ),
        from_here as (
            partition by conversation_id order by occurred_us, seq rows between current row and unbounded following
        )
)

select
    placed.conversation_id,
    seq,
    occurred_us,
    sender_id,
    code,
    place,
    coalesce(set_seq, case when code = 2 then seq else early.created_seq end) as state_seq,
    ender_seq
from placed left join early on placed.conversation_id = early.conversation_id
