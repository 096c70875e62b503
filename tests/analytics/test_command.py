"""What the command line answers, refuses and exports."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from analytics.command import export_command, metrics_command
from analytics.dictionary import COLUMNS, PERSONAL, TABLES
from analytics.errors import Refused
from analytics.lake import account
from analytics.metrics import METRICS
from analytics.read import table
from tests.analytics.story import ACCOUNT, HOUR, Story, ask

MARCH = {"since": "2026-03-02", "until": "2026-04-01"}


@pytest.fixture
def story(lake: Path) -> Story:
    """An account in Moscow, with names that a spreadsheet would take for formulas."""
    story = Story()
    talk = story.talk(0, assignee_id=7).customer(0).label(10, "=cmd|' /C calc'!A0", "спасибо;=1+1", "-").agent(300)
    talk.promise(600).resolve(600).ask(601, 1).rate(700, 5, 1)
    story.policy(resolution=HOUR)
    story.talk(9.5 * HOUR)
    home = account(lake, ACCOUNT)
    with home.writing():
        small = {
            "accounts": [{"account_id": 1, "name": "Acme", "timezone": "Europe/Moscow", "locale": "ru"}],
            "agents": [{"agent_id": 7, "role": "agent", "name": "Марат Осмонов"}],
            "inboxes": [{"inbox_id": 1, "name": "@Сайт", "channel": "website", "timezone": "Europe/Moscow"}],
        }
        for name, rows in small.items():
            pl.DataFrame(rows).write_parquet(home.tables / f"{name}.parquet")
    story.build(lake)
    return story


def test_an_answer_is_json_with_metric_unit_and_rows(story: Story, lake: Path) -> None:
    said = metrics_command(lake, ACCOUNT, "first_response_human", **MARCH)
    row = {"n": 1, "mean": 300.0, "p50": 300.0, "p90": 300.0, "value": 300.0}
    assert json.loads(json.dumps(said)) == {"metric": "first_response_human", "unit": "seconds", "rows": [row]}


def test_days_without_a_zone_are_the_accounts(story: Story, lake: Path) -> None:
    days = metrics_command(lake, ACCOUNT, "conversations", **MARCH, by="day")["rows"]
    assert [(row["day"], row["n"]) for row in days] == [("2026-03-02", 1), ("2026-03-03", 1)]
    tomorrow = metrics_command(lake, ACCOUNT, "conversations", since="2026-03-03", until="2026-03-04")["rows"]
    assert [row["n"] for row in tomorrow] == [1]
    noon = metrics_command(lake, ACCOUNT, "conversations", since="2026-03-02T12:00Z", until="2026-03-02T12:00:01Z")[
        "rows"
    ]
    assert [row["n"] for row in noon] == [1]


def test_groups_can_be_channels(story: Story, lake: Path) -> None:
    rows = metrics_command(lake, ACCOUNT, "messages_outgoing", **MARCH, by="channel")["rows"]
    assert [(row["channel"], row["n"]) for row in rows] == [("website", 1)]


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ({"time": "working"}, "business"),
        ({"attribution": "now"}, "current"),
        ({"as_of": "yesterday"}, "no day or time"),
        ({"inbox": ("site",)}, "no inbox"),
        ({"inbox": (99,)}, "no inbox"),
        ({"why": True}, "--as-of"),
        ({"metric": "first_reponse"}, "first_response_human"),
        ({"by": "moon"}, "weekday_hour"),
        ({"by": "status"}, "cannot be grouped"),
        ({"since": "2026-13-01"}, "no day or time"),
        ({"since": "yesterday at noon"}, "no day or time"),
        ({"until": "2026-03-02"}, "empty"),
        ({"until": "2226-03-02"}, "30 years"),
        ({"timezone": "Mars/Olympus"}, "time zone"),
        ({"timezone": "../../etc/passwd"}, "time zone"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(
    story: Story, lake: Path, question: dict[str, str], word: str
) -> None:
    with pytest.raises(Refused) as refused:
        metrics_command(lake, ACCOUNT, **{"metric": "csat", **MARCH} | question)
    assert word in refused.value.english
    assert refused.value.russian != refused.value.english


def test_an_account_without_a_build_is_told_so(lake: Path) -> None:
    with pytest.raises(Refused):
        metrics_command(lake, 99, "csat", **MARCH)


def test_an_export_answers_like_the_build_it_came_from(story: Story, lake: Path) -> None:
    rows = export_command(lake, ACCOUNT, lake / "out")
    assert rows["events"] == len(story.events)
    for metric in METRICS:
        assert ask(lake / "out", metric) == ask(story.build(lake), metric)


def test_every_column_of_an_export_is_explained_in_both_languages(story: Story, lake: Path) -> None:
    export_command(lake, ACCOUNT, lake / "out")
    for file in (lake / "out").glob("*.parquet"):
        assert set(pl.read_parquet_schema(file)) <= set(COLUMNS), file.stem
        assert file.stem in TABLES
    words = [*TABLES.values(), *(column.words for column in COLUMNS.values())]
    assert all(word.en and word.ru and word.en != word.ru for word in words)
    readme = (lake / "out" / "README.md").read_text()
    assert "Первый ответ человека" in readme
    export_command(lake, ACCOUNT, lake / "english", locale="en")
    assert "First response by a person" in (lake / "english" / "README.md").read_text()


def test_an_export_names_no_person(story: Story, lake: Path) -> None:
    export_command(lake, ACCOUNT, lake / "out")
    assert PERSONAL == {"agents": ("name", "external_id")}
    for file in (lake / "out").rglob("*"):
        if file.suffix == ".csv":
            assert "Марат" not in file.read_text()
    assert "name" not in table(lake / "out", "agents")[0]


def test_a_spreadsheet_finds_no_formula_in_an_export(story: Story, lake: Path) -> None:
    export_command(lake, ACCOUNT, lake / "out")
    for file in (lake / "out" / "csv").glob("*.csv"):
        for separator in ",;\t":
            with open(file, encoding="utf-8-sig", newline="") as lines:
                cells = [cell for row in csv.reader(lines, delimiter=separator) for cell in row]
            # a number may be negative; nothing else may begin like a formula
            guilty = [cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and not cell.lstrip("-").isdigit()]
            assert guilty == [], file
    (inbox,) = sheet(lake / "out" / "csv" / "inboxes.csv")
    assert inbox["name"] == "'@Сайт"


def sheet(file: Path) -> list[dict[str, str]]:
    with open(file, encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def test_times_in_a_spreadsheet_are_times_and_spans_are_seconds(story: Story, lake: Path) -> None:
    export_command(lake, ACCOUNT, lake / "out")
    rows = sheet(lake / "out" / "csv" / "first_responses.csv")
    assert {row["span_seconds"] for row in rows} == {"300.0"}
    assert {row["started_at"] for row in rows} == {"2026-03-02T12:00:00.000000Z"}


def test_an_export_never_writes_among_other_files(story: Story, lake: Path) -> None:
    (lake / "out").mkdir()
    (lake / "out" / "thesis.doc").write_text("mine")
    with pytest.raises(Refused):
        export_command(lake, ACCOUNT, lake / "out")
    assert [file.name for file in (lake / "out").iterdir()] == ["thesis.doc"]


def test_an_account_in_which_nothing_has_happened_exports_empty_tables(lake: Path) -> None:
    Story().build(lake)
    rows = export_command(lake, ACCOUNT, lake / "out")
    assert set(rows.values()) == {0}
    assert metrics_command(lake, ACCOUNT, "backlog", **MARCH, by="day")["rows"] == []


def test_every_metric_is_explained_in_both_languages() -> None:
    for metric in METRICS.values():
        for words in (metric.title, metric.sentence, metric.exclusions):
            assert words.en
            assert words.ru
            assert words.en != words.ru
