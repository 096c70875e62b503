"""The screens of calendars and promises, through the door."""

import pytest

from app.calendars.models import Calendar
from app.calendars.queries import calendars, latest
from app.conversations.queries import locked
from app.database import session, transaction
from app.inboxes.models import Inbox
from app.sla.queries import policies
from app.users.actions import make_team
from app.users.models import Team
from tests.entering import signed_in
from tests.world import World, acme, asks, conversation_of, everyone_reads

DAYS = {f"day_{n}": "" for n in range(1, 8)}
WEEK = DAYS | {"day_1": "09:00–13:00, 14:00–18:00", "day_7": "22:00–06:00"}
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def world(database: None) -> World:
    return acme()


def test_an_administrator_makes_a_calendar_and_gives_it_to_a_channel_and_a_team(world: World) -> None:
    client = signed_in(world.ada, world)
    with transaction(world.account_id):
        team = make_team(world.account_id, "ночь", by="system")
    form = {"name": "Лавка", "timezone": "Asia/Bishkek", "holidays": "2027-01-01 Новый год", **WEEK}
    answer = client.post(
        "/settings/calendars", data={**form, "inboxes": world.inbox.id, "teams": team.id}, headers=SAME
    )
    assert answer.status_code == 303
    [found] = _calendars(world)
    with transaction(world.account_id):
        version = latest(found)
        # the night of Sunday ends on Monday
        assert version.week[0] == [["00:00", "06:00"], ["09:00", "13:00"], ["14:00", "18:00"]]
        assert version.holidays == ["2027-01-01"]
        inbox = session().get_one(Inbox, (world.account_id, world.inbox.id))
        assert (inbox.calendar_id, session().get_one(Team, (team.account_id, team.id)).calendar_id) == (found.id,) * 2
    page = client.get(f"/settings/calendars/{found.id}").text
    assert "22:00–06:00" in page
    assert "1 января 2027" in page
    assert "2027-01-01" not in page, "as the reader's language writes dates"
    assert "09:00–13:00, 14:00–18:00" in client.get("/settings/calendars").text
    client.post(f"/settings/calendars/{found.id}", data={**form, "name": "Лавка"}, headers=SAME)
    with transaction(world.account_id):
        assert session().get_one(Inbox, (world.account_id, world.inbox.id)).calendar_id is None


def test_what_cannot_be_read_is_shown_again_with_the_reason(world: World) -> None:
    client = signed_in(world.ada, world)
    form = {"name": "Лавка", "timezone": "Asia/Bishkek", **DAYS, "day_2": "с утра"}
    answer = client.post("/settings/calendars", data=form, headers=SAME)
    assert answer.status_code == 422
    assert "с утра" in answer.text
    assert _calendars(world) == []


def test_a_country_s_holidays_are_offered_before_anything_is_kept(world: World) -> None:
    client = signed_in(world.ada, world)
    form = {"name": "Лавка", "timezone": "Asia/Bishkek", "holidays": "2027-08-31 Наш день", **DAYS}
    answer = client.post(
        "/settings/calendars", data={**form, "add": "1", "country": "RU", "year": "2027"}, headers=SAME
    )
    assert answer.status_code == 200
    assert "9 мая 2027 День Победы" in answer.text
    assert "31 августа 2027 Наш день" in answer.text
    assert _calendars(world) == []
    # what is shown can be sent back
    shown = answer.text[answer.text.index('name="holidays"') :].split(">", 1)[1].split("</textarea>")[0]
    assert client.post("/settings/calendars", data={**form, "holidays": shown}, headers=SAME).status_code == 303
    [calendar] = _calendars(world)
    with transaction(world.account_id):
        kept = latest(calendar).holidays
    assert {"2027-05-09", "2027-08-31"} <= set(kept)


def test_agents_may_not_change_hours_or_promises(world: World) -> None:
    client = signed_in(world.bo, world)
    for address in ("/settings/calendars", "/settings/calendars/new", "/settings/sla", "/settings/sla/new"):
        assert client.get(address).status_code == 403


def test_an_administrator_makes_a_policy_and_an_agent_chooses_it_for_a_conversation(world: World) -> None:
    client = signed_in(world.ada, world)
    form = {"name": "VIP", "first_response_seconds": "15", "first_response_seconds_unit": "minutes"}
    form |= {
        "resolution_seconds": "2",
        "resolution_seconds_unit": "days",
        "is_business_time": "on",
        "pause_while": "pending",
    }
    assert client.post("/settings/sla", data=form, headers=SAME).status_code == 303
    with transaction(world.account_id):
        [found] = policies(world.account_id)
    assert (found.first_response_seconds, found.next_response_seconds, found.resolution_seconds) == (900, None, 172_800)
    assert (found.is_business_time, found.pause_while) == (True, ["pending"])
    assert "VIP" in client.get("/settings/sla").text
    assert 'value="15"' in client.get(f"/settings/sla/{found.id}").text
    asked = asks(world)
    everyone_reads(world)
    agent = signed_in(world.bo, world)
    assert agent.post("/conversations/1/sla", data={"sla_policy_id": found.id}, headers=SAME).status_code == 303
    everyone_reads(world)
    assert conversation_of(asked).sla_due_at is not None
    assert "VIP" in agent.get("/conversations/1/side").text
    agent.post("/conversations/1/sla", data={"sla_policy_id": ""}, headers=SAME)
    everyone_reads(world)
    assert conversation_of(asked).sla_due_at is None


def test_a_policy_that_promises_nothing_is_refused(world: World) -> None:
    client = signed_in(world.ada, world)
    assert client.post("/settings/sla", data={"name": "Пустая"}, headers=SAME).status_code == 422


def test_the_list_shows_what_is_due_first_and_what_was_missed(world: World) -> None:
    client = signed_in(world.ada, world)
    client.post(
        "/settings/sla", data={"name": "VIP", "resolution_seconds": "2", "inboxes": world.inbox.id}, headers=SAME
    )
    for who in ("mika", "nora"):
        asks(world, who=who)
    everyone_reads(world)
    with transaction(world.account_id):
        late = locked(world.account_id, 1)
        assert late.sla_due_at is not None
        late.sla_missed_at, late.sla_due_at = late.sla_due_at, None
    shown = client.get("/conversations?sort=due").text
    assert 'id="conversation_2"' in shown
    assert 'id="conversation_1"' not in shown
    shown = client.get("/conversations?sla=missed").text
    assert 'id="conversation_1"' in shown
    assert 'id="conversation_2"' not in shown
    assert 'id="conversation_1"' not in client.get("/conversations?policy=999").text


# -- below


def _calendars(world: World) -> list[Calendar]:
    with transaction(world.account_id):
        return calendars(world.account_id)
