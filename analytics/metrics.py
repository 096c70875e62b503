# ruff: noqa: S608  the SQL is of our own words alone
"""Every number, once: its name, unit, sentence, what is left out, and the SQL that yields what is counted.

A metric's SQL gives one row per thing counted: dated_us (which window it falls into), span_us or is_hit where there is one,
conversation_id, and inbox_id, agent_id, team_id, labels, priority at the event. `asked` holds the window: since_us, until_us.
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


class Unit(StrEnum):
    SECONDS = "seconds"
    FRACTION = "fraction"
    CONVERSATIONS = "conversations"
    MESSAGES = "messages"


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
    """One number. `has_interval`: a Wilson interval (95 %) stands beside it as low and high."""

    name: str
    kind: Kind
    unit: Unit
    title: Words
    sentence: Words
    exclusions: Words
    sql: str
    has_interval: bool = False


AT_THE_EVENT = "conversation_id, seq, inbox_id, agent_id, team_id, labels, priority"

SEVEN_DAYS_US = 7 * 86_400 * 1_000_000


def _first_response(kind: str) -> str:
    return f"select answered_us as dated_us, span_us, {AT_THE_EVENT} from first_responses where kind = '{kind}'"


# "Until" decides which resolve, or which answer, is the last one; so it is chosen before any filter.
_LAST_RESOLVES = f"""
    select resolved_us as dated_us, life_us as span_us, {AT_THE_EVENT}
    from (
        select *, row_number() over (partition by conversation_id order by resolved_us desc, seq desc) as from_last
        from resolutions cross join asked
        where resolved_us < until_us
    )
    where from_last = 1"""

_LAST_ANSWERS = f"""
    select answered_us as dated_us, rating >= 4 as is_hit, {AT_THE_EVENT}
    from (
        select
            *,
            row_number() over (
                partition by conversation_id, coalesce(resolution_seq, -seq) order by answered_us desc, seq desc
            ) as from_last
        from csat_answers cross join asked
        where answered_us < until_us
    )
    where from_last = 1"""

_REOPENED = f"""
    select
        resolved_us as dated_us,
        coalesce(reopened_us - resolved_us <= {SEVEN_DAYS_US}, false) as is_hit,
        {AT_THE_EVENT}
    from resolutions cross join asked
    where ordinal = 1 and resolved_us + {SEVEN_DAYS_US} <= until_us"""

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
        f"select resolved_us as dated_us, life_us as span_us, {AT_THE_EVENT} from resolutions where ordinal = 1",
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
        _LAST_RESOLVES,
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
        f"select resolved_us as dated_us, episode_us as span_us, {AT_THE_EVENT} from resolutions",
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
        "sla_compliance",
        Kind.RATIO,
        Unit.FRACTION,
        Words("SLA kept", "SLA соблюдён"),
        Words(
            "SLA targets met ÷ (met + missed). A target is one promise to one customer: the first response, each next one, "
            "the resolution. Met targets are dated by the answer, missed ones by their due time; credited to the assignee "
            "then.",
            "Выполненные цели SLA ÷ (выполненные + пропущенные). Цель — одно обещание одному клиенту: первый ответ, каждый "
            "следующий, решение. Выполненные — по дате ответа, пропущенные — по сроку; на счёт исполнителя в тот момент.",
        ),
        Words(
            "Targets still running and not late; targets that were withdrawn.",
            "Цели, которые ещё идут и не опоздали; отменённые цели.",
        ),
        f"select outcome_us as dated_us, is_met as is_hit, {AT_THE_EVENT} from sla_targets",
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
    ),
    Metric(
        "response_rate",
        Kind.RATIO,
        Unit.FRACTION,
        Words("Answered surveys", "Ответили на опрос"),
        Words(
            "Of the surveys sent in the window, the share answered before its end.",
            "Доля опросов, на которые ответили до конца периода, среди отправленных за период.",
        ),
        Words("Answers that no survey asked for.", "Оценки, о которых опрос не спрашивал."),
        f"""select sent_us as dated_us, coalesce(answered_us < until_us, false) as is_hit, {AT_THE_EVENT}
            from surveys cross join asked""",
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
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
