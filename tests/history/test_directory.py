"""What an import makes of calendars, policies, inboxes, teams, and what the terminal says."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.calendars import queries as calendars
from app.cli import main
from app.consumers import TIMERS
from app.database import across_accounts, transaction
from app.timers import fire_due
from app.users import actions
from app.users import queries as people
from app.users.models import Role, User
from tests.history.past import DIRECTORY, WEEK, conversation, events, file, imports, rows, says, whole
from tests.world import acme

pytestmark = pytest.mark.usefixtures("database")


def test_a_calendar_line_with_another_since_is_a_new_version_also_when_it_is_earlier() -> None:
    world = acme()
    imports(world.account_id, whole())
    earlier = {**DIRECTORY[3], "since": "2024-06-01T00:00:00+06:00", "holidays": ["2026-03-02", "2026-01-01"]}
    later = {**DIRECTORY[3], "since": "2026-06-01T00:00:00Z", "week": [[["00:00", "24:00"]]] * 7}
    outcome, refused = imports(world.account_id, earlier, later, directory=False)
    assert refused == {}
    assert outcome.made == {"calendar": 2}
    with transaction(world.account_id):
        [calendar] = [each for each in calendars.calendars(world.account_id) if each.external_id == "c1"]
        told = calendars.versions(calendar)
    assert [version.since for version in told] == [
        datetime(2025, 1, 1, tzinfo=UTC), datetime(2024, 5, 31, 18, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC),
    ]  # fmt: skip
    assert told[1].holidays == ["2026-01-01", "2026-03-02"]
    versioned = [event.data for event in events(world.account_id, "calendar.versioned")]
    assert [data["version"] for data in versioned] == [1, 2, 3]
    assert versioned[0]["week"] == WEEK
    again, _refused = imports(world.account_id, earlier, later, directory=False)
    assert again.made == {}


def test_who_was_removed_is_not_brought_back_by_a_history_and_has_nothing_to_do_in_it() -> None:
    world = acme()
    with across_accounts() as current:
        ada = current.get_one(User, world.ada.id)
        account = people.accounts_of(ada.id)[0][0]
        marat = actions.invite(account, "marat@example.org", "Марат Осмонов", Role.ADMINISTRATOR, by=ada)
    with transaction(world.account_id):
        actions.remove_agent(people.agent(world.account_id, marat.id)[1], by=world.ada.actor)
    while fire_due(TIMERS):
        pass
    for _ in range(2):
        outcome, refused = imports(world.account_id, whole())
        assert refused == {}
        while fire_due(TIMERS):
            pass
        with transaction(world.account_id):
            assert people.membership(world.account_id, marat.id) is None
            assert marat.id not in set().union(*people.team_members(world.account_id).values())
        [open_one] = rows(world.account_id, "select status, assignee_id from conversation where external_id = 'v1'")
        assert (open_one.status, open_one.assignee_id) == ("open", None)
    [wrote] = rows(world.account_id, "select sender_id from message where external_id = 'v1m4'")
    assert wrote.sender_id == marat.id
    assert "agent" not in outcome.made


def test_an_inbox_has_its_calendar_from_the_beginning_of_time() -> None:
    world = acme()
    imports(world.account_id, whole())
    [assigned] = events(world.account_id, "calendar.assigned")
    assert assigned.occurred_at.year == 1970
    assert assigned.data["inbox_id"] == rows(world.account_id, "select id from inbox where external_id = 'i1'")[0].id
    assert assigned.data["team_id"] is None


def test_a_policy_is_told_as_it_was_from_the_beginning() -> None:
    world = acme()
    imports(world.account_id, whole())
    [told] = events(world.account_id, "sla_policy.versioned")
    assert told.occurred_at.year == 1970
    assert told.data["targets"] == {
        "first_response_seconds": 3600,
        "next_response_seconds": 7200,
        "resolution_seconds": 86400,
        "is_business_time": True,
        "pause_while": ["pending", "snoozed"],
    }


def test_a_policy_or_calendar_that_only_has_the_same_name_is_another_one() -> None:
    world = acme()
    imports(world.account_id, whole())
    policy = {**DIRECTORY[5], "external_id": "s2", "first_response_seconds": 60}
    calendar = {**DIRECTORY[3], "external_id": "c2"}
    outcome, refused = imports(world.account_id, policy, calendar, directory=False)
    assert refused == {}
    assert outcome.made == {"sla_policy": 1, "calendar": 1}
    assert [row.name for row in rows(world.account_id, "select name from sla_policy order by id")] == [
        "Обычная", "Обычная (s2)"
    ]  # fmt: skip


def test_an_inbox_of_the_same_name_and_channel_is_the_same() -> None:
    world = acme()
    inbox = {"kind": "inbox", "external_id": "site", "name": world.inbox.name, "channel": "website"}
    outcome, refused = imports(world.account_id, inbox, conversation(says(0, "m1", "contact"), inbox="site"))
    assert refused == {}
    assert "inbox" in outcome.made  # the one of the directory
    assert rows(world.account_id, "select inbox_id from message") == [(world.inbox.id,)]


def test_nobody_is_invited() -> None:
    world = acme()
    before = len(rows(world.account_id, "select from delivery where kind = 'mail'"))
    imports(world.account_id)
    assert len(rows(world.account_id, "select from delivery where kind = 'mail'")) == before
    assert rows(world.account_id, "select role from account_user where external_id = 'a2'") == [("administrator",)]


def test_the_terminal_says_what_became_of_it(tmp_path: Path) -> None:
    world = acme()
    path = tmp_path / "past.jsonl"
    path.write_bytes(b"".join(file(whole())))
    said = CliRunner().invoke(main, ["history", "import", str(path), "--account", str(world.account_id)])
    assert said.exit_code == 0, said.output
    assert "conversation 1" in said.output
    path.write_bytes(b"".join([*file(whole()), b"{}\n", *file(whole("v2"), directory=False)]))
    said = CliRunner().invoke(main, ["history", "import", str(path), "--account", str(world.account_id)])
    assert said.exit_code == 1
    assert f"past.jsonl:{len(DIRECTORY) + 2}: " in said.output
    assert "conversation 1" in said.output
    missing = CliRunner().invoke(main, ["history", "import", str(path), "--account", "999"])
    assert missing.exit_code == 1
    assert json.dumps("999") not in missing.output
