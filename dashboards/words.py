"""What the dashboards say, in both languages. What a metric is, `analytics.metrics` says itself."""

from analytics.metrics import Words

WORDS: dict[str, Words] = {
    "gate.closed": Words(
        "Reports open from the workspace: sign in to Kulpunai and choose “Reports” there.",
        "Отчёты открываются из рабочего места: войдите в\u00a0Kulpunai и\u00a0выберите там «Отчёты».",
    ),
    "gate.expired": Words(
        "This page has been open for a while. Reload it to go on.",
        "Страница давно открыта. Обновите её, чтобы продолжить.",
    ),
    "title": Words("Overview", "Обзор"),
    "period": Words("Period", "Период"),
    "period.7": Words("7 days", "7\u00a0дней"),
    "period.30": Words("30 days", "30\u00a0дней"),
    "period.90": Words("90 days", "90\u00a0дней"),
    "inbox": Words("Inbox", "Источник"),
    "inbox.all": Words("All inboxes", "Все источники"),
    "window": Words("{days}, {zone} time", "{days}, время {zone}"),
    "mine": Words("Your own numbers.", "Только ваши числа."),
    "fresh": Words("Data up to event #{seq} of {recorded}.", "Данные по\u00a0событие №\u00a0{seq} от\u00a0{recorded}."),
    "fresh.empty": Words("Nothing has happened yet.", "Пока ничего не\u00a0произошло."),
    "unbuilt": Words(
        "There are no numbers yet: the first ones appear within a minute of the first conversation.",
        "Чисел пока нет: первые появятся через минуту после первого диалога.",
    ),
    "broken": Words(
        "The newest numbers did not pass their checks, so these are the last good ones: {fresh} "
        "An administrator will find the reason below.",
        "Новые числа не\u00a0прошли проверку, поэтому здесь последние верные. {fresh} Причина для администратора ниже.",
    ),
    "broken.why": Words("What the checks say", "Что говорят проверки"),
    "what": Words("What is this number?", "Что это за число?"),
    "what.left_out": Words("**Left out.** {what}", "**Не\u00a0входит.** {what}"),
    "what.window": Words(
        "**Window.** {window}. Calendar time: nights and weekends count.",
        "**Период.** {window}. Время календарное: ночи и\u00a0выходные считаются.",
    ),
    "none": Words("no data", "нет данных"),
    "none.first_response_human": Words(
        "Nobody was answered for the first time in this period.", "За\u00a0период никому не\u00a0ответили впервые."
    ),
    "none.full_resolution": Words("Nothing was resolved in this period.", "За\u00a0период ничего не\u00a0решили."),
    "none.sla_compliance": Words("No SLA target came due in this period.", "За\u00a0период целей SLA не\u00a0было."),
    "none.csat": Words("Nobody rated us in this period.", "За\u00a0период никто не\u00a0поставил оценку."),
    "none.conversations": Words("No conversations began in this period.", "За\u00a0период диалогов не\u00a0было."),
    "none.messages_outgoing": Words("You wrote nothing in this period.", "За\u00a0период вы ничего не\u00a0написали."),
    "none.backlog": Words("Everything is resolved.", "Всё решено."),
    "few": Words("Few cases: take it with care.", "Случаев мало, судите осторожно."),
    "median": Words("median", "медиана"),
    "span": Words(
        "median · p90 {p90} · mean {mean} · n\u00a0=\u00a0{n} {counted}",
        "медиана · p90 {p90} · среднее {mean} · n\u00a0=\u00a0{n} {counted}",
    ),
    "counted.first_response_human": Words("answered conversations", "диалогов с\u00a0ответом"),
    "counted.full_resolution": Words("resolved conversations", "решённых диалогов"),
    "sla": Words("n\u00a0=\u00a0{n} targets settled", "n\u00a0=\u00a0{n} целей с\u00a0исходом"),
    "csat": Words(
        "95% interval: {low} to {high} · n\u00a0=\u00a0{n} ratings",
        "интервал 95\u00a0%: от\u00a0{low} до\u00a0{high} · n\u00a0=\u00a0{n} оценок",
    ),
    "csat.rate": Words("answered {rate} of {n} surveys", "ответили на\u00a0{rate} из {n} опросов"),
    "volume": Words(
        "messages: {incoming} incoming, {outgoing} outgoing", "сообщений: {incoming} входящих, {outgoing} исходящих"
    ),
    "messages": Words("incoming to you: {incoming}", "входящих вам: {incoming}"),
    "backlog": Words(
        "now · open {open} · pending {pending} · snoozed {snoozed}",
        "сейчас · открыто {open} · ожидают {pending} · отложено {snoozed}",
    ),
    "chart.first_response_human": Words(
        "First response by a person day by day, {unit}: median and p90",
        "Первый ответ человека по\u00a0дням, {unit}: медиана и\u00a0p90",
    ),
    "chart.full_resolution": Words(
        "Full resolution day by day, {unit}: median and p90", "Полное решение по\u00a0дням, {unit}: медиана и\u00a0p90"
    ),
    "chart.conversations": Words("New conversations a day", "Новые диалоги, штук в\u00a0день"),
    "chart.messages_outgoing": Words("Your messages a day", "Ваши сообщения, штук в\u00a0день"),
    "chart.backlog": Words(
        "Unresolved conversations at the end of each day", "Нерешённые диалоги на\u00a0конец дня, штук"
    ),
    "chart.note": Words("{window} · n\u00a0=\u00a0{n}", "{window} · n\u00a0=\u00a0{n}"),
    "chart.stock": Words("{window} · {n} at the end", "{window} · {n} на\u00a0конец периода"),
    "minutes": Words("minutes", "минуты"),
    "hours": Words("hours", "часы"),
    "days": Words("days", "дни"),
    "d": Words("d", "д"),
    "h": Words("h", "ч"),
    "min": Words("min", "мин"),
    "s": Words("s", "с"),
}


def say(key: str, locale: str, **values: object) -> str:
    """The sentence, with its values put in."""
    return WORDS[key].in_(locale).format(**values)
