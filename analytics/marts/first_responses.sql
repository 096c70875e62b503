-- One row per conversation and kind (human, any) that got its first answer. Instants, span_us and worked_us (the part of the
-- span in working hours) in microseconds.
-- human: from max(created, last hand-off before it); any: from created. No row when we wrote before the customer did.
with marks as (
    select
        conversation_id,
        min(place) filter (where is_incoming) as asked,
        min(place) filter (where is_human_answer) as human,
        min(place) filter (where is_answer) as anyone
    from story
    where is_incoming or is_answer
    group by conversation_id
),

-- the first answer of either kind; often one and the same
firsts as (
    select
        story.conversation_id, seq, occurred_us, sender_id, state_seq, code,
        place = human as is_human, place = anyone as is_anyone
    from story join marks on story.conversation_id = marks.conversation_id
    where is_answer and (place = human or place = anyone) and asked < place
),

handoffs as (
    select
        story.conversation_id,
        max(occurred_us) as handed_us,
        -- the clock goes on with the time
        max(coalesce(open_before + rate * (occurred_us - from_us), occurred_us) + coalesce(shift_us, 0)) as handed_worked_us
    from story
    join marks on story.conversation_id = marks.conversation_id
    join born on story.conversation_id = born.conversation_id
    left join hours on story.state_seq = hours.seq
    left join clock
        on hours.schedule_id = clock.schedule_id and occurred_us // 7200000000 = clock.slot
        and occurred_us >= clock.from_us and occurred_us < clock.to_us
    where is_handoff and place < human and (occurred_us > created_us or story.seq > created_seq)
    group by story.conversation_id
),

answered as (
    select
        firsts.*,
        created_us,
        coalesce(opening.open_before + opening.rate * (created_us - opening.from_us), created_us)
        + coalesce(sooner.shift_us, 0) as created_worked_us,
        handed_us,
        handed_worked_us,
        coalesce(closing.open_before + closing.rate * (firsts.occurred_us - closing.from_us), firsts.occurred_us)
        + coalesce(later.shift_us, 0) as answered_worked_us,
        states.inbox_id,
        team_after as team_id,
        coalesce(labels, cast([] as varchar[])) as labels,
        priority_after as priority,
        is_captains_after or code = 7 as is_captains
    from firsts
    join born on firsts.conversation_id = born.conversation_id
    left join handoffs on firsts.conversation_id = handoffs.conversation_id
    left join states on firsts.state_seq = states.seq
    left join labelled on states.label_seq = labelled.seq
    left join hours as sooner on born.created_seq = sooner.seq
    left join hours as later on firsts.state_seq = later.seq
    left join clock as opening
        on sooner.schedule_id = opening.schedule_id and created_us // 7200000000 = opening.slot
        and created_us >= opening.from_us and created_us < opening.to_us
    left join clock as closing
        on later.schedule_id = closing.schedule_id and firsts.occurred_us // 7200000000 = closing.slot
        and firsts.occurred_us >= closing.from_us and firsts.occurred_us < closing.to_us
    where created_seq is not null
),

spans as (
    select
        'human' as kind, *,
        coalesce(handed_us, created_us) as started_us,
        coalesce(handed_worked_us, created_worked_us) as started_worked_us
    from answered
    where is_human
    union all
    select 'any' as kind, *, created_us as started_us, created_worked_us as started_worked_us
    from answered
    where is_anyone
)

select
    kind,
    conversation_id,
    seq,
    started_us,
    occurred_us as answered_us,
    occurred_us - started_us as span_us,
    answered_worked_us - started_worked_us as worked_us,
    inbox_id,
    sender_id as agent_id,
    team_id,
    labels,
    priority,
    is_captains
from spans
order by answered_us, seq
