"""How many conversations will begin on each day of the next week? Runs on what `kulpunai export` wrote.

kulpunai export --account 1 --out export
python notebooks/volume_forecast.py --export export       (or: KULPUNAI_EXPORT=export marimo edit notebooks/volume_forecast.py)
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Сколько напишут на неделе · Volume forecast")


@app.cell
def _():
    from datetime import datetime, time, timedelta

    import marimo as mo
    import numpy as np
    import plotly.graph_objects as go
    from exported import WEEKDAYS, folder, instant, listed, number, opened, percent, share

    from analytics.command import timezone_of
    from analytics.local_time import zone
    from analytics.read import Query, answer

    return (
        Query,
        WEEKDAYS,
        answer,
        datetime,
        folder,
        go,
        instant,
        listed,
        mo,
        np,
        number,
        opened,
        percent,
        share,
        time,
        timedelta,
        timezone_of,
        zone,
    )


@app.cell
def _(mo):
    mo.md("""
    # Сколько диалогов начнётся в каждый день будущей недели?
    *How many conversations will begin on each day of the next week?*

    Прогноз знает две вещи: уровень последних недель и то, чем понедельник отличается от субботы. Праздников и распродаж он не
    знает. Рядом — проверка на прошлом: каждую неделю он предсказывал бы, зная только то, что было до неё, и его сравнивают с
    самым простым прогнозом: «как неделю назад».
    """)
    return


@app.cell
def _():
    WEEK = 7
    LEARNS_DAYS = 28  # before the first forecast
    ERRORS_DAYS = 28  # of forecasts, before the first interval
    NEEDED_DAYS = LEARNS_DAYS + ERRORS_DAYS + WEEK
    # After so many days a day weighs half: the level follows quickly, the shape of the week slowly
    LEVEL_DAYS, SHAPE_DAYS = 10, 42
    INTERVAL = 0.8
    return ERRORS_DAYS, INTERVAL, LEARNS_DAYS, LEVEL_DAYS, NEEDED_DAYS, SHAPE_DAYS, WEEK


@app.cell
def _(Query, answer, datetime, folder, instant, mo, np, opened, time, timedelta, timezone_of, zone):
    # Whole days alone: the account's first day and that of the newest event are cut off.
    export = folder()
    timezone = timezone_of(export)
    clock = zone(timezone)
    with opened(export) as _tables:
        _first, _last = _tables.execute(
            "select (select min(created_us) from conversations), (select max(occurred_us) from events)"
        ).fetchall()[0]
    days, counts = [], np.array([])
    if _first is not None:
        _began = instant(_first).astimezone(clock).date() + timedelta(days=1)
        _ended = instant(_last).astimezone(clock).date()
        days = [_began + timedelta(days=n) for n in range((_ended - _began).days)]
    if days:
        _window = (datetime.combine(day, time(), clock) for day in (_began, _ended))
        _rows = answer(export, Query("conversations", *_window, "day", timezone)).rows
        _known = {row["day"]: row["n"] for row in _rows}
        counts = np.array([_known.get(day.isoformat(), 0) for day in days], dtype=float)
    mo.md(
        f"Полных дней: {len(days)}, с {days[0]:%d.%m.%Y} по {days[-1]:%d.%m.%Y}, часовой пояс {timezone}."
        if days
        else "Полных дней пока нет."
    )
    return counts, days


@app.cell
def _(NEEDED_DAYS, counts, days, mo):
    # The answer, where nothing can be foretold
    too_early = ""
    if not counts.any():
        too_early = "Ответ: за полные дни диалогов ещё не было, предсказывать нечего."
    elif len(days) < NEEDED_DAYS:
        too_early = (
            f"Ответ: полных дней пока {len(days)}, а прогноз, который можно проверить, просит {NEEDED_DAYS}: рано."
        )
    if too_early:
        print(too_early)
    mo.md(f"## {too_early}" if too_early else "")
    return (too_early,)


@app.cell
def _(LEVEL_DAYS, SHAPE_DAYS, WEEK, np):
    def expected(past, first_weekday):
        """What the next seven days should bring. past: counts of whole days (n,), the first on `first_weekday` (Monday 0)."""
        age = np.arange(len(past))[::-1]
        weekday = (first_weekday + np.arange(len(past))) % WEEK
        slow, quick = 0.5 ** (age / SHAPE_DAYS), 0.5 ** (age / LEVEL_DAYS)
        usual = np.average(past, weights=slow)
        if usual == 0:
            return np.zeros(WEEK)
        shape = np.array([np.average(past[weekday == n], weights=slow[weekday == n]) for n in range(WEEK)]) / usual
        level = quick @ past / max(quick @ shape[weekday], 1e-9)
        return level * shape[(first_weekday + len(past) + np.arange(WEEK)) % WEEK]

    return (expected,)


@app.cell
def _(ERRORS_DAYS, INTERVAL, np):
    def interval(before, means):
        """(low, high) of the coming days, from how earlier forecasts went wrong: a busy day may miss by more than a quiet one.

        before: (actual, forecast) of every day forecast so far, means: (n,). None while these are too few.
        """
        if len(before) < ERRORS_DAYS:
            return None
        actual, forecast = np.array(before).T
        missed = (actual - forecast) / np.sqrt(np.maximum(forecast, 1))
        tail = (1 - INTERVAL) / 2
        low, high = np.quantile(missed, tail, method="lower"), np.quantile(missed, 1 - tail, method="higher")
        scale = np.sqrt(np.maximum(means, 1))
        return np.maximum(means + low * scale, 0), means + high * scale

    return (interval,)


@app.cell
def _(LEARNS_DAYS, WEEK, counts, days, expected, interval, mo, too_early):
    # Week by week, the forecast is made of what was known the evening before.
    mo.stop(bool(too_early))
    _before = []
    weeks = []
    # counted back from the end, so that the last week checked is the newest
    for _start in range(LEARNS_DAYS + (len(days) - LEARNS_DAYS) % WEEK, len(days), WEEK):
        _actual, _naive = counts[_start : _start + WEEK], counts[_start - WEEK : _start]
        _means = expected(counts[:_start], days[0].weekday())
        weeks.append(
            {
                "first": days[_start],
                "actual": _actual,
                "ours": _means,
                "naive": _naive,
                "interval": interval(_before, _means),
            }
        )
        _before += zip(_actual, _means, strict=True)
    forecast = expected(counts, days[0].weekday())
    low, high = interval(_before, forecast)
    return forecast, high, low, weeks


@app.cell
def _(np, weeks):
    # How far off we were, and how far off “as a week ago” was: mean absolute error of a day, by week.
    ours, naive = (
        np.array([np.abs(week["actual"] - week[name]).mean() for week in weeks]) for name in ("ours", "naive")
    )
    _dice = np.random.default_rng(0)
    _again = _dice.integers(len(weeks), size=(4000, len(weeks)))
    gain = 1 - ours.mean() / naive.mean() if naive.any() else 0.0
    # weeks are drawn whole, because the days of one go wrong together
    _gains = (
        1 - ours[_again].mean(axis=1) / np.maximum(naive[_again].mean(axis=1), 1e-9) if naive.any() else np.zeros(1)
    )
    gain_low, gain_high = np.quantile(_gains, (0.025, 0.975))
    _judged = [week for week in weeks if week["interval"] is not None]
    _inside = [(week["interval"][0] <= week["actual"]) & (week["actual"] <= week["interval"][1]) for week in _judged]
    covered, judged_days = int(np.sum(_inside)), int(np.size(_inside))
    return covered, gain, gain_high, gain_low, judged_days, naive, ours


@app.cell
def _(
    INTERVAL, covered, gain, gain_high, gain_low, judged_days, listed, mo, naive, number, ours, percent, share, weeks
):
    _rows = [
        (
            f"{week['first']:%d.%m.%Y}",
            number(week["actual"].sum()),
            number(week["ours"].sum()),
            number(mine, 1),
            number(theirs, 1),
        )
        for week, mine, theirs in zip(weeks, ours, naive, strict=True)
    ]
    mo.md(
        f"""## Проверка на прошлом

Недель: {len(weeks)}. Прогноз ошибался на {number(ours.mean(), 1)} диалога в день, «как неделю назад» — на
{number(naive.mean(), 1)}. Выигрыш {percent(gain)} (95\u00a0%: от {percent(gain_low)} до {percent(gain_high)},
бутстрэп по неделям); точнее был в {sum(ours < naive)} из {len(weeks)} недель.

Интервал на {percent(INTERVAL)} накрыл {share(covered, judged_days)} дней. Промахи соседних дней похожи, поэтому и эта
оценка чуть увереннее, чем следует.

"""
        + listed(("Неделя с", "Было", "Ждали", "Ошибка в день", "«Как неделю назад»"), _rows)
    )
    return


@app.cell
def _(INTERVAL, WEEK, counts, days, forecast, go, high, low, mo, percent, timedelta, weeks):
    coming = [days[-1] + timedelta(days=n + 1) for n in range(WEEK)]
    _past = slice(max(0, len(days) - 8 * WEEK), None)
    _checked = [(week["first"] + timedelta(days=n), mean) for week in weeks[-8:] for n, mean in enumerate(week["ours"])]
    _figure = go.Figure(
        [
            go.Scatter(x=coming + coming[::-1], y=[*high, *low[::-1]], fill="toself", mode="lines", line_width=0,
                       hoverinfo="skip", name=f"{percent(INTERVAL)} случаев"),
            go.Scatter(x=days[_past], y=counts[_past], name="было", mode="lines+markers"),
            go.Scatter(x=[day for day, mean in _checked], y=[mean for day, mean in _checked], name="ждали бы",
                       line_dash="dot"),
            go.Scatter(x=coming, y=forecast, name="ждём", mode="lines+markers"),
        ]
    )  # fmt: skip
    _figure.update_layout(
        title="Новых диалогов в день",
        height=380,
        separators=",\u00a0",
        yaxis_rangemode="tozero",
        xaxis_tickformat="%d.%m",
    )
    mo.ui.plotly(_figure)
    return (coming,)


@app.cell
def _(INTERVAL, WEEKDAYS, coming, forecast, high, listed, low, mo, number, percent):
    _rows = [
        (f"{day:%d.%m.%Y}, {WEEKDAYS[day.weekday()]}", number(mean), f"{number(least)}–{number(most)}")
        for day, mean, least, most in zip(coming, forecast, low, high, strict=True)
    ]
    mo.md(f"## Будущая неделя\n\n{listed(('День', 'Ждём', f'{percent(INTERVAL)} случаев'), _rows)}")
    return


@app.cell
def _(
    WEEKDAYS, coming, covered, forecast, gain, gain_high, gain_low, high, judged_days, low, mo, number, percent, share
):
    # The answer
    def _said():
        most = int(forecast.argmax())
        said = f"Ответ: за будущую неделю ждём около {number(forecast.sum())} новых диалогов, больше всего "
        said += f"{coming[most]:%d.%m} ({WEEKDAYS[coming[most].weekday()]}): {number(forecast[most])}, "
        said += f"в восьми случаях из десяти от {number(low[most])} до {number(high[most])}. "
        if gain_low > 0:
            said += f"На прошлых неделях прогноз ошибался на {percent(gain)} меньше, чем «как неделю назад»"
        elif gain_high < 0:
            said += "На прошлых неделях он был хуже, чем «как неделю назад»: верьте лучше тому"
        else:
            said += "На прошлых неделях он не был заметно точнее, чем «как неделю назад»"
        return said + f"; в интервал попало {share(covered, judged_days)} дней."

    conclusion = _said()
    print(conclusion)
    mo.md(f"## {conclusion}")
    return


if __name__ == "__main__":
    app.run()
