-- What Captain did, and what agents made of his drafts: one row per event, `what` it was: draft (shown to an agent); accepted,
-- edited, rejected (an agent decided on one); answer (his public message); abstained; handed_off (to people).
-- happened_us in microseconds since 1970 UTC. reason: why, of abstained and handed_off. agent_id: who decided on a draft,
-- else the assignee then. A draft that came too late to be shown is none.
with told as (
    select
        seq,
        inbox_id,
        actor_kind,
        actor_id,
        case name
            when 'captain.drafted' then 'draft'
            when 'captain.draft_accepted' then 'accepted'
            when 'captain.draft_edited' then 'edited'
            when 'captain.draft_rejected' then 'rejected'
            else 'abstained'
        end as what,
        case when name = 'captain.abstained' then data ->> '$.reason' end as reason
    from log
    where name in (
        'captain.drafted', 'captain.draft_accepted', 'captain.draft_edited', 'captain.draft_rejected', 'captain.abstained'
    )
    union all
    select
        states.seq,
        states.inbox_id,
        reasons.actor_kind,
        reasons.actor_id,
        case when is_captain_answer then 'answer' else 'handed_off' end as what,
        reasons.reason
    from states join (
        select seq, actor_kind, actor_id,
            case when name = 'conversation.bot_handoff' then data ->> '$.reason' end as reason
        from log
        where name in ('message.created', 'conversation.bot_handoff', 'conversation.status_changed')
    ) as reasons on states.seq = reasons.seq
    where is_captain_answer or (is_handoff and actor_kind = 'captain')
)

select
    story.conversation_id,
    told.seq,
    story.occurred_us as happened_us,
    told.what,
    reason,
    told.inbox_id,
    case
        when told.what in ('accepted', 'edited', 'rejected') and told.actor_kind = 'user' then told.actor_id
        else was.agent_after
    end as agent_id,
    was.team_after as team_id,
    coalesce(labels, cast([] as varchar[])) as labels,
    was.priority_after as priority,
    coalesce(own.is_captains_after, was.is_captains_after) as is_captains
from told
join story on told.seq = story.seq
left join states as was on story.state_seq = was.seq
left join labelled on was.label_seq = labelled.seq
left join states as own on told.seq = own.seq
where not (told.what = 'abstained' and coalesce(reason = 'went_on', false))
order by happened_us, told.seq
