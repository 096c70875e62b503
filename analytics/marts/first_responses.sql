-- One row per conversation and kind (human, any) that got its first answer. Instants, span_us and worked_us (the part of the
-- span in working hours) in microseconds.
-- human: from max(created, last hand-off before it); any: from created. No row when we wrote before the customer did.
with marks as (
    select
        conversation_id,
        min(place) filter (where name = 'conversation.created') as created,
        min(place) filter (where is_incoming) as asked,
        min(place) filter (where is_human_answer) as human,
        min(place) filter (where is_answer) as anyone
    from story
    group by conversation_id
),

answers as (
    select conversation_id, 'human' as kind, created, human as place from marks where asked < human
    union all
    select conversation_id, 'any' as kind, created, anyone as place from marks where asked < anyone
),

handoffs as (
    select answers.conversation_id, answers.kind, max(story.place) as handed_off
    from answers join story on answers.conversation_id = story.conversation_id and story.place < answers.place
    where answers.kind = 'human' and story.is_handoff
    group by answers.conversation_id, answers.kind
),

spans as (
    select answers.*, greatest(created, coalesce(handed_off, created)) as started
    from answers left join handoffs using (conversation_id, kind)
    where created is not null
)

select
    spans.kind,
    spans.conversation_id,
    answer.seq,
    start.occurred_us as started_us,
    answer.occurred_us as answered_us,
    answer.occurred_us - start.occurred_us as span_us,
    answer.worked_us - start.worked_us as worked_us,
    answer.inbox_id,
    case when answer.sender_type = 'user' then answer.sender_id end as agent_id,
    answer.team_id,
    answer.labels,
    answer.priority,
    answer.is_captains_after as is_captains
from spans
join story as answer on spans.conversation_id = answer.conversation_id and spans.place = answer.place
join story as start on spans.conversation_id = start.conversation_id and spans.started = start.place
order by answered_us, answer.seq
