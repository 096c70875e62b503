"""What a chart draws, and what it says of it: everything that is read is written as Russians write it."""

import itertools
from datetime import date, timedelta

import pytest

from dashboards import figures, look

DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(4)]


def told(figure: figures.Figure) -> list[list[str]]:
    """What is said of each day that is pointed at."""
    return [column[2:] for column in figure.option["series"][0]["data"]]


def test_a_gap_stays_a_gap_and_is_told_as_one() -> None:
    series = {"медиана": [1.25, None, 3.0, 2.0], "p90": [10.0, None, 1234.56, 4.0]}
    figure = figures.lines(DAYS, series, look.LIGHT, "ru")
    _columns, *drawn = figure.option["series"]
    assert [(line["name"], line["data"]) for line in drawn] == list(series.items())
    assert all(not line.get("connectNulls") and line["showAllSymbol"] for line in drawn)
    assert told(figure) == [["1,2", "10,0"], ["—", "—"], ["3,0", "1\u00a0234,6"], ["2,0", "4,0"]]
    assert figure.option["tooltip"]["formatter"].endswith("●</span> p90 <b>{@[3]}</b>")


def test_lines_are_named_where_they_end_and_the_first_has_the_accent() -> None:
    one, other = figures.lines(DAYS, {"a": [1] * 4, "b": [2] * 4}, look.DARK, "ru").option["series"][1:]
    assert (one["color"], other["color"]) == (look.DARK.strawberry, look.DARK.neutral)
    assert (one["endLabel"]["formatter"], one["endLabel"]["show"]) == ("{a}", True)


@pytest.mark.parametrize(("low", "high", "pixels"), [(1, 100, 0), (50, 50, 15), (50, 51, 13), (0, 9, 0)])
def test_the_upper_name_stands_clear_of_the_lower_where_lines_end_together(low: int, high: int, pixels: int) -> None:
    one, other = figures.lines(DAYS, {"a": [100, 1, None, low], "b": [1, 1, high, None]}, look.DARK, "ru").option[
        "series"
    ][1:]
    assert one["endLabel"]["offset"] == [0, 0]
    assert other["endLabel"]["offset"] == [0, -pixels]


def test_bars_stand_on_zero_under_steps_written_at_their_heights() -> None:
    figure = figures.bars(DAYS, [0, 1200, 2600, 3], look.LIGHT, "ru", look.LIGHT.sea)
    steps, scale = figure.option["yAxis"]
    assert (scale["min"], scale["max"]) == (0, 3000)
    assert steps["data"] == ["0", "1\u00a0000", "2\u00a0000", "3\u00a0000"]
    assert figure.option["series"][1]["color"] == look.LIGHT.sea
    assert told(figure) == [["0"], ["1\u00a0200"], ["2\u00a0600"], ["3"]]
    assert figures.bars(DAYS, [0, 1200, 2600, 3], look.LIGHT, "en").option["yAxis"][0]["data"][1] == "1,000"


@pytest.mark.parametrize("highest", [0, 0.3, 1, 5, 5.01, 7, 99, 100, 101, 2_345_678])
def test_steps_are_few_and_round_and_reach_the_highest(highest: float) -> None:
    steps = figures._steps(highest)
    assert steps[0] == 0
    assert steps[-1] >= highest
    assert 2 <= len(steps) <= 6
    assert len({high - low for low, high in itertools.pairwise(steps)}) == 1


@pytest.mark.parametrize("count", [1, 7, 8, 9, 30, 90, 365])
def test_at_most_eight_dates_are_written_under_a_chart(count: int) -> None:
    days = [DAYS[0] + timedelta(days=number) for number in range(count)]
    figure = figures.bars(days, [1] * count, look.LIGHT, "ru")
    dates = figure.option["xAxis"][0]
    assert len(dates["data"]) == count
    assert len(dates["data"][:: dates["axisLabel"]["interval"] + 1]) == min(count, 8) or count > 8
    assert len(dates["data"][:: dates["axisLabel"]["interval"] + 1]) <= 8
    assert dates["data"][0] == "01.03"
    narrow, wide = (media["option"]["xAxis"][0]["axisLabel"]["interval"] for media in figure.option["media"])
    assert wide == dates["axisLabel"]["interval"]
    assert len(dates["data"][:: narrow + 1]) <= 4


def test_a_pile_reaches_the_sum_of_its_parts() -> None:
    parts = {"выполнены": ([1, 2, 3, 400], look.LIGHT.neutral), "пропущены": ([0, 0, 1, 150], look.LIGHT.ember)}
    figure = figures.piles(DAYS, parts, look.LIGHT, "ru")
    assert figure.option["yAxis"][1]["max"] == 600
    assert figure.option["legend"]["data"] == ["выполнены", "пропущены"]
    assert len({bar["stack"] for bar in figure.option["series"][1:]}) == 1
    assert told(figure)[3] == ["400", "150"]


def test_ratings_say_how_many_and_what_share() -> None:
    figure = figures.ratings({5: 1500, 1: 500}, look.LIGHT, "ru")
    bars = figure.option["series"][0]["data"]
    assert [bar["name"] for bar in bars][::4] == ["500 · 25\u00a0%", "1\u00a0500 · 75\u00a0%"]
    assert [bar["itemStyle"]["color"] for bar in bars] == [look.LIGHT.neutral] * 3 + [look.LIGHT.strawberry] * 2
    assert figure.marks[4] == 5


def test_a_week_by_its_hours_begins_with_monday_and_shows_one_as_something() -> None:
    figure = figures.heat({(1, 9): 1, (7, 23): 4000}, look.LIGHT, "ru")
    drawn = dict(zip(figure.marks, figure.option["series"][0]["data"], strict=True))
    assert figure.option["yAxis"]["data"][-1] == "пн"
    assert drawn[1, 9]["value"] == [9, 6, 1]
    assert drawn[1, 9]["name"] == "пн, 09:00 · 1"
    assert drawn[1, 9]["itemStyle"]["color"] not in (look.LIGHT.line, look.LIGHT.strawberry)
    assert drawn[7, 23]["name"] == "вс, 23:00 · 4\u00a0000"
    assert drawn[7, 23]["itemStyle"]["color"] == look.LIGHT.strawberry
    assert drawn[3, 3]["itemStyle"]["color"] == look.LIGHT.line
