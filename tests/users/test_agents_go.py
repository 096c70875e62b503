"""An agent is removed: what he loses at once, what his conversations lose, and what stays of him."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlmodel import SQLModel, col, select

from app import clock, queue
from app.api import door
from app.consumers import TIMERS
from app.conversations import actions, reactions
from app.conversations.queries import card, draft, line, locked, of_agent
from app.conversations.wire import conversation as told_as_json
from app.conversations.wire import message as message_as_json
from app.database import across_accounts, session, transaction
from app.errors import Invalid, NotFound
from app.events.log import Event
from app.inboxes.actions import set_members
from app.inboxes.models import Inbox
from app.inboxes.queries import member_ids, member_inbox_ids
from app.main import create_app
from app.presence.actions import beat
from app.timers import fire_due
from app.users import queries, tokens
from app.users.actions import (
    PLACES,
    change_role,
    invite,
    join,
    make_team,
    remove_agent,
    set_team_members,
    sign_in,
)
from app.users.models import AccountUser, Availability, Purpose, Role, User
from tests.entering import enter
from tests.world import PASSWORD, World, acme, asks, conversation_of, globex, replies

SITE = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def world() -> World:
    return acme()


def test_from_the_commit_on_he_is_nobody_there_and_what_he_had_begun_is_gone(world: World) -> None:
    asked = asks(world)
    with transaction(world.account_id):
        team = make_team(world.account_id, "оплата", by="system")
        set_team_members(team, {world.bo.id, world.ada.id}, by="system")
        actions.keep_draft(locked(world.account_id, asked.conversation_id), world.bo, "Здравств", is_private=False)
    _remove(world)
    with transaction(world.account_id):
        assert queries.membership(world.account_id, world.bo.id) is None
        assert [user.id for user, _member in queries.agents(world.account_id)] == [world.ada.id]
        with pytest.raises(NotFound):
            queries.agent(world.account_id, world.bo.id)
        assert queries.people(world.account_id, {world.bo.id}) == {}
        assert member_ids(world.account_id, world.inbox.id) == {world.ada.id}
        assert queries.team_members(world.account_id) == {team.id: {world.ada.id}}
        assert draft(locked(world.account_id, asked.conversation_id), world.bo.id, is_private=False) == ""
        told = session().exec(select(Event).where(col(Event.name) == "agent.removed")).one()
    assert (told.actor, told.data["user_id"]) == (world.ada.actor, world.bo.id)


def test_whatever_refers_to_an_agents_place_ends_with_it_or_is_history() -> None:
    refer = {
        table.name
        for table in SQLModel.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "account_user"
    }
    # the conversations lose him by events, his presence ends when his workspace falls silent
    assert refer == {*PLACES, "conversation", "agent_presence"}


def test_his_conversations_lose_him_a_few_at_a_time_and_those_of_others_do_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    his = [asks(world, who=f"visitor-{n}") for n in range(5)]
    for asked in his:
        _give(world, asked.conversation_id, world.bo)
    kept = asks(world, who="mika")
    _give(world, kept.conversation_id, world.ada)
    with transaction(world.account_id):
        actions.resolve(locked(world.account_id, his[0].conversation_id), by="system")
        assert len(of_agent(world.account_id, world.bo.id, 10, is_unresolved=True)) == 4
    monkeypatch.setattr(reactions, "LEAVING_AT_ONCE", 2)
    _remove(world)
    left = []
    while fire_due(TIMERS):
        with transaction(world.account_id):
            left.append(len(of_agent(world.account_id, world.bo.id, 10)))
    assert left == [3, 1, 0]
    assert conversation_of(kept).assignee_id == world.ada.id
    with transaction(world.account_id):
        lost = select(Event).where(
            col(Event.name) == "assignee.changed", col(Event.data)["assignee_id"].astext.is_(None)
        )
        told = session().exec(lost).all()
    assert {event.data["conversation_id"] for event in told} == {asked.conversation_id for asked in his}
    assert all((e.actor, e.data["assignee_change"]) == (world.ada.actor, [world.bo.id, None]) for e in told)


def test_nothing_is_given_to_an_agent_who_is_being_removed(world: World) -> None:
    asked = asks(world)
    outcomes: list[str] = []
    late = _late(lambda: _give(world, asked.conversation_id, world.bo), outcomes)
    with transaction(world.account_id):
        remove_agent(queries.agent(world.account_id, world.bo.id)[1], by=world.ada.actor)
        late.start()
        # it waits for us, or it has not come so far: either way it must find him gone
        late.join(0.3)
    late.join(20)
    assert outcomes == ["refused"]
    assert conversation_of(asked).assignee_id is None


def test_a_conversation_given_while_he_is_removed_loses_him_too(world: World) -> None:
    asked = asks(world)
    late = threading.Thread(target=_remove, args=(world,))
    with transaction(world.account_id):
        actions.assign(locked(world.account_id, asked.conversation_id), world.bo.id, by=world.ada.actor)
        late.start()
        late.join(0.3)
        assert late.is_alive(), "it waits for us"
    late.join(20)
    fire_due(TIMERS)
    assert conversation_of(asked).assignee_id is None


def test_he_is_not_put_into_an_inbox_or_team_again_by_a_form_that_was_open(world: World) -> None:
    with transaction(world.account_id):
        team = make_team(world.account_id, "оплата", by="system")
    _remove(world)
    with transaction(world.account_id) as current:
        set_members(
            current.get_one(Inbox, (world.account_id, world.inbox.id)), {world.ada.id, world.bo.id}, by="system"
        )
        set_team_members(queries.team(world.account_id, team.id), {world.ada.id, world.bo.id}, by="system")
        assert member_ids(world.account_id, world.inbox.id) == {world.ada.id}
        assert queries.team_members(world.account_id) == {team.id: {world.ada.id}}


def test_of_two_administrators_who_remove_each_other_one_stays(world: World) -> None:
    with transaction(world.account_id):
        change_role(queries.agent(world.account_id, world.bo.id)[1], Role.ADMINISTRATOR, by=world.ada.actor)
    outcomes: list[str] = []

    def remove(whom: User, by: User) -> None:
        try:
            _remove(world, whom, by)
            outcomes.append("removed")
        except Invalid:
            outcomes.append("refused")

    late = threading.Thread(target=remove, args=(world.ada, world.bo))
    with transaction(world.account_id):
        remove_agent(queries.agent(world.account_id, world.bo.id)[1], by=world.ada.actor)
        late.start()
        late.join(0.5)
        assert late.is_alive(), "it waits for us"
    late.join(20)
    assert outcomes == ["refused"]
    with transaction(world.account_id):
        assert queries.administrators(world.account_id) == 1


def test_nobody_removes_himself_and_the_last_administrator_stays_one(world: World) -> None:
    with pytest.raises(Invalid):
        _remove(world, world.ada, world.ada)
    with pytest.raises(Invalid):
        _remove(world, world.ada, world.bo)
    with pytest.raises(Invalid), transaction(world.account_id):
        change_role(queries.agent(world.account_id, world.ada.id)[1], Role.AGENT, by=world.ada.actor)


def test_of_two_who_remove_him_at_once_the_second_is_told_that_he_has_left(world: World) -> None:
    outcomes: list[str] = []
    late = _late(lambda: _remove(world), outcomes)
    with transaction(world.account_id):
        remove_agent(queries.agent(world.account_id, world.bo.id)[1], by=world.ada.actor)
        late.start()
        late.join(0.5)
        assert late.is_alive(), "it waits for us"
    late.join(20)
    assert outcomes == ["refused"]
    with transaction(world.account_id):
        told = session().exec(select(Event).where(col(Event.name) == "agent.removed")).all()
    assert len(told) == 1


def test_history_keeps_his_name_for_people_and_for_programs(world: World) -> None:
    asked = asks(world)
    said = replies(world, asked, "Уже едет.", by=world.bo)
    _remove(world)
    with transaction(world.account_id):
        found = locked(world.account_id, asked.conversation_id)
        sender = message_as_json(line(said), found)["sender"]
        last = told_as_json(card(found))["messages"][0]["sender"]
    assert (sender["name"], sender["availability_status"]) == ("Bo", "offline")
    assert last["name"] == "Bo"
    client = create_app().test_client()
    enter(client, world.ada, world)
    page = client.get("/conversations/1").text
    assert "Bo" in page[page.index('class="thread') :]


def test_who_comes_back_is_himself_and_in_no_inbox_of_his(world: World) -> None:
    asked = asks(world)
    replies(world, asked, by=world.bo)
    _give(world, asked.conversation_id, world.bo)
    _remove(world)
    with across_accounts() as current:
        account = queries.accounts_of(world.ada.id)[0][0]
        again = invite(account, "bo@acme.example", "", Role.ADMINISTRATOR, by=current.get_one(User, world.ada.id))
        assert again.id == world.bo.id
    fire_due(TIMERS)
    with transaction(world.account_id):
        member = queries.agent(world.account_id, world.bo.id)[1]
        assert (member.role, member.availability) == (Role.ADMINISTRATOR, Availability.ONLINE)
        assert member_inbox_ids(member) == ()
    assert conversation_of(asked).assignee_id == world.bo.id, "he was back before anybody took it from him"


def test_his_open_workspace_ends_there_and_goes_on_in_his_other_account(world: World) -> None:
    app = create_app()
    here, there = app.test_client(), app.test_client()
    enter(here, world.bo, world)
    own = _own_account(world.bo, world)
    with across_accounts() as current:
        session_there = tokens.issue(current.get_one(User, world.bo.id), Purpose.SESSION, account_id=own)
    there.set_cookie("kulpunai_session", session_there)
    assert here.get("/conversations").status_code == 200
    _remove(world)
    assert here.get("/conversations").status_code == 302, "and not in the other account, by the page of this one"
    assert here.post("/conversations/1/messages", data={"content": "?"}, headers=SITE).status_code in {302, 401}
    assert there.get("/conversations").status_code == 200


def test_a_session_stays_in_the_account_it_began_in(world: World) -> None:
    """Without this a page of the account he was removed from would act in the next of his accounts."""
    with across_accounts() as current:
        plain = tokens.issue(current.get_one(User, world.bo.id), Purpose.SESSION)
        first = queries.accounts_of(world.bo.id)[0][0].id
    client = create_app().test_client()
    client.set_cookie("kulpunai_session", plain)
    assert client.get("/conversations").status_code == 200
    with across_accounts():
        token = tokens.bearer(Purpose.SESSION, plain)
        assert token is not None
        assert token.token.account_id == first
    switched = client.post("/account", data={"account_id": globex().account_id}, headers=SITE)
    assert switched.status_code == 404
    assert client.post("/account", data={"account_id": world.account_id}, headers=SITE).status_code == 303
    assert client.get("/conversations").status_code == 200


def test_who_works_nowhere_any_more_is_told_so_when_he_signs_in_and_nobody_else_is(world: World) -> None:
    _remove(world)
    own = _own_account(world.bo, world)
    with transaction(own):
        session().get_one(AccountUser, (own, world.bo.id)).left_at = clock.now()
    with across_accounts(), pytest.raises(Invalid) as refused:
        sign_in("bo@acme.example", PASSWORD)
    assert refused.value.field == "account"
    with across_accounts(), pytest.raises(Invalid) as wrong:
        sign_in("bo@acme.example", "wrong")
    assert wrong.value.field == "password"


@pytest.mark.usefixtures("valkey")
def test_every_process_forgets_at_once_who_was_removed_or_is_no_administrator_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "REMEMBERED_SECONDS", 3600.0)
    with across_accounts() as current:
        token = tokens.api_token(current.get_one(User, world.bo.id))
    client = create_app().test_client()

    def asks_for(path: str) -> int:
        where = f"/api/v1/accounts/{world.account_id}/{path}"
        return client.delete(where, headers={"Api-Access-Token": token}).status_code

    def becomes(status: int, path: str) -> bool:
        return any(asks_for(path) == status or time.sleep(0.05) for _ in range(400))

    assert asks_for("teams/1") == 401
    before = door._forgotten
    while door._forgotten == before:  # until somebody listens
        queue.wake("caller:0")
        time.sleep(0.05)
    for role, status in ((Role.ADMINISTRATOR, 404), (Role.AGENT, 401)):
        with transaction(world.account_id):
            change_role(queries.agent(world.account_id, world.bo.id)[1], role, by="system")
        assert becomes(status, "teams/1"), role
    assert asks_for("contacts/1/notes/1") == 404
    _remove(world)
    assert becomes(401, "contacts/1/notes/1")


def test_an_invitation_that_was_taken_back_opens_nothing(world: World) -> None:
    with across_accounts() as current:
        account = queries.accounts_of(world.ada.id)[0][0]
        new = invite(account, "new@acme.example", "", Role.AGENT, by=current.get_one(User, world.ada.id))
        link = tokens.issue(new, Purpose.INVITATION, account_id=account.id)
    client: FlaskClient = create_app().test_client()
    assert client.get(f"/invitation/{link}").status_code == 200
    _remove(world, new)
    assert client.get(f"/invitation/{link}").status_code == 422
    form = {"name": "Новый", "password": "очень надёжный"}
    assert client.post(f"/invitation/{link}", data=form, headers=SITE).status_code == 422
    with across_accounts() as current:
        invite(account, "new@acme.example", "", Role.AGENT, by=current.get_one(User, world.ada.id))
    assert client.post(f"/invitation/{link}", data=form, headers=SITE).status_code == 303, "he is invited again"


def test_his_presence_ends_when_his_workspace_falls_silent(world: World) -> None:
    moment = clock.now()
    with clock.stopped_at(moment), transaction(world.account_id):
        beat(queries.agent(world.account_id, world.bo.id)[1])
    _remove(world)
    with clock.stopped_at(moment + timedelta(minutes=5)), transaction(world.account_id) as current:
        from app.presence.actions import gone
        from app.timers import Timer

        gone(current.exec(select(Timer).where(col(Timer.kind) == "presence.gone")).one())
    with transaction(world.account_id):
        told = select(Event).where(col(Event.name) == "agent.presence_changed").order_by(col(Event.seq))
        assert [event.data["presence"] for event in session().exec(told)] == ["online", "offline"]


def test_in_another_account_of_his_nothing_changes(world: World) -> None:
    there = globex()
    with across_accounts() as current:
        join(there.account_id, current.get_one(User, world.bo.id), Role.AGENT, by="system")
    with transaction(there.account_id) as current:
        set_members(current.get_one(Inbox, (there.account_id, there.inbox.id)), {world.bo.id}, by="system")
    asked = asks(there)
    _give(there, asked.conversation_id, world.bo)
    _remove(world)
    fire_due(TIMERS)
    assert conversation_of(asked).assignee_id == world.bo.id
    with transaction(there.account_id):
        assert member_ids(there.account_id, there.inbox.id) == {world.bo.id}


def _remove(world: World, whom: User | None = None, by: User | None = None) -> None:
    with transaction(world.account_id):
        member = queries.agent(world.account_id, (whom or world.bo).id)[1]
        remove_agent(member, by=(by or world.ada).actor)


def _give(world: World, conversation_id: int, user: User) -> None:
    with transaction(world.account_id):
        actions.assign(locked(world.account_id, conversation_id), user.id, by=world.ada.actor)


def _own_account(user: User, world: World) -> int:
    """The one he made for himself."""
    with across_accounts():
        return next(account.id for account, _ in queries.accounts_of(user.id) if account.id != world.account_id)


def _late(act: Callable[[], object], outcomes: list[str]) -> threading.Thread:
    """A thread that does it and says what came of it."""

    def do() -> None:
        try:
            act()
            outcomes.append("done")
        except NotFound:
            outcomes.append("refused")

    return threading.Thread(target=do)
