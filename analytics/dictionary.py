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
    "agent_wait_us": _span("of that, the customer's turn", "из них ход клиента"),
    "agent_wait_worked_us": _span("the same in working hours", "то же в рабочее время"),
    "answered_us": _instant("when it was answered", "когда ответили"),
    "applied_seq": _number("the event that applied the policy", "событие, применившее политику"),
    "article_id": _number("help-center article", "статья справки"),
    "assignee_id": _number("assignee after the event", "исполнитель после события"),
    "began_us": _instant("when it began", "когда началось"),
    "captain_answered_us": _instant(
        "when Captain first wrote to the customer", "когда Капитан впервые написал клиенту"
    ),
    "causation": _text("history: told by an import", "history — рассказано загрузкой"),
    "causation_seq": _number("the event that caused it", "событие, которое его вызвало"),
    "changed_us": _instant("when it changed", "когда изменилось"),
    "channel": _text("channel", "канал"),
    "comment": _text("what the customer added to the rating", "что клиент добавил к оценке"),
    "content": _text("the text", "текст"),
    "contact_id": _number("contact", "контакт"),
    "conversation_id": _number("conversation", "диалог"),
    "created_us": _instant("when the conversation or contact was created", "когда создан диалог или контакт"),
    "data": Column(Kind.JSON, Words("the event's own JSON", "JSON события целиком")),
    "delta": _number("+1 into the backlog, -1 out of it", "+1 в нерешённые, -1 из нерешённых"),
    "direction": _text("incoming or outgoing", "incoming — входящее, outgoing — исходящее"),
    "display_id": _number("the number people see", "номер, который видят люди"),
    "due_us": _instant("when it was due", "срок"),
    "email": _text("e-mail", "электронная почта"),
    "ended_us": _instant("when it ended; empty while it goes on", "когда закончилось; пусто, если идёт"),
    "episode_started_us": _instant(
        "when it was created or last reopened", "когда создан или последний раз открыт снова"
    ),
    "episode_us": _span("from episode_started to the resolve", "от episode_started до решения"),
    "episode_worked_us": _span("the same in working hours", "то же в рабочее время"),
    "external_id": _text("the number an import knew it by", "номер, под которым его знала загрузка"),
    "first_response_seconds": _number("promised first response, s", "обещанный первый ответ, с"),
    "happened_us": _instant("when it happened", "когда произошло"),
    "held_by": _text("captain or bot, if one holds it", "captain или bot, если диалог у них"),
    "human_messages": _number("public messages of agents so far", "публичных сообщений агентов к этому моменту"),
    "identifier": _text("the number the customer's own system has for him", "номер контакта в системе клиента"),
    "inbox_id": _number("inbox", "канал"),
    "is_answered": Column(Kind.FLAG, Words("an agent or Captain had written", "агент или Капитан уже писал")),
    "is_blocked": Column(Kind.FLAG, Words("blocked", "заблокирован")),
    "is_business_time": Column(Kind.FLAG, Words("counts working hours only", "считает только рабочие часы")),
    "is_captains": Column(
        Kind.FLAG, Words("Captain held it or had written by then", "Капитан держал диалог или уже писал")
    ),
    "is_helpful": Column(Kind.FLAG, Words("whether it helped", "помогло ли")),
    "is_hit": Column(
        Kind.FLAG,
        Words("a vote “it helped”, a search that found something", "голос «помогло», поиск, который что-то нашёл"),
    ),
    "is_history": Column(Kind.FLAG, Words("imported", "загружено")),
    "is_imported": Column(Kind.FLAG, Words("told by an import", "рассказано загрузкой")),
    "is_met": Column(Kind.FLAG, Words("met (else missed)", "выполнена (иначе пропущена)")),
    "is_private": Column(Kind.FLAG, Words("a note", "заметка")),
    "is_with_captain": Column(Kind.FLAG, Words("begun where Captain answers", "начат там, где отвечает Капитан")),
    "kind": _text(
        "human: by an agent; any: by an agent, Captain or a bot", "human — агент; any — агент, Капитан или бот"
    ),
    "label_id": _number("label", "метка"),
    "labels": Column(Kind.LIST, Words("labels at that moment", "метки в тот момент")),
    "last_activity_us": _instant("when he last wrote", "когда писал последний раз"),
    "life_us": _span("from created to the resolve", "от создания до решения"),
    "life_worked_us": _span("the same in working hours", "то же в рабочее время"),
    "locale": _text("language", "язык"),
    "message_id": _number("message", "сообщение"),
    "message_type": _text("incoming, outgoing, activity or template", "incoming, outgoing, activity или template"),
    "name": _text("name", "название"),
    "next_answered_us": _instant("when the rating was changed, if ever", "когда оценку изменили, если изменили"),
    "next_resolved_us": _instant("when it was resolved next, if ever", "когда решён в следующий раз, если решён"),
    "next_response_seconds": _number("promised next response, s", "обещанный следующий ответ, с"),
    "occurred_us": _instant("when it happened", "когда произошло"),
    "ordinal": _number("which resolve of the conversation it is, from 1", "какое по счёту решение диалога, с 1"),
    "outcome_us": _instant("when met, or the due time missed", "когда выполнена или пропущенный срок"),
    "phone_number": _text("phone", "телефон"),
    "place": _number("which event of the conversation, from 1", "какое по счёту событие диалога, с 1"),
    "presence": _text("online, busy or offline", "online, busy или offline"),
    "priority": _text("priority at that moment", "приоритет в тот момент"),
    "promised_us": _instant("since when it was promised", "с какого момента обещано"),
    "rating": _number("rating, 1 to 5", "оценка от 1 до 5"),
    "reason": _text("why Captain did not answer or handed over", "почему Капитан не ответил или передал диалог"),
    "recorded_us": _instant("when we learned of it", "когда мы об этом узнали"),
    "reopened_us": _instant("when it was reopened after that, if ever", "когда открыт снова после этого, если открыт"),
    "requester_wait_us": _span("of its life, our turn", "за жизнь диалога ход наш"),
    "requester_wait_worked_us": _span("the same in working hours", "то же в рабочее время"),
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
    "snoozed_until_us": _instant("until when it was snoozed", "до какого времени отложен"),
    "span_us": _span("from started to answered", "от started до answered"),
    "started_us": _instant("when the customer began to wait", "когда клиент начал ждать"),
    "state": _text(
        "met, missed, running or void", "met — выполнена, missed — пропущена, running — идёт, void — отменена"
    ),
    "status": _text("status at that moment", "статус в тот момент"),
    "status_after": _text("status after a change", "статус после изменения"),
    "superseded_us": _instant("when a hand-off began it again", "когда передача начала её заново"),
    "survey_id": _number("survey", "опрос"),
    "target": _text("first_response, next_response or resolution", "first_response, next_response или resolution"),
    "team_id": _number("team at that moment", "команда в тот момент"),
    "timezone": _text("time zone", "часовой пояс"),
    "title": _text("title", "название"),
    "user_id": _number("agent", "агент"),
    "version": _number("version", "версия"),
    "waiting_since_us": _instant("since when the customer waits", "с какого момента ждёт клиент"),
    "what": _text(
        "what happened: answer is Captain's, human an agent's message; the others as they are called",
        "что произошло: answer — ответ Капитана, human — сообщение агента; остальное — как называется",
    ),
    "worked_us": _span("the same in working hours", "то же в рабочее время"),
}

TABLES: dict[str, Words] = {
    "events": Words("The log: one row per event.", "Журнал: строка на событие."),
    "conversations": Words(
        "One row per conversation, as it was at its creation.", "Строка на диалог, каким он был при создании."
    ),
    "messages": Words("One row per public message.", "Строка на публичное сообщение."),
    "conversations_now": Words("One row per conversation, as it is now.", "Строка на диалог, каков он сейчас."),
    "first_responses": Words(
        "One row per conversation and kind that got its first answer.", "Строка на диалог и вид первого ответа."
    ),
    "next_responses": Words(
        "One row per wait that an agent's answer ended.", "Строка на ожидание, которое закончил ответ агента."
    ),
    "resolutions": Words("One row per resolve.", "Строка на решение диалога."),
    "sla_targets": Words(
        "One row per SLA target: met, missed or running.", "Строка на цель SLA: выполнена, пропущена или идёт."
    ),
    "surveys": Words(
        "One row per survey sent; of an import, per answered resolve.",
        "Строка на отправленный опрос; в загрузке — на решение с ответом.",
    ),
    "csat_answers": Words(
        "One row per answer to a survey, changed ones too.", "Строка на ответ опроса, и на изменённый."
    ),
    "backlog_changes": Words(
        "Changes of the unresolved: the sum of delta up to T is the backlog at T.",
        "Изменения нерешённых: сумма delta до момента T — их число в T.",
    ),
    "captain_turns": Words(
        "What judges Captain, where he wrote to the customer.", "По чему судят Капитана там, где он писал клиенту."
    ),
    "captain_work": Words(
        "What Captain did, and what agents made of his drafts: one row per event.",
        "Что делал Капитан и что агенты сделали с его черновиками: строка на событие.",
    ),
    "waiting_now": Words(
        "One row per conversation whose customer waits now.", "Строка на диалог, клиент которого сейчас ждёт."
    ),
    "focus": Words("One row per look of an agent at a conversation.", "Строка на взгляд агента на диалог."),
    "presence": Words("One row per stretch an agent was there.", "Строка на время, когда агент был на месте."),
    "help_center": Words(
        "What readers did in the help center: one row per event.", "Что делали читатели справки: строка на событие."
    ),
    "contacts": Words("One row per contact.", "Строка на контакт."),
    "agent_addresses": Words("Agents' addresses.", "Адреса агентов."),
    "message_texts": Words(
        "One row per message, notes too, with its text.", "Строка на сообщение или заметку с текстом."
    ),
    "rating_comments": Words(
        "One row per answered survey, with its comment.", "Строка на отвеченный опрос с комментарием."
    ),
    "accounts": Words("The account.", "Аккаунт."),
    "agents": Words("Agents.", "Агенты."),
    "inboxes": Words("Inboxes.", "Каналы."),
    "teams": Words("Teams.", "Команды."),
    "labels": Words("Labels.", "Метки."),
    "articles": Words("Articles of the help center.", "Статьи справки."),
    "sla_policies": Words("SLA policies.", "Политики SLA."),
}

# Left out of an export: whose they are, not what they did.
PERSONAL = {"agents": ("name", "external_id")}
