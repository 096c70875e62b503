"""How long do customers wait for a person, and when do they wait longest? Runs on what `kulpunai export` wrote.

kulpunai export --account 1 --out export
python notebooks/first_response.py --export export        (or: KULPUNAI_EXPORT=export marimo edit notebooks/first_response.py)
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Первый ответ · First response")


@app.cell
def _():
    import os
    import sys
    from datetime import UTC, datetime, timedelta
    from pathlib import Path

    import duckdb
    import marimo as mo
    import plotly.graph_objects as go

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from analytics.command import timezone_of
    from analytics.read import Query, answer, table

    return Path, Query, UTC, answer, datetime, duckdb, go, mo, os, table, timedelta, timezone_of


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
def _(Path, mo, os):
    export = Path(mo.cli_args().get("export") or os.environ.get("KULPUNAI_EXPORT", "export"))
    if not (export / "manifest.json").exists():
        raise SystemExit(f"{export}: no export here. Make one with `kulpunai export --account 1 --out {export}`.")
    return (export,)


@app.cell
def _(UTC, datetime, duckdb, export, mo, timedelta, timezone_of):
    # The window: everything there is. Days and hours are the account's.
    with duckdb.connect() as _memory:
        _memory.read_parquet(str(export / "first_responses.parquet")).create_view("first_responses")
        _first, _last = _memory.execute(
            "select min(answered_us), max(answered_us) from first_responses where kind = 'human'"
        ).fetchall()[0]
    is_empty = _first is None
    _epoch = datetime(1970, 1, 1, tzinfo=UTC)
    since = _epoch + timedelta(microseconds=_first or 0)
    until = _epoch + timedelta(microseconds=(_last or 0) + 1)
    timezone = timezone_of(export)
    mo.md(f"Период: {since:%d.%m.%Y} — {until:%d.%m.%Y}, часовой пояс {timezone}.")
    return is_empty, since, timezone, until


@app.cell
def _(Query, answer, export, since, timezone, until):
    def ask(by=None):
        """The rows of the metric, as every dashboard shows them."""
        return answer(export, Query("first_response_human", since, until, by, timezone)).rows

    def minutes(seconds):
        return f"{seconds / 60:,.0f} мин".replace(",", "\u00a0") if seconds >= 90 else f"{seconds:.0f} с"

    return ask, minutes


@app.cell
def _(ask, is_empty, minutes, mo):
    _rows = [] if is_empty else ask()
    mo.md(
        "## Всего\n\n"
        + "\n".join(
            f"- половина клиентов ждёт не дольше **{minutes(row['p50'])}**, девять из десяти — не дольше "
            f"**{minutes(row['p90'])}**, в среднем {minutes(row['mean'])} (n = {row['n']})"
            for row in _rows
        )
        if _rows
        else "## Всего\n\nОтветов пока нет."
    )
    return


@app.cell
def _(ask, go, is_empty, mo):
    # Half of the customers who got their answer in that hour had waited longer than this
    hours = [] if is_empty else ask("weekday_hour")
    _days = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")
    _grid = [[None] * 24 for _ in _days]
    for _row in hours:
        _grid[_row["weekday"] - 1][_row["hour"]] = _row["p50"] / 60
    figure = go.Figure(go.Heatmap(z=_grid, y=list(_days), x=list(range(24)), colorscale="Reds", hoverongaps=False))
    figure.update_layout(
        title="Медиана первого ответа по часам ответа, минуты",
        yaxis_autorange="reversed",
        xaxis_title="час",
        height=320,
    )
    mo.ui.plotly(figure) if hours else mo.md("")
    return (hours,)


@app.cell
def _(ask, export, is_empty, minutes, mo, table):
    _names = {row["inbox_id"]: row["name"] for row in table(export, "inboxes")}
    _rows = [] if is_empty else sorted(ask("inbox"), key=lambda row: -row["p90"])
    _lines = [
        f"| {_names.get(row['inbox'], row['inbox'])} | {minutes(row['p50'])} | {minutes(row['p90'])} | {row['n']} |"
        for row in _rows
    ]
    mo.md("\n".join(["## По источникам", "", "| Источник | p50 | p90 | n |", "|---|---:|---:|---:|", *_lines]))
    return


@app.cell
def _(ask, hours, is_empty, minutes, mo):
    # The answer. Hours with fewer than five answers say more about chance than about us.
    def _said():
        if is_empty:
            return "Ответ: в этой выгрузке ни один диалог ещё не получил ответа человека, считать нечего."
        (total,) = ask()
        said = f"Ответ: половина клиентов ждёт человека не дольше {minutes(total['p50'])}, каждый десятый — дольше "
        said += f"{minutes(total['p90'])} (n = {total['n']})."
        enough = [row for row in hours if row["n"] >= 5]
        if not enough:
            return said + " Чтобы назвать худший час, данных пока мало."
        worst = max(enough, key=lambda row: row["p50"])
        day = ("в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье")
        said += f" Дольше всего ждали те, кому ответили {day[worst['weekday'] - 1]} с {worst['hour']}:00: "
        return said + f"медиана {minutes(worst['p50'])} (n = {worst['n']})."

    conclusion = _said()
    print(conclusion)
    mo.md(f"## {conclusion}")
    return


if __name__ == "__main__":
    app.run()
