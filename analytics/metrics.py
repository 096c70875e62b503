# ruff: noqa: S608  the SQL is of our own words alone
"""Every number, once: its name, unit, sentence, what is left out, and the SQL that yields what is counted.

A metric's SQL gives one row per thing counted: dated_us (which window it falls into); span_us and worked_us (its part in
working hours), or is_hit, where there is one; conversation_id and seq; inbox_id, agent_id, team_id, labels, priority and
is_captains at the event. `asked` holds the window and the clock: since_us, until_us, now_us.
Windowing, filters, groups and means are `read.py`'s. The language is DuckDB's, kept to what other engines have too: no
functions of time, no zones.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How the things counted become a number."""

    SPAN = "span"  # their mean, median and 90th percentile, in seconds
    RATIO = "ratio"  # the share that is a hit
    COUNT = "count"  # how many
    STOCK = "stock"  # how many there are at an instant: delta added up
    SHARE = "share"  # of one length of time (whole_us), the part that is another (part_us)


class Unit(StrEnum):
    SECONDS = "seconds"
    FRACTION = "fraction"
    CONVERSATIONS = "conversations"
    MESSAGES = "messages"
    TARGETS = "targets"
    TIMES = "times"


@dataclass(frozen=True)
class Words:
    """The same in both languages."""

    en: str
    ru: str

    def in_(self, locale: str) -> str:
        """In Russian for `ru`, else in English."""
        return self.ru if locale == "ru" else self.en


@dataclass(frozen=True)
class Metric:
    """One number. `has_interval`: a Wilson interval (95 %) stands beside it as low and high. groups: those that it alone has;
    only: those that it has and no other, where nothing else makes sense. settled_by: where it asks when the window ends and
    its sums are kept all the same, the column of its mart that says from when on a row is told as it will be for ever; null:
    from the beginning."""

    name: str
    kind: Kind
    unit: Unit
    title: Words
    sentence: Words
    exclusions: Words
    sql: str
    has_interval: bool = False
    groups: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    settled_by: str = ""


AT_THE_EVENT = "conversation_id, seq, inbox_id, agent_id, team_id, labels, priority, is_captains"

SEVEN_DAYS_US = 7 * 86_400 * 1_000_000


def _first_response(kind: str) -> str:
    return (
        f"select answered_us as dated_us, span_us, worked_us, {AT_THE_EVENT} from first_responses where kind = '{kind}'"
    )


# "Until" decides which resolve, or which answer, is the last one; so it is chosen before any filter.
_LAST = """resolutions cross join asked
    where resolved_us < until_us and coalesce(next_resolved_us >= until_us, true)"""


def _at_last_resolve(span: str) -> str:
    columns = f"{span}_us as span_us, {span}_worked_us as worked_us"
    return f"select resolved_us as dated_us, {columns}, {AT_THE_EVENT} from {_LAST}"


_LAST_ANSWERS = f"""
    select answered_us as dated_us, rating >= 4 as is_hit, rating, {AT_THE_EVENT}
    from csat_answers cross join asked
    where answered_us < until_us and coalesce(next_answered_us >= until_us, true)"""

_REOPENED = f"""
    select
        resolved_us as dated_us,
        coalesce(reopened_us - resolved_us <= {SEVEN_DAYS_US}, false) as is_hit,
        {AT_THE_EVENT}
    from resolutions cross join asked
    where ordinal = 1 and resolved_us + {SEVEN_DAYS_US} <= until_us"""

THIRTY_DAYS_US = 30 * 86_400 * 1_000_000


def _captain(hit: str) -> str:
    """Conversations in which Captain wrote to the customer, and whether they are a hit, as known at the end of the window."""
    return f"""
    with turns as (
        select captain_turns.* from captain_turns cross join asked where happened_us < until_us
    ),
    summed as (
        select
            conversation_id,
            max(place) filter (where what = 'answer') as answered,
            coalesce(max(place) filter (where what = 'human'), 0) as human,
            max(place) filter (where what = 'resolved') as resolved,
            coalesce(max(place) filter (where what = 'reopened'), 0) as reopened,
            max(happened_us) filter (where what = 'resolved') as resolved_us,
            count(*) filter (where what = 'confirmed') > 0 as is_confirmed
        from turns
        group by conversation_id
    ),
    contacted as (
        select summed.conversation_id, min(said.sent_us - summed.resolved_us) as contacted_after_us
        from summed
        join conversations as mine on summed.conversation_id = mine.conversation_id
        join messages as said on mine.contact_id = said.contact_id and said.sent_us > summed.resolved_us
        cross join asked
        where said.direction = 'outgoing' and said.sender_type = 'user' and said.sent_us < until_us
        group by summed.conversation_id
    ),
    judged as (
        select
            summed.*,
            contacted_after_us,
            coalesce(resolved > reopened, false) and answered > human as is_assumed
        from summed left join contacted on summed.conversation_id = contacted.conversation_id
        where answered is not null
    )
    select created_us as dated_us, {hit} as is_hit, conversations.{AT_THE_EVENT}
    from judged join (select created_us, {AT_THE_EVENT} from conversations) as conversations
        on judged.conversation_id = conversations.conversation_id"""


_HARM = """
    with turns as (
        select captain_turns.* from captain_turns cross join asked where happened_us < until_us
    ),
    answers as (
        select
            *,
            count(*) filter (where what = 'human') over told as humans,
            first_value(case when what = 'rated' then place end ignore nulls) over later as rated_place
        from turns
        window
            told as (partition by conversation_id order by place),
            later as (partition by conversation_id order by place rows between current row and unbounded following)
    )
    select
        happened_us as dated_us,
        coalesce(rated.rating <= 2 and rated.humans = answers.humans, false)
        or coalesce(answers.message_id in (select message_id from turns where what = 'unhelpful'), false) as is_hit,
        answers.* exclude (happened_us)
    from (select conversation_id, place, happened_us, message_id, seq, humans, rated_place, what, inbox_id, agent_id, team_id,
            labels, priority, is_captains from answers) as answers
    left join (select conversation_id as rated_id, place as at_place, rating, humans from answers) as rated
        on answers.conversation_id = rated.rated_id and answers.rated_place = rated.at_place
    where answers.what = 'answer'"""

_DECIDED = f"""
    select happened_us as dated_us, what <> 'rejected' as is_hit, {AT_THE_EVENT}
    from captain_work where what in ('accepted', 'edited', 'rejected')"""

# What an agent can make of a draft
_DECISIONS = {
    "accepted": Words("Drafts sent as they were", "Черновики отправлены как есть"),
    "edited": Words("Drafts edited and sent", "Черновики отправлены после правки"),
    "rejected": Words("Drafts rejected", "Черновики отклонены"),
}


def _work(what: str, more: str = "") -> str:
    return f"select happened_us as dated_us, {more} {AT_THE_EVENT} from captain_work where what = '{what}'"


def _reading(what: str, more: str) -> str:
    """What readers of the help center did: of no conversation, and nobody's."""
    return f"""
    select
        happened_us as dated_us,
        {more},
        cast(null as bigint) as conversation_id,
        seq,
        cast(null as bigint) as inbox_id,
        cast(null as bigint) as agent_id,
        cast(null as bigint) as team_id,
        cast([] as varchar[]) as labels,
        cast(null as varchar) as priority,
        false as is_captains
    from help_center where what = '{what}'"""


_READ_BY = ("day", "hour", "week", "month", "weekday_hour")

_OCCUPANCY = """
    with stretches as (
        select agent_id, conversation_id, seq, began_us, ended_us, true as is_focus from focus
        union all
        select agent_id, null, seq, began_us, ended_us, false from presence
    ),
    clipped as (
        select
            * exclude (began_us, ended_us),
            greatest(began_us, since_us) as began_us,
            least(coalesce(ended_us, now_us), until_us, now_us) as ended_us
        from stretches cross join asked
    ),
    quarters as (
        select *, unnest(range(began_us // 900000000, (ended_us - 1) // 900000000 + 1)) as q
        from clipped
        where ended_us > began_us
    ),
    pieces as (
        select
            *,
            greatest(began_us, q * 900000000) as dated_us,
            least(ended_us, (q + 1) * 900000000) - greatest(began_us, q * 900000000) as piece_us
        from quarters
    )
    select
        dated_us,
        case when is_focus then piece_us else 0 end as part_us,
        case when is_focus then 0 else piece_us end as whole_us,
        conversation_id,
        seq,
        cast(null as bigint) as inbox_id,
        agent_id,
        cast(null as bigint) as team_id,
        cast([] as varchar[]) as labels,
        cast(null as varchar) as priority,
        false as is_captains
    from pieces"""

_ALL = (
    Metric(
        "first_response_human",
        Kind.SPAN,
        Unit.SECONDS,
        Words("First response by a person", "Первый ответ человека"),
        Words(
            "From the creation of the conversation, or from the last hand-off by Captain or a bot before it, to the first "
            "public message of an agent. Once per conversation, dated by the answer, credited to who wrote it.",
            "От создания диалога или от последней передачи от Капитана либо бота перед ним до первого публичного сообщения "
            "агента. Один раз на диалог, по дате ответа, на счёт того, кто написал.",
        ),
        Words(
            "Notes, automation, campaigns, Captain and bots; conversations in which an agent wrote before the customer; "
            "conversations not answered yet.",
            "Заметки, автоматизация, рассылки, Капитан и боты; диалоги, где агент написал раньше клиента; диалоги, на "
            "которые ещё не ответили.",
        ),
        _first_response("human"),
    ),
    Metric(
        "first_response_any",
        Kind.SPAN,
        Unit.SECONDS,
        Words("First response by anyone", "Первый ответ, чей угодно"),
        Words(
            "From the creation of the conversation to the first public answer of an agent, Captain or a bot. Once per "
            "conversation, dated by the answer.",
            "От создания диалога до первого публичного ответа агента, Капитана или бота. Один раз на диалог, по дате ответа.",
        ),
        Words(
            "Notes, greetings, out-of-office messages, automation and campaigns; conversations in which we wrote before "
            "the customer; conversations not answered yet.",
            "Заметки, приветствия, сообщения о нерабочем времени, автоматизация и рассылки; диалоги, где мы написали раньше "
            "клиента; диалоги, на которые ещё не ответили.",
        ),
        _first_response("any"),
    ),
    Metric(
        "next_response",
        Kind.SPAN,
        Unit.SECONDS,
        Words("Next response by a person", "Очередной ответ человека"),
        Words(
            "From the oldest customer message without an answer, or from the hand-off by Captain or a bot after it, to the "
            "public message of an agent; every wait counts, the first included. Dated by the answer, credited to who wrote "
            "it.",
            "От самого старого сообщения клиента без ответа или от передачи от Капитана либо бота после него до публичного "
            "сообщения агента; считается каждое ожидание, включая первое. По дате ответа, на счёт того, кто написал.",
        ),
        Words(
            "Waits that Captain, a bot or a resolve ended; notes, automation and campaigns; further answers in a row.",
            "Ожидания, которые закончил Капитан, бот или решение диалога; заметки, автоматизация и рассылки; следующие ответы "
            "подряд.",
        ),
        f"select answered_us as dated_us, span_us, worked_us, {AT_THE_EVENT} from next_responses",
    ),
    Metric(
        "requester_wait",
        Kind.SPAN,
        Unit.SECONDS,
        Words("Customer waits for us", "Клиент ждёт нас"),
        Words(
            "How long it was our turn in the life of a conversation up to its last resolve in the window: while open, while "
            "snoozed until a time that we chose, and while Captain or a bot held it with a message unanswered. Once per "
            "conversation, dated by that resolve, credited to who resolved.",
            "Сколько времени за жизнь диалога, до последнего решения в периоде, ход был наш: диалог открыт, отложен до времени, "
            "которое выбрали мы, или у Капитана либо бота с сообщением без ответа. Один раз на диалог, по дате решения, на счёт "
            "того, кто решил.",
        ),
        Words("Time while resolved; merged conversations.", "Время, пока диалог решён; объединённые диалоги."),
        _at_last_resolve("requester_wait"),
    ),
    Metric(
        "agent_wait",
        Kind.SPAN,
        Unit.SECONDS,
        Words("We wait for the customer", "Мы ждём клиента"),
        Words(
            "How long it was the customer's turn in the life of a conversation up to its last resolve in the window: while "
            "pending for him, while snoozed until he replies, and while Captain or a bot held it with everything answered. "
            "Once per conversation, dated by that resolve, credited to who resolved.",
            "Сколько времени за жизнь диалога, до последнего решения в периоде, ход был за клиентом: диалог ждёт его, отложен "
            "до его ответа или у Капитана либо бота, и на всё отвечено. Один раз на диалог, по дате решения, на счёт того, кто "
            "решил.",
        ),
        Words("Time while resolved; merged conversations.", "Время, пока диалог решён; объединённые диалоги."),
        _at_last_resolve("agent_wait"),
    ),
    Metric(
        "first_resolution",
        Kind.SPAN,
        Unit.SECONDS,
        Words("First resolution", "Первое решение"),
        Words(
            "From the creation of the conversation to the first time it was resolved. Dated by that resolve, credited to "
            "who resolved it.",
            "От создания диалога до того, как его решили в первый раз. По дате этого решения, на счёт того, кто решил.",
        ),
        Words(
            "Merged conversations; conversations never resolved.",
            "Объединённые диалоги; диалоги, которые ещё ни разу не решены.",
        ),
        f"""select resolved_us as dated_us, life_us as span_us, life_worked_us as worked_us, {AT_THE_EVENT}
            from resolutions where ordinal = 1""",
    ),
    Metric(
        "full_resolution",
        Kind.SPAN,
        Unit.SECONDS,
        Words("Full resolution", "Полное решение"),
        Words(
            "From the creation of the conversation to the last time it was resolved before the end of the window. Dated by "
            "that resolve, credited to who resolved it.",
            "От создания диалога до последнего его решения перед концом периода. По дате этого решения, на счёт того, кто "
            "решил.",
        ),
        Words(
            "Merged conversations; conversations never resolved.",
            "Объединённые диалоги; диалоги, которые ещё ни разу не решены.",
        ),
        _at_last_resolve("life"),
    ),
    Metric(
        "episode_resolution",
        Kind.SPAN,
        Unit.SECONDS,
        Words("Resolution of an episode", "Решение эпизода"),
        Words(
            "From the creation of the conversation, or from its reopening, to the next resolve. Every resolve counts once, "
            "dated by itself, credited to who resolved.",
            "От создания диалога или от его повторного открытия до следующего решения. Каждое решение считается один раз, "
            "по своей дате, на счёт того, кто решил.",
        ),
        Words("Merged conversations.", "Объединённые диалоги."),
        f"select resolved_us as dated_us, episode_us as span_us, episode_worked_us as worked_us, {AT_THE_EVENT} from resolutions",
    ),
    Metric(
        "reopen_rate",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Reopened", "Открыты снова"),
        Words(
            "Of the conversations first resolved in the window, the share that was reopened within seven days of it.",
            "Доля диалогов, открытых снова в течение семи дней, среди впервые решённых за период.",
        ),
        Words(
            "Merged conversations; resolves younger than seven days at the end of the window.",
            "Объединённые диалоги; решения, которым на конец периода меньше семи дней.",
        ),
        _REOPENED,
    ),
    Metric(
        "one_touch",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Resolved with one answer", "Решено одним ответом"),
        Words(
            "Of the conversations resolved in the window after at least one public message of an agent, the share with exactly "
            "one. By the last resolve, credited to who resolved.",
            "Доля диалогов с ровно одним публичным сообщением агента среди решённых за период, в которых оно было хотя бы одно. "
            "По последнему решению, на счёт того, кто решил.",
        ),
        Words("Conversations without an agent's message; merged ones.", "Диалоги без сообщений агента; объединённые."),
        f"select resolved_us as dated_us, human_messages = 1 as is_hit, {AT_THE_EVENT} from {_LAST} and human_messages > 0",
        settled_by="next_resolved_us",
    ),
    Metric(
        "sla_compliance",
        Kind.RATIO,
        Unit.FRACTION,
        Words("SLA kept", "SLA соблюдён"),
        Words(
            "SLA targets met ÷ (met + missed). A target is one promise to one customer: the first response, each next one, "
            "the resolution. Met targets are dated by the answer, missed ones by their due time; credited to the assignee "
            "then.",
            "Выполненные цели SLA ÷ (выполненные + пропущенные). Цель — одно обещание одному клиенту: первый ответ, каждый "
            "следующий, решение; выполнена, если прошло не больше обещанного. Выполненные — по дате ответа или решения, "
            "пропущенные — по сроку; на счёт исполнителя в тот момент.",
        ),
        Words(
            "Targets still running and not late; targets that were withdrawn.",
            "Цели, которые ещё идут и не опоздали; отменённые цели.",
        ),
        f"""select outcome_us as dated_us, is_met as is_hit, target, sla_policy_id as policy, {AT_THE_EVENT}
            from sla_targets cross join asked
            where
                is_met
                or (
                    state <> 'void' and outcome_us < now_us
                    and (superseded_us is null or superseded_us >= until_us)
                )""",
        groups=("target", "policy"),
    ),
    Metric(
        "csat",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Satisfied customers", "Довольные клиенты"),
        Words(
            "Ratings 4 and 5 ÷ all ratings. The last rating of each resolution counts, dated by the answer, credited to who "
            "resolved and the team of that moment. Beside it the Wilson interval: where the true share lies in 95 cases "
            "of 100.",
            "Оценки 4 и 5 ÷ все оценки. Считается последняя оценка каждого решения, по дате ответа, на счёт того, кто решил, "
            "и команды того момента. Рядом интервал Уилсона: где истинная доля лежит в 95 случаях из 100.",
        ),
        Words("Surveys without an answer.", "Опросы без ответа."),
        _LAST_ANSWERS,
        has_interval=True,
        groups=("rating",),
        settled_by="next_answered_us",
    ),
    Metric(
        "response_rate",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Answered surveys", "Ответили на опрос"),
        Words(
            "Of the surveys sent in the window, the share answered before its end. Imported history counts the resolves of "
            "conversations with an answer of a person or Captain instead.",
            "Доля опросов, на которые ответили до конца периода, среди отправленных за период. В загруженной истории вместо "
            "опросов — решения диалогов с ответом человека или Капитана.",
        ),
        Words("Answers that no survey asked for.", "Оценки, о которых опрос не спрашивал."),
        f"""select sent_us as dated_us, coalesce(answered_us < until_us, false) as is_hit, {AT_THE_EVENT}
            from surveys cross join asked""",
        settled_by="answered_us",
    ),
    Metric(
        "conversations",
        Kind.COUNT,
        Unit.CONVERSATIONS,
        Words("New conversations", "Новые диалоги"),
        Words(
            "Conversations created in the window; by agent, team and label as they were at that instant.",
            "Диалоги, созданные за период; по агентам, командам и меткам — как было в тот момент.",
        ),
        Words("Nothing.", "Ничего."),
        f"select created_us as dated_us, {AT_THE_EVENT} from conversations",
    ),
    Metric(
        "messages_incoming",
        Kind.COUNT,
        Unit.MESSAGES,
        Words("Incoming messages", "Входящие сообщения"),
        Words(
            "Messages of customers; by agent: the assignee when it came.",
            "Сообщения клиентов; по агентам — исполнитель, когда оно пришло.",
        ),
        Words("Notes and activity lines.", "Заметки и строки о событиях."),
        f"select sent_us as dated_us, {AT_THE_EVENT} from messages where direction = 'incoming'",
    ),
    Metric(
        "messages_outgoing",
        Kind.COUNT,
        Unit.MESSAGES,
        Words("Outgoing messages", "Исходящие сообщения"),
        Words(
            "Public messages of every sender on our side: agents, Captain, bots, automation; by agent: who wrote it.",
            "Публичные сообщения всех отправителей с нашей стороны: агентов, Капитана, ботов, автоматизации; по агентам — "
            "кто написал.",
        ),
        Words("Notes and activity lines.", "Заметки и строки о событиях."),
        f"select sent_us as dated_us, {AT_THE_EVENT} from messages where direction = 'outgoing'",
    ),
    Metric(
        "backlog",
        Kind.STOCK,
        Unit.CONVERSATIONS,
        Words("Unresolved conversations", "Нерешённые диалоги"),
        Words(
            "Conversations open, pending or snoozed at the end of the window (of each day, hour …), replayed from the log.",
            "Диалоги открытые, ожидающие и отложенные на конец периода (каждого дня, часа …), восстановленные по журналу.",
        ),
        Words("Resolved conversations.", "Решённые диалоги."),
        f"select changed_us as dated_us, delta, status, {AT_THE_EVENT} from backlog_changes",
    ),
    Metric(
        "sla_unfinished",
        Kind.COUNT,
        Unit.TARGETS,
        Words("SLA targets under way", "Цели SLA в работе"),
        Words(
            "SLA targets that at the end of the window are neither met nor late; by agent and team: today's.",
            "Цели SLA, которые к концу периода не выполнены и не опоздали; по агентам и командам — сегодняшним.",
        ),
        Words("Targets that were withdrawn.", "Отменённые цели."),
        """select until_us - 1 as dated_us, target, sla_policy_id as policy, conversation_id, seq, inbox_id,
                today.agent_id, today.team_id, today.labels, today.priority, today.is_captains
            from sla_targets join conversations_now as today using (conversation_id) cross join asked
            where
                promised_us < until_us
                and coalesce(due_us >= least(until_us, now_us), true)
                and coalesce(ended_us >= until_us, true)""",
        only=("inbox", "channel", "team", "agent", "label", "priority", "captain", "target", "policy"),
    ),
    Metric(
        "captain_involvement",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Captain took part", "Капитан участвовал"),
        Words(
            "Of the conversations created in the window where Captain answers customers, the share in which he wrote to the "
            "customer before its end. In imported history Captain answers where he ever did.",
            "Доля диалогов, в которых Капитан ответил клиенту до конца периода, среди созданных за период там, где Капитан "
            "отвечает клиентам. В загруженной истории — в каналах, где он хоть раз ответил.",
        ),
        Words(
            "Greetings and out-of-office messages; drafts for agents; inboxes without Captain.",
            "Приветствия и сообщения о нерабочем времени; черновики для агентов; каналы без Капитана.",
        ),
        f"""select created_us as dated_us, coalesce(captain_answered_us < until_us, false) as is_hit, {AT_THE_EVENT}
            from conversations cross join asked where is_with_captain""",
        settled_by="captain_answered_us",
    ),
    Metric(
        "captain_resolution_confirmed",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Captain solved it, confirmed", "Капитан решил, подтверждено"),
        Words(
            "Of the conversations created in the window in which Captain wrote to the customer, the share in which the "
            "customer said that it helped.",
            "Доля диалогов, в которых клиент сказал, что это помогло, среди созданных за период, где Капитан ответил клиенту.",
        ),
        Words("Silence.", "Молчание."),
        _captain("is_confirmed"),
    ),
    Metric(
        "captain_resolution_assumed",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Captain solved it, assumed", "Капитан решил, предположительно"),
        Words(
            "Of the conversations created in the window in which Captain wrote to the customer, the share that is resolved at "
            "its end and in which no agent wrote to the customer after Captain's last answer.",
            "Доля диалогов, решённых к концу периода, в которых после последнего ответа Капитана агент клиенту не писал, среди "
            "созданных за период, где Капитан ответил клиенту.",
        ),
        Words("Notes.", "Заметки."),
        _captain("is_assumed"),
    ),
    Metric(
        "captain_resolution_durable",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Captain solved it for good, 7 days", "Капитан решил надолго, 7 дней"),
        Words(
            "The assumed ones after whose resolve no agent wrote to that customer, in any conversation, within 7 days.",
            "Предположительно решённые, после решения которых ни один агент не писал этому клиенту ни в одном диалоге 7 дней.",
        ),
        Words("Messages after the end of the window.", "Сообщения после конца периода."),
        _captain(f"is_assumed and coalesce(contacted_after_us > {SEVEN_DAYS_US}, true)"),
    ),
    Metric(
        "captain_resolution_durable_30",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Captain solved it for good, 30 days", "Капитан решил надолго, 30 дней"),
        Words(
            "The assumed ones after whose resolve no agent wrote to that customer, in any conversation, within 30 days.",
            "Предположительно решённые, после решения которых ни один агент не писал этому клиенту ни в одном диалоге 30 дней.",
        ),
        Words("Messages after the end of the window.", "Сообщения после конца периода."),
        _captain(f"is_assumed and coalesce(contacted_after_us > {THIRTY_DAYS_US}, true)"),
    ),
    Metric(
        "captain_harm",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Captain did harm", "Капитан навредил"),
        Words(
            "Of Captain's public answers in the window, the share of which the customer said before its end that it did not "
            "help, or after which, with no agent writing in between, he rated the conversation 1 or 2.",
            "Доля публичных ответов Капитана за период, о которых клиент до его конца сказал, что они не помогли, или после "
            "которых, пока агент не писал, он поставил диалогу 1 или 2.",
        ),
        Words("Wrong answers that nobody told us of.", "Неверные ответы, о которых никто не сказал."),
        _HARM,
    ),
    Metric(
        "captain_drafts",
        Kind.COUNT,
        Unit.TIMES,
        Words("Captain's drafts", "Черновики Капитана"),
        Words(
            "Drafts that Captain showed to agents in the window; by agent: the assignee then.",
            "Черновики, которые Капитан показал агентам за период; по агентам — исполнитель в тот момент.",
        ),
        Words("Drafts that were ready too late to be shown.", "Черновики, которые опоздали и не были показаны."),
        _work("draft"),
    ),
    Metric(
        "captain_drafts_used",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Drafts that were sent", "Черновики пошли в дело"),
        Words(
            "Of Captain's drafts on which an agent decided in the window, the share that was sent, as it was or edited. "
            "Dated by the decision, credited to who decided.",
            "Доля черновиков Капитана, отправленных как есть или после правки, среди тех, о которых агент решил за период. "
            "По дате решения, на счёт того, кто решил.",
        ),
        Words("Drafts that nobody decided on.", "Черновики, о которых никто не решил."),
        _DECIDED,
    ),
    *(
        Metric(
            f"captain_drafts_{decision}",
            Kind.COUNT,
            Unit.TIMES,
            title,
            Words(
                f"{title.en}: how many in the window. Dated by the decision, credited to who decided.",
                f"{title.ru}: сколько за период. По дате решения, на счёт того, кто решил.",
            ),
            Words("Drafts that nobody decided on.", "Черновики, о которых никто не решил."),
            _work(decision),
        )
        for decision, title in _DECISIONS.items()
    ),
    Metric(
        "captain_answers",
        Kind.COUNT,
        Unit.MESSAGES,
        Words("Captain's answers", "Ответы Капитана"),
        Words(
            "Captain's public answers to customers in the window; by agent: the assignee then.",
            "Публичные ответы Капитана клиентам за период; по агентам — исполнитель в тот момент.",
        ),
        Words(
            "Greetings and out-of-office messages; drafts.", "Приветствия и сообщения о нерабочем времени; черновики."
        ),
        _work("answer"),
    ),
    Metric(
        "captain_abstentions",
        Kind.COUNT,
        Unit.TIMES,
        Words("Captain abstained", "Капитан воздержался"),
        Words(
            "How often Captain neither answered nor showed a draft, because he was not sure enough or was not to; by agent: "
            "the assignee then.",
            "Сколько раз Капитан не ответил и не показал черновик, потому что не был уверен или не должен был; по агентам — "
            "исполнитель в тот момент.",
        ),
        Words(
            "Messages to which somebody else answered meanwhile.",
            "Сообщения, на которые за это время ответил кто-то другой.",
        ),
        _work("abstained", "reason,"),
        groups=("reason",),
    ),
    Metric(
        "captain_handoffs",
        Kind.COUNT,
        Unit.TIMES,
        Words("Captain handed over", "Капитан передал людям"),
        Words(
            "How often Captain gave a conversation that he held to people.",
            "Сколько раз Капитан передал людям диалог, который вёл.",
        ),
        Words("Conversations that a person took over himself.", "Диалоги, которые человек забрал сам."),
        _work("handed_off", "reason,"),
        groups=("reason",),
    ),
    Metric(
        "help_views",
        Kind.COUNT,
        Unit.TIMES,
        Words("Articles read", "Просмотры статей"),
        Words(
            "Readings of help-center articles in the window; one an hour and reader.",
            "Просмотры статей справки за период; не чаще одного в час от читателя.",
        ),
        Words("Robots that do not run scripts.", "Роботы, которые не выполняют скрипты."),
        _reading("view", "article_id as article"),
        only=(*_READ_BY, "article"),
    ),
    Metric(
        "help_votes",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Articles that helped", "Статья помогла"),
        Words(
            "Votes “it helped” ÷ all votes on help-center articles in the window; one a reader and article. Beside it the "
            "Wilson interval.",
            "Голоса «помогло» ÷ все голоса о статьях справки за период; один от читателя на статью. Рядом интервал Уилсона.",
        ),
        Words("Readers who did not vote.", "Читатели, которые не голосовали."),
        _reading("vote", "is_hit, article_id as article"),
        has_interval=True,
        only=(*_READ_BY, "article"),
    ),
    Metric(
        "help_searches_empty",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Searches that found nothing", "Поиск без результата"),
        Words(
            "Of the searches in the help center in the window, the share that found no article.",
            "Доля поисков в справке, не нашедших ни одной статьи, среди всех за период.",
        ),
        Words("Search in the widget and in the workspace.", "Поиск в виджете и в рабочем месте."),
        _reading("search", "not is_hit as is_hit"),
        only=_READ_BY,
    ),
    Metric(
        "help_answers",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Questions that Captain answered in the help center", "Капитан ответил в справке"),
        Words(
            "Of the questions that readers asked Captain in the help center in the window, the share that he answered.",
            "Доля вопросов читателей, на которые Капитан ответил в справке, среди всех заданных ему там за период.",
        ),
        Words("Questions in conversations.", "Вопросы в диалогах."),
        _reading("question", "is_hit"),
        only=_READ_BY,
    ),
    Metric(
        "handle_time",
        Kind.SPAN,
        Unit.SECONDS,
        Words("Time an agent spends on a conversation", "Время агента на диалог"),
        Words(
            "How long one agent had one conversation before his eyes in the window, all looks that ended in it together; a "
            "minute without a sign of him ends a look. Dated by the last look, credited to the agent.",
            "Сколько времени один агент держал один диалог перед глазами: все взгляды, закончившиеся в периоде, вместе; минута "
            "без признаков жизни заканчивает взгляд. По дате последнего взгляда, на счёт агента.",
        ),
        Words("Imported history, which does not tell it.", "Загруженная история: в ней этого нет."),
        f"""select
                began_us + span_us as dated_us, total_us as span_us, total_worked_us as worked_us, {AT_THE_EVENT}
            from (
                select
                    focus.*,
                    sum(span_us) over mine as total_us,
                    sum(worked_us) over mine as total_worked_us,
                    row_number() over (partition by conversation_id, agent_id order by ended_us desc, seq desc) as from_last
                from focus cross join asked
                where ended_us >= since_us and ended_us < until_us
                window mine as (partition by conversation_id, agent_id)
            )
            where from_last = 1""",
    ),
    Metric(
        "occupancy",
        Kind.SHARE,
        Unit.FRACTION,
        Words("Occupancy", "Загрузка"),
        Words(
            "Time with a conversation before one's eyes ÷ time online or busy, both inside the window. n is the latter, in "
            "seconds.",
            "Время с диалогом перед глазами ÷ время в сети или «занят», то и другое внутри периода. n — второе, в секундах.",
        ),
        Words("Agents who were not there; imported history.", "Агенты, которых не было; загруженная история."),
        _OCCUPANCY,
        only=("day", "hour", "week", "month", "weekday_hour", "agent"),
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
