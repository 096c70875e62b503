-- One row per conversation and kind (human, any) that got its first answer. Instants, span_us and worked_us (the part of the
-- span in working hours) in microseconds.
-- human: from max(created, last hand-off before it); any: from created. No row when we wrote before the customer did.
with asked as (
    select conversation_id, min(started) as asked from waits group by conversation_id
),

marks as (
    select conversation_id, min(place) filter (where is_human_answer) as human, min(place) as anyone
    from story
    where is_answer
    group by conversation_id
),

answers as (
    select conversation_id, 'human' as kind, human as place from marks where human is not null
    union all
    select conversation_id, 'any' as kind, anyone as place from marks
),

handoffs as (
    select
        marks.conversation_id,
        max(place) as place,
        max(occurred_us) as occurred_us,
        max(worked_us) as worked_us
    from marks join story on marks.conversation_id = story.conversation_id and story.place < marks.human
    where is_handoff
    group by marks.conversation_id
),

spans as (
    select
        answers.kind,
        answer.*,
        case when handoffs.place > created.place then handoffs.occurred_us else created.occurred_us end as started_us,
        case when handoffs.place > created.place then handoffs.worked_us else created.worked_us end as started_worked_us
    from answers
    join asked on answers.conversation_id = asked.conversation_id and asked.asked < answers.place
    join story as answer on answers.conversation_id = answer.conversation_id and answers.place = answer.place
    join story as created on answers.conversation_id = created.conversation_id and created.is_created
    left join handoffs on answers.conversation_id = handoffs.conversation_id and answers.kind = 'human'
    where answer.is_answer
)

select
    kind,
    spans.conversation_id,
    spans.seq,
    started_us,
    spans.occurred_us as answered_us,
    spans.occurred_us - started_us as span_us,
    worked_us - started_worked_us as worked_us,
    spans.inbox_id,
    sender_id as agent_id,
    team_after as team_id,
    labels_after as labels,
    priority_after as priority,
    is_captains_after or spans.seq in (select seq from states where is_captain_answer) as is_captains
from spans left join states on spans.state_seq = states.seq
order by answered_us, spans.seq
