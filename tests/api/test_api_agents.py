"""Agents by the API, as Chatwoot's clients invite, change and remove them."""

from typing import Any

import pytest
from sqlmodel import select

from app import security
from app.api import door
from app.consumers import TIMERS
from app.database import across_accounts, transaction
from app.deliveries.models import Delivery
from app.inboxes.queries import member_ids
from app.timers import fire_due
from app.users import queries
from app.users.actions import change_role, join, remove_agent
from app.users.models import Role
from tests.api import shapes
from tests.api.cast import Asking, World
from tests.api.shapes import fits


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_agent_is_invited_by_letter_and_works_here_at_once(ada: Asking, world: World, wrapped: bool) -> None:
    said = {"email": "New@Acme.example", "name": "Нина", "role": "administrator", "availability": "busy"}
    said |= {"auto_offline": False}
    made = fits(shapes.Agent, ada.post("agents", {"agent": said} if wrapped else said))
    assert (made["email"], made["name"], made["role"]) == ("new@acme.example", "Нина", "administrator")
    assert (made["availability_status"], made["auto_offline"], made["confirmed"]) == ("busy", False, False)
    assert made in ada.get("agents").json
    with transaction(world.acme.id) as current:
        letter = current.exec(select(Delivery)).one()
    body = security.unseal(letter.data["body"])
    assert (body["to"], "/invitation/" in body["text"]) == ("new@acme.example", True)


def test_nobody_needs_to_say_more_than_the_address(ada: Asking) -> None:
    made = fits(shapes.Agent, ada.post("agents", {"email": "nina@acme.example"}))
    assert (made["name"], made["role"], made["availability_status"]) == ("nina", "agent", "online")


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "bo@acme.example"}, "email"),
        ({"email": ["new@acme.example"]}, "email"),
        ({"email": "new@acme.example", "role": "owner"}, "role"),
        ({"email": "new@acme.example", "availability": "asleep"}, "availability"),
        ({"email": "new@acme.example", "name": "n" * 256}, "name"),
        ({"email": "new@acme.example", "auto_offline": "perhaps"}, "auto_offline"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_nobody_is_invited(
    ada: Asking, world: World, sent: dict[str, Any], field: str
) -> None:
    answer = ada.post("agents", sent)
    assert (answer.status_code, answer.json["attributes"]) == (422, [field])
    assert len(ada.get("agents").json) == 2
    with transaction(world.acme.id) as current:
        assert current.exec(select(Delivery)).all() == []


def test_many_are_invited_at_once_and_who_is_here_stays_as_he_is(ada: Asking) -> None:
    sent = {"emails": ["new@acme.example", "NEW@acme.example", "bo@acme.example", "zoe@acme.example"]}
    answer = ada.post("agents/bulk_create", sent)
    assert (answer.status_code, answer.data) == (200, b"")
    assert [agent["name"] for agent in ada.get("agents").json] == ["Bo", "new", "zoe", "Ада"]
    for wrong in ({}, {"emails": ["mila@acme.example", "nobody"]}, {"emails": [f"n{n}@a.example" for n in range(101)]}):
        assert ada.post("agents/bulk_create", wrong).status_code == 422
    assert len(ada.get("agents").json) == 4


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_what_is_named_changes_and_the_rest_stays(ada: Asking, world: World, method: str) -> None:
    before = next(agent for agent in ada.get("agents").json if agent["id"] == world.bo.id)
    one = f"agents/{world.bo.id}"
    assert fits(shapes.Agent, ada.call(method, one, json={})) == before
    changed = fits(shapes.Agent, ada.call(method, one, json={"role": "administrator", "auto_offline": False}))
    assert changed == before | {"role": "administrator", "auto_offline": False}
    changed = fits(shapes.Agent, ada.call(method, one, json={"agent": {"name": "Боб", "availability": "busy"}}))
    assert (changed["name"], changed["availability_status"], changed["role"]) == ("Боб", "busy", "administrator")
    said = {"availability_status": "available"}
    assert fits(shapes.Agent, ada.call(method, one, json=said))["availability_status"] == "online"


def test_a_name_is_its_bearers_own_once_he_works_elsewhere_too(ada: Asking, world: World) -> None:
    with across_accounts():
        join(world.globex.id, world.bo, Role.AGENT, by="system")
    answer = ada.patch(f"agents/{world.bo.id}", {"name": "Боб", "role": "administrator"})
    assert (answer.status_code, answer.json["attributes"]) == (422, ["name"])
    first = ada.get("agents").json[0]
    assert (first["name"], first["role"]) == ("Bo", "agent"), "all or nothing"
    assert ada.patch(f"agents/{world.bo.id}", {"name": "Bo", "role": "administrator"}).status_code == 200


def test_a_removed_agent_is_gone_and_his_conversations_are_nobodys(ada: Asking, bo: Asking, world: World) -> None:
    world.conversation()
    ada.post("conversations/1/assignments", {"assignee_id": world.bo.id})
    assert bo.get("conversations").status_code == 200
    answer = ada.delete(f"agents/{world.bo.id}")
    assert (answer.status_code, answer.data) == (200, b"")
    refused = bo.get("conversations")
    assert (refused.status_code, refused.json) == (401, {"error": "You are not authorized to access this account"})
    fire_due(TIMERS)
    assert "assignee" not in ada.get("conversations/1").json["meta"]
    assert [agent["name"] for agent in ada.get("agents").json] == ["Ада"]
    assert [agent["name"] for agent in ada.get(f"assignable_agents?inbox_ids[]={world.site.id}").json["payload"]] == [
        "Ада"
    ]
    for method in ("PATCH", "DELETE"):
        assert ada.call(method, f"agents/{world.bo.id}", json={"role": "agent"}).status_code == 404
    assert ada.post("conversations/1/assignments", {"assignee_id": world.bo.id}).status_code == 404


def test_he_goes_on_in_his_other_account_with_the_same_token(ada: Asking, bo: Asking, world: World) -> None:
    with across_accounts():
        join(world.globex.id, world.bo, Role.AGENT, by="system")
    assert ada.delete(f"agents/{world.bo.id}").status_code == 200
    assert bo.get("conversations").status_code == 401
    assert bo.get(f"/api/v1/accounts/{world.globex.id}/conversations").status_code == 200
    assert [place["id"] for place in bo.get("/api/v1/profile").json["accounts"]] == [world.globex.id]


def test_nobody_removes_himself_or_the_last_administrator(ada: Asking, bo: Asking, world: World) -> None:
    answers = [ada.delete(f"agents/{world.ada.id}"), ada.patch(f"agents/{world.ada.id}", {"role": "agent"})]
    assert [(answer.status_code, answer.json["attributes"]) for answer in answers] == [
        (422, ["user_id"]),
        (422, ["role"]),
    ]
    with transaction(world.acme.id):
        change_role(queries.agent(world.acme.id, world.bo.id)[1], Role.ADMINISTRATOR, by="system")
    assert bo.delete(f"agents/{world.ada.id}").status_code == 200
    assert bo.delete(f"agents/{world.bo.id}").status_code == 422


def test_who_was_read_before_he_was_forgotten_is_not_remembered_after(
    ada: Asking, bo: Asking, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = door._look_up

    def slowly(*given: Any) -> Any:
        found = look_up(*given)
        _decide(world, lambda member: remove_agent(member, by="system"))
        door.forget_user(world.bo.id)
        return found

    monkeypatch.setattr(door, "_look_up", slowly)
    bo.get("conversations")
    monkeypatch.setattr(door, "_look_up", look_up)
    assert bo.get("conversations").status_code == 401


def test_only_administrators_of_the_account_touch_agents(ada: Asking, bo: Asking, eve: Asking, world: World) -> None:
    before = ada.get("agents").json
    one = f"agents/{world.bo.id}"
    writes = [("POST", "agents"), ("POST", "agents/bulk_create"), ("PATCH", one), ("DELETE", one)]
    sent = {"email": "evil@acme.example", "emails": ["evil@acme.example"], "role": "administrator", "name": "Зло"}
    for method, path in writes:
        assert bo.call(method, path, json=sent).status_code == 401, (method, path)
        there = f"/api/v1/accounts/{world.acme.id}/{path}"
        assert eve.call(method, there, json=sent).status_code == 401, (method, path)
    for method in ("PATCH", "DELETE"):
        assert eve.call(method, one, json=sent).status_code == 404, "of her own account he is none"
    assert ada.get("agents").json == before
    with transaction(world.acme.id):
        assert member_ids(world.acme.id, world.site.id) == {world.ada.id, world.bo.id}


def _decide(world: World, what: Any) -> None:
    with transaction(world.acme.id):
        what(queries.agent(world.acme.id, world.bo.id)[1])
