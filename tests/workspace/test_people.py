"""The screens of people, through the door: who works here, as what, and taking somebody off the account."""

import pytest
from flask.testing import FlaskClient

from app.consumers import TIMERS
from app.conversations import actions
from app.conversations.queries import locked
from app.database import across_accounts, transaction
from app.timers import fire_due
from app.users import queries
from app.users.actions import change_role, invite
from app.users.models import Role, User
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


def test_the_list_leads_to_each_person(world: World, ada: FlaskClient) -> None:
    page = ada.get("/settings/team").text
    for user in (world.ada, world.bo):
        assert f'href="/settings/team/{user.id}"' in page
        assert user.email in ada.get(f"/settings/team/{user.id}").text


def test_an_administrator_makes_another_and_takes_it_back(world: World, ada: FlaskClient) -> None:
    for role in (Role.ADMINISTRATOR, Role.AGENT):
        answer = ada.post(f"/settings/team/{world.bo.id}", data={"role": role}, headers=SAME)
        assert (answer.status_code, _role(world, world.bo)) == (303, role)
        assert f'value="{role}" selected' in ada.get(f"/settings/team/{world.bo.id}").text


def test_the_only_administrator_stays_one_and_nobody_removes_himself(world: World, ada: FlaskClient) -> None:
    mine = f"/settings/team/{world.ada.id}"
    page = ada.get(mine).text
    assert "disabled" in page
    assert f'action="{mine}/removal"' not in page
    for path in (mine, f"{mine}/removal"):
        answer = ada.post(path, data={"role": "agent"}, headers=SAME)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    assert _role(world, world.ada) == Role.ADMINISTRATOR
    with transaction(world.account_id):
        change_role(queries.agent(world.account_id, world.bo.id)[1], Role.ADMINISTRATOR, by="system")
    assert "disabled" not in ada.get(mine).text
    assert ada.post(f"{mine}/removal", headers=SAME).status_code == 422


def test_before_somebody_goes_it_is_said_what_becomes_of_his_conversations(world: World, ada: FlaskClient) -> None:
    for who in ("mika", "lena", "oleg"):
        asked = asks(world, who=who).conversation_id
        with transaction(world.account_id):
            actions.assign(locked(world.account_id, asked), world.bo.id, by=world.ada.actor)
    with transaction(world.account_id):
        actions.resolve(locked(world.account_id, asked), by=world.ada.actor)
    page = ada.get(f"/settings/team/{world.bo.id}").text
    said = page[page.index('id="removal" popover') :].split("<form")[0]
    assert " 2 " in said.replace("\u00a0", " "), "the two that are not resolved"
    assert "Bo" in said
    assert page.count(f'action="/settings/team/{world.bo.id}/removal"') == 1, "no other way without the question"


def test_who_was_removed_is_nowhere_to_be_chosen_and_the_thread_says_what_was(world: World, ada: FlaskClient) -> None:
    asked = asks(world)
    ada.post("/conversations/1/assignee", data={"assignee_id": world.bo.id}, headers=SAME)
    assert ada.post(f"/settings/team/{world.bo.id}/removal", headers=SAME).status_code == 303
    fire_due(TIMERS)
    assert conversation_of(asked).assignee_id is None
    assert ada.get(f"/settings/team/{world.bo.id}").status_code == 404
    for page in ("/settings/team", f"/settings/inboxes/{world.inbox.id}", "/settings/teams/new"):
        assert "bo@acme.example" not in ada.get(page).text, page
    thread = ada.get("/conversations/1").text
    assert f'name="assignee_id" value="{world.bo.id}"' not in thread
    assert "Bo" in thread[thread.index('class="activity') :]
    again = ada.post("/conversations/1/assignee", data={"assignee_id": world.bo.id}, headers=SAME)
    assert again.status_code == 422
    assert ada.post("/settings/team", data={"emails": "bo@acme.example"}, headers=SAME).status_code == 303
    assert _role(world, world.bo) == Role.AGENT, "he may be invited again"


def test_an_invitation_is_taken_back_in_words_of_its_own(world: World, ada: FlaskClient) -> None:
    with across_accounts() as current:
        account = queries.accounts_of(world.ada.id)[0][0]
        new = invite(account, "new@acme.example", "", Role.AGENT, by=current.get_one(User, world.ada.id))
    theirs, his = ada.get(f"/settings/team/{new.id}").text, ada.get(f"/settings/team/{world.bo.id}").text
    words = [page[page.index('id="removal" popover') :].split("<form")[0] for page in (theirs, his)]
    assert "new@acme.example" in words[0]
    assert words[0] != words[1]
    assert ada.post(f"/settings/team/{new.id}/removal", headers=SAME).status_code == 303
    assert "new@acme.example" not in ada.get("/settings/team").text


def test_agents_and_other_accounts_do_not_touch_people(world: World) -> None:
    far = globex()
    paths = [f"/settings/team/{world.bo.id}", f"/settings/team/{world.bo.id}/removal"]
    for who, place, status in ((world.bo, world, 403), (far.ada, far, 404)):
        client = signed_in(who, place)
        for path in paths:
            answer = client.post(path, data={"role": "administrator"}, headers=SAME)
            assert answer.status_code == status, (who.name, path)
        assert client.get(paths[0]).status_code == status
    assert _role(world, world.bo) == Role.AGENT


def _role(world: World, user: User) -> Role:
    with transaction(world.account_id):
        return queries.agent(world.account_id, user.id)[1].role
