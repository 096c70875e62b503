"""What happens to a team, what the log tells of it, and what becomes of the conversations of one that is deleted."""

import threading

import pytest
from sqlmodel import col, select

from app.consumers import TIMERS
from app.conversations import actions, reactions
from app.conversations.queries import locked, of_team
from app.database import session, transaction
from app.errors import Invalid, NotFound
from app.events.log import Event
from app.timers import fire_due
from app.users import queries
from app.users.actions import TEAM_GONE, delete_team, make_team, set_team_members, update_team
from app.users.models import Team
from tests.world import World, acme, asks, conversation_of


@pytest.fixture
def world(database: None) -> World:
    return acme()


def test_every_change_of_a_team_stands_in_the_log_with_who_did_it(world: World) -> None:
    team = _team(world, "оплата", world.bo.id)
    with transaction(world.account_id):
        found = queries.team(world.account_id, team.id)
        update_team(found, by=world.ada.actor, name="Деньги", description="", allow_auto_assign=True)
        update_team(found, by=world.ada.actor, name="деньги")
        delete_team(found, by=world.ada.actor)
        delete_team(found, by=world.ada.actor)
    told = [(event.name, event.data.get("changed"), event.data.get("removed")) for event in _told(world, team)]
    assert told == [
        ("team.created", None, None),
        ("team.members_changed", None, []),
        ("team.updated", ["name"], None),
        ("team.members_changed", None, [world.bo.id]),
        ("team.deleted", None, None),
    ]
    assert {event.actor for event in _told(world, team)} == {world.ada.actor}


def test_two_teams_cannot_have_one_name_unless_the_first_is_deleted(world: World) -> None:
    first, other = _team(world, "оплата"), _team(world, "доставка")
    with pytest.raises(Invalid), transaction(world.account_id):
        make_team(world.account_id, " ОПЛАТА ", by="system")
    with pytest.raises(Invalid), transaction(world.account_id):
        update_team(queries.team(world.account_id, other.id), by="system", name="Оплата")
    _delete(world, first)
    second = _team(world, "оплата")
    with transaction(world.account_id):
        assert [team.id for team in queries.teams(world.account_id)] == [other.id, second.id]
        assert queries.team_name(world.account_id, first.id) == "оплата"


def test_a_deleted_team_has_no_members_and_may_be_imported_anew(world: World) -> None:
    team = _team(world, "оплата", world.bo.id)
    with transaction(world.account_id) as current:
        current.get_one(Team, (world.account_id, team.id)).external_id = "team-7"
    _delete(world, team)
    with transaction(world.account_id) as current:
        assert queries.team_members(world.account_id) == {}
        assert current.get_one(Team, (world.account_id, team.id)).external_id is None


def test_all_its_conversations_lose_a_deleted_team_a_few_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    team, other = _team(world, "оплата"), _team(world, "доставка")
    mine = [asks(world, who=f"visitor-{n}") for n in range(5)]
    for asked in mine:
        _give(world, asked.conversation_id, team)
    kept = asks(world, who="mika")
    _give(world, kept.conversation_id, other)
    with transaction(world.account_id):
        found = locked(world.account_id, mine[0].conversation_id)
        actions.assign(found, world.bo.id, by="system")
        actions.resolve(found, by="system")
    monkeypatch.setattr(reactions, "LEAVING_AT_ONCE", 2)
    _delete(world, team)
    left = []
    while fire_due(TIMERS):
        with transaction(world.account_id):
            left.append(len(of_team(world.account_id, team.id, 10)))
    assert left == [3, 1, 0]
    assert conversation_of(kept).team_id == other.id
    assert conversation_of(mine[0]).assignee_id == world.bo.id
    with transaction(world.account_id):
        lost = select(Event).where(col(Event.name) == "team.changed", col(Event.data)["team_id"].astext.is_(None))
        told = session().exec(lost).all()
    assert {event.data["conversation_id"] for event in told} == {asked.conversation_id for asked in mine}
    assert all((event.actor, event.data["team_change"]) == (world.ada.actor, [team.id, None]) for event in told)


def test_whoever_moves_on_meanwhile_is_left_where_he_is(world: World) -> None:
    team, other, asked = _team(world, "оплата"), _team(world, "доставка"), asks(world)
    _give(world, asked.conversation_id, team)
    _delete(world, team)
    leaving = threading.Thread(target=fire_due, args=(TIMERS,))
    with transaction(world.account_id):
        actions.assign_team(locked(world.account_id, asked.conversation_id), other, by=world.bo.actor)
        leaving.start()
        leaving.join(0.5)
        assert leaving.is_alive(), "it waits for us"
    leaving.join(20)
    assert conversation_of(asked).team_id == other.id


def test_nothing_is_given_to_a_team_that_is_being_deleted(world: World) -> None:
    team, asked = _team(world, "оплата"), asks(world)
    outcomes: list[str] = []

    def give() -> None:
        try:
            _give(world, asked.conversation_id, team)
            outcomes.append("given")
        except NotFound:
            outcomes.append("refused")

    late = threading.Thread(target=give)
    with transaction(world.account_id):
        delete_team(queries.team(world.account_id, team.id), by=world.ada.actor)
        late.start()
        # it waits for us, or it has not come so far: either way it must find the team gone
        late.join(0.3)
    late.join(20)
    assert outcomes == ["refused"]
    assert conversation_of(asked).team_id is None


def test_a_conversation_given_while_the_team_is_deleted_loses_it_too(world: World) -> None:
    team, asked = _team(world, "оплата"), asks(world)
    late = threading.Thread(target=_delete, args=(world, team))
    with transaction(world.account_id):
        actions.assign_team(locked(world.account_id, asked.conversation_id), team, by=world.bo.actor)
        late.start()
        late.join(0.3)
        assert late.is_alive(), "it waits for us"
    late.join(20)
    assert TEAM_GONE in TIMERS
    fire_due(TIMERS)
    assert conversation_of(asked).team_id is None


def _team(world: World, name: str, *members: int) -> Team:
    with transaction(world.account_id):
        team = make_team(world.account_id, name, by=world.ada.actor)
        set_team_members(team, set(members), by=world.ada.actor)
        return team


def _delete(world: World, team: Team) -> None:
    with transaction(world.account_id):
        delete_team(queries.team(world.account_id, team.id), by=world.ada.actor)


def _give(world: World, conversation_id: int, team: Team) -> None:
    with transaction(world.account_id):
        actions.assign_team(locked(world.account_id, conversation_id), team, by=world.bo.actor)


def _told(world: World, team: Team) -> list[Event]:
    with transaction(world.account_id):
        mine = select(Event).where(
            col(Event.name).startswith("team."), col(Event.data)["team_id"].as_integer() == team.id
        )
        return list(session().exec(mine.order_by(col(Event.seq))))
