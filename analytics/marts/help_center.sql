-- What readers did in the help center: one row per event, `what` it was: view and vote (of an article), search, question (to
-- Captain). happened_us in microseconds since 1970 UTC. is_hit: the vote said that it helped, the search found something,
-- Captain answered; null for a view.
select
    seq,
    occurred_us as happened_us,
    case name
        when 'article.viewed' then 'view' when 'article.voted' then 'vote' when 'article.searched' then 'search'
        else 'question'
    end as what,
    case when name in ('article.viewed', 'article.voted') then cast(data ->> '$.article_id' as bigint) end as article_id,
    case name
        when 'article.voted' then is_helpful
        when 'article.searched' then cast(data ->> '$.hits' as bigint) > 0
        when 'captain.answered' then true
        when 'captain.declined' then false
    end as is_hit
from log
where name in ('article.viewed', 'article.voted', 'article.searched', 'captain.answered', 'captain.declined')
order by happened_us, seq
