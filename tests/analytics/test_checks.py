"""A build that breaks a promise is never shown, and says which."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from analytics import build, checks
from analytics.lake import Problems, account
from analytics.read import current
from tests.analytics.story import ACCOUNT, DAY, Story, value


@pytest.fixture
def story() -> Story:
    story = Story()
    talk = story.talk(0).customer(0).agent(60).label(70, "возврат").resolve(100).ask(101, 1).rate(200, 5, 1)
    talk.reopen(300).promise(300).customer(350).agent(400).resolve(600)
    story.policy(following=100)
    return story


@pytest.fixture
def memory(story: Story, lake: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A sound build, to be spoiled."""
    story.build(lake)
    with build.connect(account(lake, ACCOUNT)) as memory:
        build.derive(memory, account(lake, ACCOUNT))
        yield memory


def test_a_sound_build_passes(memory: duckdb.DuckDBPyConnection, story: Story) -> None:
    assert checks.failures(memory, len(story.events)) == []


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("insert into messages from messages limit 1", "keys (seq) stand more than once"),
        ("delete from messages where direction = 'incoming'", "messages: 2 rows, but the log tells of 4"),
        (
            "insert into conversations select * replace (99 as conversation_id) from conversations",
            "conversations: 2 rows",
        ),
        ("update first_responses set span_us = -1", "span_us is negative in 2 rows"),
        ("update resolutions set reopened_us = 0", "reopened_us - resolved_us is negative"),
        ("update sla_targets set conversation_id = 99", "sla_targets: 1 rows belong to no conversation"),
        ("delete from backlog_changes", "backlog_changes: adds up to 0"),
        ("delete from surveys", "surveys: 0 rows"),
        ("update csat_answers set conversation_id = 99", "csat_answers: 1 rows belong to no conversation"),
    ],
)
def test_a_spoiled_mart_is_named(memory: duckdb.DuckDBPyConnection, story: Story, damage: str, sentence: str) -> None:
    if damage.startswith("delete from backlog"):
        memory.execute("update conversations_now set status = 'open'")
    memory.execute(damage)
    assert sentence in " ".join(checks.failures(memory, len(story.events)))


def test_a_log_that_lacks_its_end_is_named(memory: duckdb.DuckDBPyConnection, story: Story) -> None:
    assert "should hold events 1 to" in checks.failures(memory, len(story.events) + 1)[0]


def test_when_checks_fail_the_last_good_build_stays_and_the_reason_is_told(story: Story, lake: Path) -> None:
    good, home = story.build(lake), account(lake, ACCOUNT)
    # a conversation nobody created: its message belongs to nothing
    orphan = story.talk(500)
    story.events.pop()
    orphan.customer(500)
    with pytest.raises(AssertionError):
        story.build(lake)
    assert current(lake, ACCOUNT) == good
    problems = home.problems()
    assert isinstance(problems, Problems)
    assert "messages: 1 rows belong to no conversation" in problems.failures
    # the same log is not tried again and again; a longer one is, and good numbers take the warning away
    assert build.build(lake, ACCOUNT) is False


def test_a_build_is_made_once_for_the_same_log(story: Story, lake: Path) -> None:
    first = story.build(lake)
    assert build.build(lake, ACCOUNT) is False
    story.talk(5 * DAY)
    assert story.build(lake) != first
    assert value(current(lake, ACCOUNT), "conversations") == 2


def test_good_numbers_take_the_warning_away(story: Story, lake: Path) -> None:
    story.build(lake)
    home = account(lake, ACCOUNT)
    home.refuse(Problems(0, 0, "", ["something was wrong"]))
    story.talk(DAY)
    story.build(lake)
    assert home.problems() is None
