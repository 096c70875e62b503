-- `told` in words. A greeting, which is no answer, is outgoing too. is_ender: it ends a wait.
select
    *,
    code = 2 as is_created,
    code = 4 as is_incoming,
    code = 3 or code between 5 and 7 as is_outgoing,
    code between 5 and 7 as is_answer,
    code = 5 as is_human_answer,
    code between 8 and 9 as is_handoff,
    code >= 9 as is_resolve,
    code >= 5 as is_ender
from told
