"""An inbox is changed by the API as in the workspace: its hours are its calendar's."""

from typing import Any

import pytest

from app.calendars import queries as calendar_queries
from app.calendars.actions import assign, create_calendar
from app.database import session, transaction
from app.events import log
from app.inboxes import queries as inbox_queries
from app.inboxes.models import Inbox
from app.users.actions import make_team
from tests.api import shapes
from tests.api.cast import Asking, World
from tests.api.shapes import fits

BREAKS = [[["09:00", "13:00"], ["14:00", "18:00"]]] * 5 + [[], [["00:00", "24:00"]]]


def hours(day: int, opens: tuple[int, int] | None, closes: tuple[int, int] = (0, 0), **more: Any) -> dict[str, Any]:
    """One day as Chatwoot's own pages send it; `opens` None for a day off."""
    clock = {"open_hour": None, "open_minutes": None, "close_hour": None, "close_minutes": None}
    if opens:
        clock = {"open_hour": opens[0], "open_minutes": opens[1], "close_hour": closes[0], "close_minutes": closes[1]}
    return {"day_of_week": day, "closed_all_day": opens is None, "open_all_day": False, **clock, **more}


def week_of(world: World) -> tuple[str, Any] | None:
    with transaction(world.acme.id):
        inbox = session().get_one(Inbox, (world.acme.id, world.site.id))
        if inbox.calendar_id is None:
            return None
        version = calendar_queries.in_force(world.acme.id, {inbox.calendar_id})[inbox.calendar_id]
        return version.timezone, version.week


def works_by(world: World, *, is_shared: bool = False) -> int:
    with transaction(world.acme.id):
        inbox = session().get_one(Inbox, (world.acme.id, world.site.id))
        made = create_calendar(world.acme.id, "Обед", by="system", timezone="Asia/Bishkek", week=BREAKS,
                               holidays=["2027-01-01"])  # fmt: skip
        assign(inbox, made, by="system")
        if is_shared:
            team = make_team(world.acme.id, "ночные", by="system")
            session().flush()
            assign(team, made, by="system")
        return made.id


def test_hours_that_are_sent_are_the_calendars_and_told_back(ada: Asking, world: World) -> None:
    week = [hours(0, None), *[hours(day, (10, 30), (19, 0)) for day in range(1, 6)], hours(6, (0, 0), (23, 59))]
    sent = {"working_hours_enabled": True, "timezone": "Asia/Bishkek", "working_hours": week}
    told = fits(shapes.Inbox, ada.patch(f"inboxes/{world.site.id}", sent))
    assert told["working_hours_enabled"] is True
    assert told["working_hours"][1] == week[1]
    assert told["working_hours"][6]["open_all_day"] is True
    assert week_of(world) == ("Asia/Bishkek", [[["10:30", "19:00"]]] * 5 + [[["00:00", "24:00"]], []])
    with transaction(world.acme.id):
        assert log.read(world.acme.id, 0, 1000, names=["calendar.versioned"])[-1].data["timezone"] == "Asia/Bishkek"


def test_a_day_sent_back_as_it_was_told_keeps_its_breaks(ada: Asking, world: World) -> None:
    calendar_id = works_by(world)
    told = ada.get(f"inboxes/{world.site.id}").get_json()["working_hours"]
    ada.patch(f"inboxes/{world.site.id}", {"working_hours": [*told[:5], hours(5, (9, 0), (15, 0)), told[6]]})
    assert week_of(world) == ("Asia/Bishkek", [*BREAKS[:4], [["09:00", "15:00"]], *BREAKS[5:]])
    with transaction(world.acme.id):
        same = calendar_queries.calendar(world.acme.id, calendar_id)
        assert [version.holidays for version in calendar_queries.versions(same)] == [["2027-01-01"]] * 2


def test_a_calendar_that_a_team_works_by_too_is_left_to_the_team(ada: Asking, world: World) -> None:
    calendar_id = works_by(world, is_shared=True)
    ada.patch(f"inboxes/{world.site.id}", {"working_hours": [hours(1, (8, 0), (12, 0))]})
    assert week_of(world) == ("Asia/Bishkek", [[["08:00", "12:00"]], *BREAKS[1:]])
    with transaction(world.acme.id):
        left = calendar_queries.calendar(world.acme.id, calendar_id)
        assert calendar_queries.latest(left).week == BREAKS


def test_hours_can_be_switched_off_and_the_rest_is_changed_beside_them(ada: Asking, world: World) -> None:
    works_by(world)
    sent = {
        "working_hours_enabled": False,
        "name": "Магазин",
        "greeting_enabled": True,
        "greeting_message": "Здравствуйте",
    }
    told = fits(shapes.Inbox, ada.patch(f"inboxes/{world.site.id}", sent))
    assert (told["name"], told["greeting_message"], told["working_hours_enabled"]) == ("Магазин", "Здравствуйте", False)
    assert week_of(world) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"working_hours": "always"},
        {"working_hours": [hours(7, None)]},
        {"working_hours": ["monday"]},
        {"working_hours": [hours(1, (25, 0), (26, 0))]},
        {"working_hours": [hours(1, (9, 0), (8, 0))], "working_hours_enabled": True},
        {"timezone": "Mars/Olympus", "working_hours_enabled": True},
        {"name": ""},
    ],
)
def test_what_makes_no_sense_changes_nothing(ada: Asking, world: World, wrong: dict[str, Any]) -> None:
    before = ada.get(f"inboxes/{world.site.id}").get_json()
    refused = ada.patch(f"inboxes/{world.site.id}", {"greeting_message": "!", **wrong})
    assert refused.status_code == 422
    assert ada.get(f"inboxes/{world.site.id}").get_json() == before


def test_only_administrators_change_an_inbox(bo: Asking, eve: Asking, world: World) -> None:
    assert bo.patch(f"inboxes/{world.site.id}", {"name": "Мой"}).status_code in {401, 403}
    assert eve.patch(f"inboxes/{world.site.id}", {"name": "Мой"}).status_code == 404


def test_members_are_added_set_and_removed_and_the_workspace_shows_the_same(ada: Asking, world: World) -> None:
    to = {"inbox_id": world.api.id}
    assert _names(ada.patch("inbox_members", to | {"user_ids": []})) == []
    assert _names(ada.post("inbox_members", to | {"user_ids": [world.bo.id]})) == ["Bo"]
    assert _names(ada.post("inbox_members", to | {"user_ids": [world.ada.id]})) == ["Bo", "Ада"]
    assert _names(ada.patch("inbox_members", {"inbox_id": str(world.api.id), "user_ids": [world.ada.id]})) == ["Ада"]
    with transaction(world.acme.id):
        assert inbox_queries.member_ids(world.acme.id, world.api.id) == {world.ada.id}
        told = log.read(world.acme.id, 0, 1000, names=["inbox.members_changed"])[-3:]
        assert [(event.actor, event.data["added"], event.data["removed"]) for event in told] == [
            (world.ada.actor, [world.bo.id], []),
            (world.ada.actor, [world.ada.id], []),
            (world.ada.actor, [], [world.bo.id]),
        ]
    answer = ada.delete("inbox_members", json=to | {"user_ids": [world.ada.id]})
    assert (answer.status_code, answer.data) == (200, b"")
    assert _names(ada.get(f"inbox_members/{world.api.id}")) == []


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_members_that_cannot_be_are_refused_and_nothing_changes(ada: Asking, world: World, method: str) -> None:
    """Among them a list that is missing: it must not empty the inbox."""
    ada.patch("inbox_members", {"inbox_id": world.api.id, "user_ids": [world.bo.id]})
    for sent in ({}, {"user_ids": [world.bo.id, world.eve.id]}, {"user_ids": ["x"]}):
        answer = ada.call(method, "inbox_members", json={"inbox_id": world.api.id} | sent)
        assert answer.status_code == 422
        assert answer.json["attributes"] == ["user_ids"]
    assert ada.call(method, "inbox_members", json={"user_ids": [world.bo.id]}).status_code == 404
    assert ada.call(method, "inbox_members", json={"inbox_id": 999_999, "user_ids": []}).status_code == 404
    assert _names(ada.get(f"inbox_members/{world.api.id}")) == ["Bo"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_only_administrators_of_the_account_say_who_answers(
    ada: Asking, bo: Asking, eve: Asking, world: World, method: str
) -> None:
    sent = {"inbox_id": world.site.id, "user_ids": [world.bo.id]}
    before = _names(ada.get(f"inbox_members/{world.site.id}"))
    assert bo.call(method, "inbox_members", json=sent).status_code == 401
    assert eve.call(method, "inbox_members", json=sent).status_code == 404
    assert _names(ada.get(f"inbox_members/{world.site.id}")) == before


def _names(answer: Any) -> list[str]:
    return [agent["name"] for agent in fits(shapes.Agents, answer)["payload"]]
