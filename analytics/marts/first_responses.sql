-- One row per conversation and kind (human, any) that got its first answer. Instants and span_us in microseconds.
-- human: from max(created, last hand-off before it); any: from created. No row when we wrote before the customer did.
with marks as (
    select
        conversation_id,
        min(occurred_us) filter (where name = 'conversation.created') as created_us,
        min(place) filter (where is_incoming) as asked,
        min(place) filter (where is_human_answer) as human,
        min(place) filter (where is_answer) as anyone
    from story
    group by conversation_id
),

answers as (
    select conversation_id, 'human' as kind, created_us, human as place from marks where asked < human
    union all
    select conversation_id, 'any' as kind, created_us, anyone as place from marks where asked < anyone
),

handoffs as (
    select answers.conversation_id, answers.kind, max(story.occurred_us) as handed_off_us
    from answers join story on answers.conversation_id = story.conversation_id and story.place < answers.place
    where answers.kind = 'human' and story.is_handoff
    group by answers.conversation_id, answers.kind
),

spans as (
    select answers.*, greatest(created_us, coalesce(handed_off_us, created_us)) as started_us
    from answers left join handoffs using (conversation_id, kind)
    where created_us is not null
)

select
    spans.kind,
    conversation_id,
    story.seq,
    started_us,
    story.occurred_us as answered_us,
    story.occurred_us - started_us as span_us,
    inbox_id,
    case when sender_type = 'user' then sender_id end as agent_id,
    team_id,
    labels,
    priority
from spans join story using (conversation_id, place)
order by answered_us, seq
