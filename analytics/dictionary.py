"""What each table of an export holds, in words: the README is made of this, and a test keeps it complete."""

from dataclasses import dataclass
from enum import StrEnum

from analytics.metrics import Words


class Kind(StrEnum):
    """How a column is written. Instants and spans are microseconds in Parquet; in CSV a time in UTC, and seconds."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"
    LIST = "list"
    JSON = "json"
    INSTANT = "instant"
    SPAN = "span"


@dataclass(frozen=True)
class Column:
    kind: Kind
    words: Words


def _number(en: str, ru: str) -> Column:
    return Column(Kind.NUMBER, Words(en, ru))


def _text(en: str, ru: str) -> Column:
    return Column(Kind.TEXT, Words(en, ru))


def _instant(en: str, ru: str) -> Column:
    return Column(Kind.INSTANT, Words(en, ru))


def _span(en: str, ru: str) -> Column:
    return Column(Kind.SPAN, Words(en, ru))


# The same words wherever the column stands; a table's own meaning goes before them.
COLUMNS: dict[str, Column] = {
    "account_id": _number("account", "аккаунт"),
    "actor": _text(
        "who did it: user:7, contact:12, captain, automation …", "кто сделал: user:7, contact:12, captain …"
    ),
    "actor_id": _number("the number in actor", "номер из actor"),
    "actor_kind": _text("the word in actor", "слово из actor"),
    "agent_id": _number("agent; empty for nobody", "агент; пусто, если никто"),
    "answered_us": _instant("when it was answered", "когда ответили"),
    "assignee_id": _number("assignee after the event", "исполнитель после события"),
    "causation_seq": _number("the event that caused it", "событие, которое его вызвало"),
    "changed_us": _instant("when it changed", "когда изменилось"),
    "channel": _text("channel", "канал"),
    "contact_id": _number("contact", "контакт"),
    "conversation_id": _number("conversation", "диалог"),
    "created_us": _instant("when the conversation was created", "когда создан диалог"),
    "data": Column(Kind.JSON, Words("the event's own JSON", "JSON события целиком")),
    "delta": _number("+1 into the backlog, -1 out of it", "+1 в нерешённые, -1 из нерешённых"),
    "direction": _text("incoming or outgoing", "incoming — входящее, outgoing — исходящее"),
    "display_id": _number("the number people see", "номер, который видят люди"),
    "due_us": _instant("when it was due", "срок"),
    "episode_started_us": _instant(
        "when it was created or last reopened", "когда создан или последний раз открыт снова"
    ),
    "episode_us": _span("from episode_started to the resolve", "от episode_started до решения"),
    "first_response_seconds": _number("promised first response, s", "обещанный первый ответ, с"),
    "held_by": _text("captain or bot, if one holds it", "captain или bot, если диалог у них"),
    "inbox_id": _number("inbox", "источник"),
    "is_business_time": Column(Kind.FLAG, Words("counts working hours only", "считает только рабочие часы")),
    "is_met": Column(Kind.FLAG, Words("met (else missed)", "выполнена (иначе пропущена)")),
    "is_private": Column(Kind.FLAG, Words("a note", "заметка")),
    "kind": _text(
        "human: by an agent; any: by an agent, Captain or a bot", "human — агент; any — агент, Капитан или бот"
    ),
    "label_id": _number("label", "метка"),
    "labels": Column(Kind.LIST, Words("labels at that moment", "метки в тот момент")),
    "life_us": _span("from created to the resolve", "от создания до решения"),
    "locale": _text("language", "язык"),
    "message_id": _number("message", "сообщение"),
    "message_type": _text("incoming, outgoing, activity or template", "incoming, outgoing, activity или template"),
    "name": _text("name", "название"),
    "next_response_seconds": _number("promised next response, s", "обещанный следующий ответ, с"),
    "occurred_us": _instant("when it happened", "когда произошло"),
    "ordinal": _number("which resolve of the conversation it is, from 1", "какое по счёту решение диалога, с 1"),
    "outcome_us": _instant("when met, or the due time missed", "когда выполнена или пропущенный срок"),
    "priority": _text("priority at that moment", "приоритет в тот момент"),
    "rating": _number("rating, 1 to 5", "оценка от 1 до 5"),
    "recorded_us": _instant("when we learned of it", "когда мы об этом узнали"),
    "reopened_us": _instant("when it was reopened after that, if ever", "когда открыт снова после этого, если открыт"),
    "resolution_seconds": _number("promised resolution, s", "обещанное решение, с"),
    "resolution_seq": _number("the resolve it judges (resolutions.seq)", "оцениваемое решение (resolutions.seq)"),
    "resolved_us": _instant("when it was resolved", "когда решён"),
    "resolver_id": _number("who resolved, as the survey says", "кто решил, по словам опроса"),
    "role": _text("role", "роль"),
    "schema_version": _number("version of the event's form", "версия формы события"),
    "sender_id": _number("sender", "отправитель"),
    "sender_type": _text(
        "contact, user, captain, bot, automation or system", "contact, user, captain, bot, automation, system"
    ),
    "sent_us": _instant("when it was sent", "когда отправлено"),
    "seq": _number("number of the event in the log", "номер события в журнале"),
    "sla_policy_id": _number("SLA policy", "политика SLA"),
    "span_us": _span("from started to answered", "от started до answered"),
    "started_us": _instant("when the customer began to wait", "когда клиент начал ждать"),
    "status": _text("status at that moment", "статус в тот момент"),
    "status_after": _text("status after a change", "статус после изменения"),
    "survey_id": _number("survey", "опрос"),
    "target": _text("first_response, next_response or resolution", "first_response, next_response или resolution"),
    "team_id": _number("team at that moment", "команда в тот момент"),
    "timezone": _text("time zone", "часовой пояс"),
    "title": _text("title", "название"),
    "version": _number("version", "версия"),
}

TABLES: dict[str, Words] = {
    "events": Words("The log: one row per event.", "Журнал: строка на событие."),
    "conversations": Words(
        "One row per conversation, as it was at its creation.", "Строка на диалог, каким он был при создании."
    ),
    "messages": Words("One row per public message.", "Строка на публичное сообщение."),
    "first_responses": Words(
        "One row per conversation and kind that got its first answer.", "Строка на диалог и вид первого ответа."
    ),
    "resolutions": Words("One row per resolve.", "Строка на решение диалога."),
    "sla_targets": Words("One row per settled SLA target.", "Строка на цель SLA с исходом."),
    "surveys": Words("One row per survey sent.", "Строка на отправленный опрос."),
    "csat_answers": Words(
        "One row per answer to a survey, changed ones too.", "Строка на ответ опроса, и на изменённый."
    ),
    "backlog_changes": Words(
        "Changes of the unresolved: the sum of delta up to T is the backlog at T.",
        "Изменения нерешённых: сумма delta до момента T — их число в T.",
    ),
    "accounts": Words("The account.", "Аккаунт."),
    "agents": Words("Agents.", "Агенты."),
    "inboxes": Words("Inboxes.", "Источники."),
    "teams": Words("Teams.", "Команды."),
    "labels": Words("Labels.", "Метки."),
    "sla_policies": Words("SLA policies.", "Политики SLA."),
}

# Left out of an export: whose they are, not what they did.
PERSONAL = {"agents": ("name",)}
