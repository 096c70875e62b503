-- `told` with working time. worked_us: microseconds of working hours since the conversation was created, by the calendar of
-- its team or else of its inbox, each for as long as it was in force. b_open: the schedule's own clock at this instant, from
-- here on; schedule_after: that schedule, null for one that is always open.
with closing as (
    select seq, coalesce(open_before + least(occurred_us, closes) - opens, 0) as b
    from (
        select told.seq, told.occurred_us, schedules.schedule_id
        from told join schedules
            on told.inbox_id = schedules.inbox_id and coalesce(told.team_id, 0) = schedules.team_id
        where told.place > 1
    ) as points
    asof left join openings on points.schedule_id = openings.schedule_id and points.occurred_us >= openings.opens
),

-- where it begins, and where the team is another one
opening as (
    select seq, coalesce(open_before + least(occurred_us, closes) - opens, 0) as b
    from (
        select told.seq, told.occurred_us, schedules.schedule_id
        from told join schedules
            on told.inbox_id = schedules.inbox_id and coalesce(told.team_after, 0) = schedules.team_id
        where told.place = 1 or told.team_after is distinct from told.team_id
    ) as points
    asof left join openings on points.schedule_id = openings.schedule_id and points.occurred_us >= openings.opens
),

clocked as (
    select
        told.*,
        schedules.schedule_id as schedule_after,
        case
            when place = 1 or team_after is distinct from told.team_id then coalesce(opening.b, occurred_us)
            else coalesce(closing.b, occurred_us)
        end as b_open,
        case when place = 1 then coalesce(opening.b, occurred_us) else coalesce(closing.b, occurred_us) end as b_close
    from told
    left join closing on told.seq = closing.seq
    left join opening on told.seq = opening.seq
    left join schedules on told.inbox_id = schedules.inbox_id and coalesce(told.team_after, 0) = schedules.team_id
)

select
    * exclude (b_close),
    b_close - first_value(b_open) over (partition by conversation_id order by place)
    + coalesce(
        sum(b_close - b_open) over (
            partition by conversation_id order by place rows between unbounded preceding and 1 preceding
        ),
        0
    )::bigint as worked_us
from clocked
