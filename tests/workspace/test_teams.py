"""The screens of teams, through the door: made, changed, deleted, and what is said before."""

import pytest
from flask.testing import FlaskClient

from app.calendars.actions import assign as give_calendar
from app.calendars.actions import create_calendar
from app.consumers import TIMERS
from app.conversations import actions
from app.conversations.queries import locked
from app.database import session, transaction
from app.timers import fire_due
from app.users import queries
from app.users.actions import make_team, set_team_members
from app.users.models import Team
from tests.entering import signed_in
from tests.world import World, acme, asks, conversation_of, globex

SAME = {"Sec-Fetch-Site": "same-origin"}

pytestmark = pytest.mark.usefixtures("database", "valkey")


@pytest.fixture
def world() -> World:
    return acme()


@pytest.fixture
def ada(world: World) -> FlaskClient:
    return signed_in(world.ada, world)


def test_an_account_without_teams_is_told_when_one_is_worth_making(ada: FlaskClient) -> None:
    page = ada.get("/settings/teams").text
    assert "<table" not in page
    assert page.count('href="/settings/teams/new"') == 1


def test_an_administrator_makes_a_team_with_its_members(world: World, ada: FlaskClient) -> None:
    form = {"name": "Оплата", "description": "Чеки и возвраты"}
    answer = ada.post("/settings/teams", data=form | {"members": [world.bo.id, 10**6]}, headers=SAME)
    assert answer.status_code == 303
    [team] = _teams(world)
    assert (team.name, team.description) == ("оплата", "Чеки и возвраты")
    assert _members(team) == {world.bo.id}, "nobody who does not work here"
    page = ada.get("/settings/teams").text
    assert all(words in page for words in ("оплата", "Чеки и возвраты"))


def test_a_team_gets_another_name_and_other_people(world: World, ada: FlaskClient) -> None:
    team = _team(world, "оплата", world.bo.id)
    answer = ada.post(f"/settings/teams/{team.id}", data={"name": "Деньги", "members": world.ada.id}, headers=SAME)
    assert answer.status_code == 303
    [changed] = _teams(world)
    assert (changed.id, changed.name) == (team.id, "деньги")
    assert _members(team) == {world.ada.id}


@pytest.mark.parametrize("name", ["ОПЛАТА", "", "о" * 256])
def test_a_name_that_cannot_be_is_shown_again_with_the_reason_and_all_that_was_chosen(
    world: World, ada: FlaskClient, name: str
) -> None:
    _team(world, "оплата")
    form = {"name": name, "description": "Про деньги", "members": world.bo.id}
    answer = ada.post("/settings/teams", data=form, headers=SAME)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert 'id="name-error"' in answer.text
    assert 'value="Про деньги"' in answer.text
    assert f'value="{world.bo.id}" checked' in answer.text
    assert [team.name for team in _teams(world)] == ["оплата"]


def test_a_team_keeps_its_own_name_when_something_else_changes(world: World, ada: FlaskClient) -> None:
    team = _team(world, "оплата")
    form = {"name": "Оплата", "description": "Чеки"}
    assert ada.post(f"/settings/teams/{team.id}", data=form, headers=SAME).status_code == 303
    assert _teams(world)[0].description == "Чеки"


def test_before_a_team_goes_it_is_said_what_becomes_of_its_conversations(world: World, ada: FlaskClient) -> None:
    team = _team(world, "оплата")
    for who in ("mika", "lena"):
        _give(world, asks(world, who=who).conversation_id, team)
    done = asks(world, who="oleg").conversation_id
    _give(world, done, team)
    with transaction(world.account_id):
        actions.resolve(locked(world.account_id, done), by=world.ada.actor)
    page = ada.get(f"/settings/teams/{team.id}").text
    asked = page[page.index('id="deletion" popover') :]
    assert "2 " in asked.split("<form")[0], "the two that are not resolved"
    assert page.count(f'action="/settings/teams/{team.id}/deletion"') == 1, "no other way without the question"


def test_a_deleted_team_is_nowhere_to_be_chosen_and_its_conversations_and_threads_say_so(
    world: World, ada: FlaskClient
) -> None:
    team, asked = _team(world, "оплата", world.bo.id), asks(world)
    _give(world, asked.conversation_id, team)
    with transaction(world.account_id):
        hours = create_calendar(world.account_id, "Лавка", by="system", timezone="Asia/Bishkek")
        give_calendar(session().get_one(Team, (team.account_id, team.id)), hours, by="system")
    assert ada.post(f"/settings/teams/{team.id}/deletion", headers=SAME).status_code == 303
    fire_due(TIMERS)
    assert conversation_of(asked).team_id is None
    assert ada.get(f"/settings/teams/{team.id}").status_code == 404
    for page in ("/settings/teams", "/settings/calendars", "/settings/sla/new", "/settings/calendars/new"):
        assert "оплата" not in ada.get(page).text, page
    assert "оплата" not in ada.get("/conversations/1/side").text
    # the thread tells what was: to that team, and from it
    told = ada.get("/conversations/1").text
    assert "оплата" in told[told.index('class="activity') :]
    wanted = {"team_id": team.id}
    assert ada.post("/conversations/1/team", data=wanted, headers=SAME).status_code == 404


def test_agents_and_other_accounts_do_not_touch_teams(world: World) -> None:
    team = _team(world, "оплата", world.bo.id)
    far = globex()
    for who, place, status in ((world.bo, world, 403), (far.ada, far, 404)):
        client = signed_in(who, place)
        for path in (f"/settings/teams/{team.id}", f"/settings/teams/{team.id}/deletion"):
            assert client.post(path, data={"name": "чужая"}, headers=SAME).status_code == status
        assert client.get(f"/settings/teams/{team.id}").status_code == status
    assert signed_in(world.bo, world).get("/settings/teams").status_code == 403
    assert [found.name for found in _teams(world)] == ["оплата"]


def test_of_agents_and_teams_only_the_one_that_is_open_is_marked(ada: FlaskClient) -> None:
    for path in ("/settings/team", "/settings/teams", "/settings/teams/new"):
        page = ada.get(path).text
        place = path.removesuffix("/new")
        tabs = page[page.index('<nav class="tabs"') : page.index("</nav>", page.index('<nav class="tabs"'))]
        assert tabs.count("aria-current") == 1
        assert f'href="{place}" aria-current="page"' in tabs


def _team(world: World, name: str, *members: int) -> Team:
    with transaction(world.account_id):
        team = make_team(world.account_id, name, by=world.ada.actor)
        set_team_members(team, set(members), by=world.ada.actor)
        return team


def _give(world: World, conversation_id: int, team: Team) -> None:
    with transaction(world.account_id):
        actions.assign_team(locked(world.account_id, conversation_id), team, by=world.ada.actor)


def _teams(world: World) -> list[Team]:
    with transaction(world.account_id):
        return queries.teams(world.account_id)


def _members(team: Team) -> set[int]:
    with transaction(team.account_id):
        return queries.team_members(team.account_id).get(team.id, set())
