"""One truth: whatever shows a number, pages, command line, exports, notebooks, shows what `read.answer` says, to the last bit."""

import json
import math
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import streamlit as st
from babel.numbers import format_decimal
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from analytics import read
from analytics.command import export_command, metrics_command
from analytics.lake import account
from analytics.local_time import zone
from analytics.metrics import METRICS, Kind
from analytics.read import Attribution, Query, Time, groups_of
from app.cli import main
from app.lake import folder
from dashboards import gate, look
from tests.analytics import test_oracle
from tests.analytics.story import DAY, Story
from tests.dashboards.entry import ACME, APP, KEY, token
from tests.world import acme, asks, replies

FIRST, LAST = date(2026, 2, 20), date(2026, 3, 25)
ZONE = "Asia/Kathmandu"
PAGES = ("overview", "traffic", "agents", "teams", "inboxes", "labels", "sla", "satisfaction", "captain", "help")
PRESENT = {"from": str(FIRST), "to": str(LAST)}
# What the address says, and the same as a question
VIEWS: tuple[tuple[dict[str, str], dict[str, Any]], ...] = (
    ({}, {}),
    ({"inbox": "2", "time": "business"}, {"inbox_ids": (2,), "time": Time.BUSINESS}),
    ({"agent": "7", "attribution": "current"}, {"agent_ids": (7,), "attribution": Attribution.CURRENT}),
    ({"team": "2"}, {"team_ids": (2,)}),
    ({"label": "возврат"}, {"labels": ("возврат",)}),
)
OWN = {"agent_ids": (8,)}


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A random history with everything in it, in the lake that the dashboards read."""
    lake = tmp_path_factory.mktemp("lake")
    story = test_oracle.a_history(random.Random(20_261_123))
    _beside(story)
    tables = {
        "agents": [{"agent_id": n, "name": f"Агент {n}"} for n in (7, 8, 9)],
        "teams": [{"team_id": n, "name": f"Команда {n}"} for n in (1, 2)],
        "inboxes": [{"inbox_id": n, "name": f"Источник {n}", "channel": kind} for n, kind in enumerate(
            ("website", "api", "website"), start=1)],
        "labels": [{"label_id": n, "title": title} for n, title in enumerate(test_oracle.LABELS)],
        "articles": [{"article_id": 4, "title": "Как вернуть товар", "locale": "ru"}],
        "accounts": [{"account_id": ACME, "name": "Acme", "timezone": ZONE, "locale": "ru"}],
    }  # fmt: skip
    home = account(lake, ACME)
    with home.writing():
        for name, rows in tables.items():
            pl.DataFrame(rows).write_parquet(home.tables / f"{name}.parquet")
    built = story.build(lake, ACME)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KULPUNAI_LAKE", str(lake))
        patch.setenv("KULPUNAI_DASHBOARD_KEY", KEY)
        gate._spent.clear()
        st.cache_data.clear()
        yield built
        st.cache_data.clear()


@pytest.mark.parametrize("number", range(len(VIEWS)))
def test_a_page_shows_what_read_answers(marts: Path, number: int) -> None:
    address, filters = VIEWS[number]
    shown = _walk(marts, filters, **address)
    assert shown["cards"] > 25
    assert shown["cells"] > 40
    assert shown["points"] > 100


def test_an_agent_is_shown_what_read_answers_of_him_alone(marts: Path) -> None:
    shown = _walk(marts, OWN, role="agent", user=8, agent="7")
    assert shown["cells"] > 40


def test_the_command_line_an_export_and_its_notebooks_say_the_same(marts: Path, tmp_path: Path) -> None:
    lake, out = marts.parents[2], tmp_path / "out"
    export_command(lake, ACME, out)
    compared = 0
    for place, (metric, by) in enumerate((m, by) for m in METRICS for by in (None, *groups_of(METRICS[m]))):
        _address, filters = VIEWS[place % len(VIEWS)]
        query = _query(metric, by, filters)
        rows = read.answer(marts, query).rows
        options = {"inbox_ids": "inbox", "agent_ids": "agent", "team_ids": "team", "labels": "label"}
        asked = {options.get(name, name): value for name, value in filters.items()}
        asked |= {name: str(asked[name]) for name in ("time", "attribution") if name in asked}
        line = metrics_command(
            lake, ACME, metric, since=str(FIRST), until=str(LAST + timedelta(days=1)), by=by, **asked
        )
        assert json.loads(json.dumps(line))["rows"] == json.loads(json.dumps(rows)), (metric, by, filters)
        assert _without_names(read.answer(out, query).rows) == _without_names(rows), (metric, by, filters)
        compared += len(rows)
    assert compared > 2000
    _sql_of_a_notebook(out, marts)


@pytest.mark.usefixtures("database")
def test_kulpunai_metrics_brings_the_log_and_prints_what_read_answers() -> None:
    world = acme()
    for _ in range(3):
        replies(world, asks(world))
    days = {"--from": "2026-01-01", "--to": "2040-01-01", "--by": "agent", "--account": str(world.account_id)}
    told = CliRunner().invoke(main, ["metrics", "messages_outgoing", *sum(days.items(), ()), "--json"])
    assert told.exit_code == 0, told.output
    where = read.table(read.current(folder(), world.account_id), "accounts")[0]["timezone"]
    window = (datetime(year, 1, 1, tzinfo=zone(where)) for year in (2026, 2040))
    query = Query("messages_outgoing", *window, by="agent", timezone=where)
    rows = read.answer(read.current(folder(), world.account_id), query).rows
    assert json.loads(told.output) == {"metric": "messages_outgoing", "unit": "messages", "rows": rows}
    assert [row["n"] for row in rows] == [3]


# -- the story


def _beside(story: Story) -> None:
    """What lies in no conversation, or is Captain's work: presence, the help center, drafts."""
    for number, agent in enumerate((7, 8, 7, 9)):
        story.presence(number * DAY, agent, "online")
        story.presence(number * DAY + 7 * 3600, agent, "offline")
    for name, more in (
        ("article.viewed", {"article_id": 4}),
        ("article.voted", {"article_id": 4, "is_helpful": True}),
        ("article.searched", {"portal_id": 1, "locale": "ru", "hits": 0}),
        ("captain.declined", {"portal_id": 1, "confidence": 0.1}),
    ):
        story.tell(name, DAY, "reader", more)
    for number in range(5):
        talk = story.talk(number * DAY, inbox_id=2, assignee_id=7, team_id=2, labels=["возврат"]).customer(number * DAY)
        draft = {"draft_id": number, "message_id": talk.facts["conversation_id"] * 1000 + 1, "confidence": 0.9}
        talk.tell("captain.drafted", number * DAY + 5, "captain", **draft)
        decided = ("accepted", "edited", "rejected")[number % 3]
        talk.tell(f"captain.draft_{decided}", number * DAY + 60, "user:7", **draft, edit_distance=0.2)
        talk.tell("captain.abstained", number * DAY + 90, "captain", message_id=1, confidence=0.1, reason="money")


# -- pages


def _walk(
    marts: Path, filters: dict[str, Any], role: str = "administrator", user: int = 1, **address: str
) -> Counter[str]:
    """How many numbers of which kind all pages showed, each of them as it was answered."""
    page = AppTest.from_file(str(APP), default_timeout=120)
    for name, value in (PRESENT | address).items():
        page.query_params[name] = value
    page.query_params["token"] = token(account_id=ACME, timezone=ZONE, role=role, user_id=user)
    page.run()
    shown: Counter[str] = Counter()
    for name in PAGES if role == "administrator" else PAGES[:-1]:
        page.switch_page(f"boards/{name}.py").run()
        assert not page.exception, name
        plain = name == "help"
        shown["cards"] += _cards(page, marts, filters, plain)
        shown["cells"] += _tables(page, marts, {} if plain else filters)
        shown["points"] += _charts(page, marts, {} if plain else filters)
    return shown


def _cards(page: AppTest, marts: Path, filters: dict[str, Any], plain: bool) -> int:
    titles = {metric.title.ru: name for name, metric in METRICS.items()}
    for card in page.metric:
        metric = titles[card.label]
        # the help center's readers have no inbox, team or label
        its = {} if plain or metric.startswith("help_") else filters
        rows = read.answer(marts, _query(metric, None, its)).rows
        assert card.value == _written(metric, rows[0] if rows else None), (metric, filters)
    return len(page.metric)


def _written(metric: str, row: dict[str, Any] | None) -> str:
    kind = METRICS[metric].kind
    if row is None:
        return "0" if kind in (Kind.COUNT, Kind.STOCK) else "нет данных"
    if kind == Kind.SPAN:
        return look.duration(row["p50"], "ru")
    return (look.percent if kind in (Kind.RATIO, Kind.SHARE) else look.number)(row["value"], "ru")


def _tables(page: AppTest, marts: Path, filters: dict[str, Any]) -> int:
    """Each line of a table is a group of the answers: the same numbers beside each other, none too many, none too few."""
    cells = 0
    for table in page.dataframe:
        by, *columns = table.value.columns
        metrics = [column for column in columns if column in METRICS]
        answers = {
            m: {row[by]: _value(m, row) for row in read.answer(marts, _query(m, by, filters)).rows} for m in metrics
        }
        groups = {group for answered in answers.values() for group in answered}
        expected = Counter(tuple(answers[m].get(group) for m in metrics) for group in groups)
        lines = table.value[metrics].to_dict("records")
        assert Counter(tuple(_cell(line[m]) for m in metrics) for line in lines) == expected, (by, filters)
        cells += len(lines) * len(metrics)
    return cells


def _value(metric: str, row: dict[str, Any]) -> float:
    return float(row["p50"] if METRICS[metric].kind == Kind.SPAN else row["value"])


def _cell(value: float) -> float | None:
    return None if math.isnan(value) else value


def _charts(page: AppTest, marts: Path, filters: dict[str, Any]) -> int:
    points = 0
    for chart in page.get("echarts_chart"):
        metric = chart.proto.id.partition("chart_")[2]
        if metric not in METRICS:
            continue
        its = {} if metric.startswith("help_") else filters
        rows = {row["day"]: row for row in read.answer(marts, _query(metric, "day", its)).rows}
        option = json.loads(chart.proto.spec)
        days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
        assert [axis["data"] for axis in option["xAxis"]] == [[f"{day:%d.%m}" for day in days]] * 2
        expected = _drawn(metric, [rows.get(str(day)) for day in days])
        columns, *drawn = option["series"]
        # what is said of a day that is pointed at, and what is drawn
        assert [column[2:] for column in columns["data"]] == [
            _told(metric, list(of)) for of in zip(*expected, strict=True)
        ]
        for series, values in zip(drawn, expected, strict=True):
            assert series["data"] == values, (metric, filters)
            points += len(days)
    return points


def _told(metric: str, values: list[float | None]) -> list[str]:
    form = "#,##0" if METRICS[metric].kind in (Kind.COUNT, Kind.STOCK) else "#,##0.0"
    return ["—" if value is None else format_decimal(value, form, locale="ru") for value in values]


def _drawn(metric: str, rows: list[dict[str, Any] | None]) -> list[list[float | None]]:
    kind = METRICS[metric].kind
    if kind == Kind.SPAN:
        _unit, seconds = look.scale(max(row["p90"] for row in rows if row))
        return [[row[name] / seconds if row else None for row in rows] for name in ("p50", "p90")]
    if kind in (Kind.RATIO, Kind.SHARE):
        return [[row["value"] * 100 if row else None for row in rows]]
    return [[row["value"] if row else 0 for row in rows]]


def _query(metric: str, by: str | None, filters: dict[str, Any]) -> Query:
    midnight = partial(datetime.combine, time=time(), tzinfo=zone(ZONE))
    return Query(metric, midnight(FIRST), midnight(LAST + timedelta(days=1)), by, ZONE, **filters)


# -- exports


def _without_names(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An export names nobody."""
    return [{key: value for key, value in row.items() if not key.endswith("_name")} for row in rows]


def _sql_of_a_notebook(out: Path, marts: Path) -> None:
    """What a notebook counts in SQL over the tables of its export, for every metric of spans, ratios and counts."""
    from notebooks import exported

    tables = exported.opened(out)
    midnight = {name: datetime.combine(day, time(), zone(ZONE)) for name, day in
                (("since", FIRST), ("until", LAST + timedelta(days=1)))}  # fmt: skip
    now = datetime.now(zone(ZONE))
    micro = {name: round(moment.timestamp() * 1e6) for name, moment in (midnight | {"now": now}).items()}
    asked = ", ".join(f"{value} as {name}_us" for name, value in micro.items())
    tables.execute(f"create temp table asked as select {asked}")
    for metric in METRICS.values():
        if metric.kind not in (Kind.SPAN, Kind.RATIO, Kind.COUNT):
            continue
        more = {Kind.SPAN: "sum(span_us)", Kind.RATIO: "count(*) filter (where is_hit)"}.get(metric.kind, "count(*)")
        (found,) = tables.execute(
            f"select count(*), {more} from ({metric.sql}) cross join asked"
            " where dated_us >= asked.since_us and dated_us < asked.until_us"
        ).fetchall()
        rows = read.answer(marts, _query(metric.name, None, {})).rows
        n = rows[0]["n"] if rows else 0
        assert found[0] == n, metric.name
        if metric.kind == Kind.SPAN and n:
            assert found[1] / (n * 1e6) == rows[0]["mean"], metric.name
        if metric.kind == Kind.RATIO and n:
            assert found[1] / n == rows[0]["value"], metric.name
