"""What does the log say? A tour of what `kulpunai export` wrote, from the count of events to the story of one conversation.

kulpunai export --account 1 --out export
python notebooks/what_the_log_says.py --export export     (or: KULPUNAI_EXPORT=export marimo edit notebooks/what_the_log_says.py)
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Что рассказывает журнал · What the log says")


@app.cell
def _():
    import json

    import marimo as mo
    import plotly.graph_objects as go
    from exported import WEEKDAYS, folder, instant, listed, number, opened, span

    from analytics.command import timezone_of
    from analytics.dictionary import TABLES
    from analytics.lake import manifest
    from analytics.local_time import zone
    from analytics.read import Query, answer

    return (
        Query,
        TABLES,
        WEEKDAYS,
        answer,
        folder,
        go,
        instant,
        json,
        listed,
        manifest,
        span,
        mo,
        number,
        opened,
        timezone_of,
        zone,
    )


@app.cell
def _(mo):
    mo.md("""
    # Что рассказывает журнал?
    *What does the log say?*

    Каждое действие в Kulpunai — одно событие журнала: что случилось, когда, кто это сделал. Диалоги, ожидания, оценки и все
    метрики выводятся из него, поэтому знакомство с числами начинается здесь.
    """)
    return


@app.cell
def _(folder, manifest, opened, timezone_of, zone):
    export = folder()
    tables = opened(export)
    known = manifest(export)
    timezone = timezone_of(export)
    clock = zone(timezone)
    return clock, export, known, tables, timezone


@app.cell
def _(TABLES, export, json, listed, mo, number):
    _rows = json.loads((export / "manifest.json").read_text())["tables"]
    _listed = [(name, TABLES[name].ru, number(rows)) for name, rows in _rows.items()]
    mo.md(f"## Что в выгрузке\n\n{listed(('Таблица', 'Что в ней', 'Строк'), _listed, words=2)}")
    return


@app.cell
def _(clock, instant, known, mo, number, tables, timezone):
    # The account's numbers are given out one by one as it commits, so a missing one would be a lost event.
    events, distinct, first_seq, last_seq, kinds, first_us, last_us = tables.execute(
        """select count(*), count(distinct seq), coalesce(min(seq), 0), coalesce(max(seq), 0), count(distinct name),
            min(occurred_us), max(occurred_us) from events"""
    ).fetchall()[0]
    is_empty = events == 0
    is_dense = is_empty or (events == distinct == last_seq == known.seq and first_seq == 1)
    if is_empty:
        _said = "Событий ещё нет."
    elif is_dense:
        _said = f"Номера идут подряд, от 1 до {number(last_seq)}, каждый один раз: ни одно событие не потеряно."
    else:
        _said = (
            f"**Номера идут не подряд**: событий {number(events)}, разных номеров {number(distinct)}, от "
            f"{number(first_seq)} до {number(last_seq)}, а собрано до {number(known.seq)}. Числам этой выгрузки верить нельзя."
        )
    if not is_empty:
        _since, _until = (instant(us).astimezone(clock) for us in (first_us, last_us))
        _said += f"\n\nПериод: {_since:%d.%m.%Y} — {_until:%d.%m.%Y}, часовой пояс {timezone}."
    mo.md(f"## Всё ли на месте\n\n{_said}")
    return events, first_us, is_dense, is_empty, kinds, last_us


@app.cell
def _(go, is_empty, listed, mo, number, tables):
    mo.stop(is_empty)
    _rows = tables.execute("select name, count(*) as n from events group by name order by n desc, name").fetchall()
    _top = _rows[:15][::-1]
    _figure = go.Figure(go.Bar(x=[n for name, n in _top], y=[name for name, n in _top], orientation="h"))
    _figure.update_layout(
        title="Самые частые события, штук", height=420, separators=",\u00a0", margin_l=220, xaxis_tickformat=",d"
    )
    mo.vstack(
        [
            mo.md("## О чём он"),
            mo.ui.plotly(_figure),
            mo.accordion({"Все виды": mo.md(listed(("Событие", "Сколько"), ((name, number(n)) for name, n in _rows)))}),
        ]
    )
    return


@app.cell
def _(is_empty, span, mo, number, tables):
    # Imported history happened long before we heard of it; of everything else we should hear at once.
    mo.stop(is_empty)
    _told, _live, _half, _most = tables.execute(
        """select count(*) filter (where causation = 'history'), count(*) filter (where causation is distinct from 'history'),
            quantile_cont(recorded_us - occurred_us, 0.5) filter (where causation is distinct from 'history') / 1e6,
            quantile_cont(recorded_us - occurred_us, 0.99) filter (where causation is distinct from 'history') / 1e6
        from events"""
    ).fetchall()[0]
    _said = f"Загружено из прошлого: {number(_told)}, записано по ходу дела: {number(_live)}."
    if _live:
        _said += f" О половине вторых мы узнали не позже чем через {span(_half)}, о 99\u00a0% — через {span(_most)}."
    mo.md(f"## Когда мы узнаём о событии\n\n{_said}")
    return


@app.cell
def _(Query, answer, export, first_us, instant, is_empty, last_us, timezone):
    def ask(metric, by):
        """The rows of a metric over all there is, as every dashboard shows them."""
        if is_empty:
            return []
        return answer(export, Query(metric, instant(first_us), instant(last_us + 1), by, timezone)).rows

    incoming = ask("messages_incoming", "day")
    outgoing = ask("messages_outgoing", "day")
    hours = ask("messages_incoming", "weekday_hour")
    return hours, incoming, outgoing


@app.cell
def _(WEEKDAYS, go, hours, incoming, mo, outgoing):
    mo.stop(not hours, mo.md("## Ритм\n\nКлиенты ещё не писали."))
    _days = go.Figure(
        [
            go.Scatter(x=[row["day"] for row in rows], y=[row["n"] for row in rows], name=name)
            for name, rows in (("от клиентов", incoming), ("наши", outgoing))
        ]
    )
    _days.update_layout(title="Сообщений в день", height=300, separators=",\u00a0", yaxis_rangemode="tozero")
    _days.update_xaxes(tickformat="%d.%m.%y")
    _grid = [[0] * 24 for _ in WEEKDAYS]
    for _row in hours:
        _grid[_row["weekday"] - 1][_row["hour"]] = _row["n"]
    _heat = go.Figure(go.Heatmap(z=_grid, y=list(WEEKDAYS), x=list(range(24)), colorscale="Blues"))
    _heat.update_layout(
        title="Сообщений от клиентов за весь период, по дням недели и часам",
        yaxis_autorange="reversed",
        xaxis_title="час",
        height=320,
        separators=",\u00a0",
    )
    mo.vstack([mo.md("## Ритм"), mo.ui.plotly(_days), mo.ui.plotly(_heat)])
    return


@app.cell
def _(mo, tables):
    # Those of which the log tells most kinds of things; what an agent looks at is left out, there is much of it.
    LOOKS = "('conversation.focused', 'conversation.unfocused')"
    _rich = tables.execute(
        f"""select max(display_id), conversation_id from events
        where conversation_id is not null and name not in {LOOKS}
        group by conversation_id order by count(distinct name) desc, count(*) desc, conversation_id limit 20"""  # noqa: S608
    ).fetchall()
    _options = {f"№\u00a0{display_id or conversation_id}": conversation_id for display_id, conversation_id in _rich}
    chosen = mo.ui.dropdown(_options, value=next(iter(_options), None), label="Диалог")
    mo.vstack(
        [
            mo.md("## История одного диалога\n\nТак журнал помнит диалог: строка на событие, и в каждой — чьё оно."),
            chosen if _options else mo.md("Диалогов ещё нет."),
        ]
    )
    return LOOKS, chosen


@app.cell
def _(LOOKS, chosen, clock, instant, json, listed, mo, tables):
    # What every event of a conversation says of its state; beside the change itself it would only be noise.
    state = {
        "conversation_id", "display_id", "inbox_id", "contact_id", "status", "held_by", "assignee_id", "team_id", "labels",
        "priority", "version", "thread_version",
    }  # fmt: skip

    def told(data):
        """What an event says beyond the state of its conversation."""
        facts = {name: value for name, value in json.loads(data).items() if value not in (None, [], False)}
        return ", ".join(f"{name}: {written(name, value)}" for name, value in facts.items() if name not in state)

    def written(name, value):
        if name.endswith("_change"):
            return " → ".join("—" if one is None else str(one) for one in value)
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    mo.stop(chosen.value is None)
    _rows = tables.execute(
        f"""select seq, occurred_us, name, actor, data from events
        where conversation_id = ? and name not in {LOOKS} order by occurred_us, seq limit 60""",  # noqa: S608
        [chosen.value],
    ).fetchall()
    story = [
        (seq, f"{instant(us).astimezone(clock):%d.%m.%Y %H:%M:%S}", name, actor, told(data))
        for seq, us, name, actor, data in _rows
    ]
    mo.md(listed(("№", "Когда", "Событие", "Кто", "Что ещё"), story, words=5))
    return


@app.cell
def _(WEEKDAYS, events, hours, incoming, is_dense, is_empty, kinds, mo, number):
    # The answer
    def _said():
        if is_empty:
            return "Ответ: журнал пуст, рассказывать ему пока не о чем."
        said = f"Ответ: событий в журнале {number(events)}, их видов {kinds}; "
        said += "номера идут подряд." if is_dense else "но номера идут не подряд: чего-то не хватает."
        if not hours:
            return said + " Клиенты ещё не писали."
        day = max(incoming, key=lambda row: row["n"])
        busiest = max(hours, key=lambda row: row["n"])
        date = ".".join(reversed(day["day"].split("-")))
        said += f" Больше всего сообщений от клиентов пришло {date}: {number(day['n'])}. Самый людный час недели: "
        return said + f"{WEEKDAYS[busiest['weekday'] - 1]}, {busiest['hour']}:00."

    conclusion = _said()
    print(conclusion)
    mo.md(f"## {conclusion}")
    return


if __name__ == "__main__":
    app.run()
