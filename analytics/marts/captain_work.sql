-- What Captain did, and what agents made of his drafts: one row per event, `what` it was: draft (shown to an agent); accepted,
-- edited, rejected (an agent decided on one); answer (his public message); abstained; handed_off (to people).
-- happened_us in microseconds since 1970 UTC. reason: why, of abstained and handed_off. agent_id: who decided on a draft,
-- else the assignee then. A draft that came too late to be shown is none.
with told as (
    select
        *,
        case
            when name = 'captain.drafted' then 'draft'
            when name = 'captain.draft_accepted' then 'accepted'
            when name = 'captain.draft_edited' then 'edited'
            when name = 'captain.draft_rejected' then 'rejected'
            when name = 'captain.abstained' then 'abstained'
            when is_captain_answer then 'answer'
            when is_handoff and actor_kind = 'captain' then 'handed_off'
        end as what
    from story
),

reasons as (
    select seq as reason_seq, data ->> '$.reason' as reason
    from log
    where name in ('captain.abstained', 'conversation.bot_handoff')
)

select
    conversation_id,
    seq,
    occurred_us as happened_us,
    what,
    reason,
    inbox_id,
    case when what in ('accepted', 'edited', 'rejected') and actor_kind = 'user' then actor_id else agent_id end as agent_id,
    team_id,
    labels,
    priority,
    is_captains_after as is_captains
from told left join reasons on told.seq = reasons.reason_seq
where what is not null and not (what = 'abstained' and coalesce(reason = 'went_on', false))
order by happened_us, seq
