"""How long do customers wait for a person, and when do they wait longest? Runs on what `kulpunai export` wrote.

kulpunai export --account 1 --out export
python notebooks/first_response.py --export export        (or: KULPUNAI_EXPORT=export marimo edit notebooks/first_response.py)
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Первый ответ · First response")


@app.cell
def _():
    import marimo as mo
    import plotly.graph_objects as go
    from exported import WEEKDAYS, folder, instant, listed, opened, span

    from analytics.command import timezone_of
    from analytics.read import Query, answer, table

    return Query, WEEKDAYS, answer, folder, go, instant, listed, span, mo, opened, table, timezone_of


@app.cell
def _(mo):
    mo.md("""
    # Сколько клиент ждёт человека, и когда дольше всего?
    *How long do customers wait for a person, and when longest?*

    Первый ответ человека: от создания диалога (или от передачи Капитаном) до первого публичного сообщения агента.
    Ночи и выходные здесь тоже считаются: это время, которое прожил клиент.
    """)
    return


@app.cell
def _(folder, instant, mo, opened, timezone_of):
    # The window: everything there is. Days and hours are the account's.
    export = folder()
    with opened(export) as _tables:
        _first, _last = _tables.execute(
            "select min(answered_us), max(answered_us) from first_responses where kind = 'human'"
        ).fetchall()[0]
    is_empty = _first is None
    since, until = instant(_first or 0), instant((_last or 0) + 1)
    timezone = timezone_of(export)
    mo.md(f"Период: {since:%d.%m.%Y} — {until:%d.%m.%Y}, часовой пояс {timezone}.")
    return export, is_empty, since, timezone, until


@app.cell
def _(Query, answer, export, since, timezone, until):
    def ask(by=None):
        """The rows of the metric, as every dashboard shows them."""
        return answer(export, Query("first_response_human", since, until, by, timezone)).rows

    return (ask,)


@app.cell
def _(ask, is_empty, span, mo):
    _rows = [] if is_empty else ask()
    mo.md(
        "## Всего\n\n"
        + "\n".join(
            f"- половина клиентов ждёт не дольше **{span(row['p50'])}**, девять из десяти — не дольше "
            f"**{span(row['p90'])}**, в среднем {span(row['mean'])} (n = {row['n']})"
            for row in _rows
        )
        if _rows
        else "## Всего\n\nОтветов пока нет."
    )
    return


@app.cell
def _(WEEKDAYS, ask, go, is_empty, mo):
    # Half of the customers who got their answer in that hour had waited longer than this
    hours = [] if is_empty else ask("weekday_hour")
    _grid = [[None] * 24 for _ in WEEKDAYS]
    for _row in hours:
        _grid[_row["weekday"] - 1][_row["hour"]] = _row["p50"] / 60
    figure = go.Figure(go.Heatmap(z=_grid, y=list(WEEKDAYS), x=list(range(24)), colorscale="Reds", hoverongaps=False))
    figure.update_layout(
        title="Медиана первого ответа по часам ответа, минуты",
        yaxis_autorange="reversed",
        xaxis_title="час",
        height=320,
    )
    mo.ui.plotly(figure) if hours else mo.md("")
    return (hours,)


@app.cell
def _(ask, export, is_empty, listed, span, mo, table):
    _names = {row["inbox_id"]: row["name"] for row in table(export, "inboxes")}
    _rows = [] if is_empty else sorted(ask("inbox"), key=lambda row: -row["p90"])
    _lines = [(_names.get(row["inbox"], row["inbox"]), span(row["p50"]), span(row["p90"]), row["n"]) for row in _rows]
    mo.md("## По каналам\n\n" + listed(("Канал", "p50", "p90", "n"), _lines))
    return


@app.cell
def _(ask, hours, is_empty, span, mo):
    # The answer. Hours with fewer than five answers say more about chance than about us.
    def _said():
        if is_empty:
            return "Ответ: в этой выгрузке ни один диалог ещё не получил ответа человека, считать нечего."
        (total,) = ask()
        said = f"Ответ: половина клиентов ждёт человека не дольше {span(total['p50'])}, каждый десятый — дольше "
        said += f"{span(total['p90'])} (n = {total['n']})."
        enough = [row for row in hours if row["n"] >= 5]
        if not enough:
            return said + " Чтобы назвать худший час, данных пока мало."
        worst = max(enough, key=lambda row: row["p50"])
        day = ("в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье")
        said += f" Дольше всего ждали те, кому ответили {day[worst['weekday'] - 1]} с {worst['hour']}:00: "
        return said + f"медиана {span(worst['p50'])} (n = {worst['n']})."

    conclusion = _said()
    print(conclusion)
    mo.md(f"## {conclusion}")
    return


if __name__ == "__main__":
    app.run()
