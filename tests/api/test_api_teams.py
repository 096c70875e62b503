"""Teams by the API, as Chatwoot's clients make, change and fill them."""

from typing import Any

import pytest

from app.consumers import TIMERS
from app.timers import fire_due
from tests.api import shapes
from tests.api.cast import Asking, World
from tests.api.shapes import fits


def test_a_team_is_made_flat_or_wrapped_and_starts_empty(ada: Asking) -> None:
    made = fits(
        shapes.Team, ada.post("teams", {"name": "Support", "description": "Orders", "allow_auto_assign": False})
    )
    assert (made["name"], made["description"], made["allow_auto_assign"]) == ("support", "Orders", False)
    assert made["is_member"] is False
    wrapped = fits(shapes.Team, ada.post("teams", {"team": {"name": "Sales"}}))
    assert (wrapped["name"], wrapped["allow_auto_assign"]) == ("sales", True)
    assert ada.get(f"teams/{made['id']}/team_members").json == []


@pytest.mark.parametrize("sent", [{}, {"name": "SUPPORT"}, {"name": "s" * 256}, {"name": ["s"]}])
def test_a_name_that_cannot_be_is_refused_by_name(ada: Asking, sent: dict[str, Any]) -> None:
    ada.post("teams", {"name": "support"})
    answer = ada.post("teams", sent)
    assert answer.status_code == 422
    assert answer.json["attributes"] == ["name"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_what_is_named_changes_and_the_rest_stays(ada: Asking, method: str) -> None:
    made = ada.post("teams", {"name": "support", "description": "Orders"}).json
    changed = fits(shapes.Team, ada.call(method, f"teams/{made['id']}", json={"allow_auto_assign": "false"}))
    assert changed == made | {"allow_auto_assign": False}
    renamed = fits(shapes.Team, ada.call(method, f"teams/{made['id']}", json={"team": {"name": "Help"}}))
    assert renamed == changed | {"name": "help"}


def test_members_are_added_set_and_removed(ada: Asking, world: World) -> None:
    members = f"teams/{ada.post('teams', {'name': 'support'}).json['id']}/team_members"
    said = {"user_ids": [world.bo.id]}
    assert _names(ada.post(members, said)) == ["Bo"]
    assert _names(ada.post(members, {"user_ids": [world.ada.id]})) == ["Bo", "Ада"]
    assert _names(ada.patch(members, {"user_ids": [world.ada.id]})) == ["Ада"]
    assert ada.get("teams").json[0]["is_member"] is True
    answer = ada.delete(members, json={"user_ids": [world.ada.id]})
    assert (answer.status_code, answer.data) == (200, b"")
    assert _names(ada.get(members)) == []


def test_somebody_who_does_not_work_here_cannot_be_a_member(ada: Asking, world: World) -> None:
    members = f"teams/{ada.post('teams', {'name': 'support'}).json['id']}/team_members"
    answer = ada.post(members, {"user_ids": [world.bo.id, world.eve.id]})
    assert answer.status_code == 422
    assert answer.json["attributes"] == ["user_ids"]
    assert _names(ada.get(members)) == []


def test_a_deleted_team_is_gone_and_its_conversations_have_none(ada: Asking, world: World) -> None:
    world.conversation()
    team_id = ada.post("teams", {"name": "support"}).json["id"]
    before = ada.get("cache_keys").json["cache_keys"]["team"]
    ada.post("conversations/1/assignments", {"team_id": team_id})
    answer = ada.delete(f"teams/{team_id}")
    assert (answer.status_code, answer.data) == (200, b"")
    fire_due(TIMERS)
    assert "team" not in ada.get("conversations/1").json["meta"]
    assert ada.get("teams").json == []
    assert ada.get("cache_keys").json["cache_keys"]["team"] != before
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/team_members")):
        assert ada.call(method, f"teams/{team_id}{path}", json={}).status_code == 404
    assert ada.post("conversations/1/assignments", {"team_id": team_id}).status_code == 404


def test_only_administrators_of_the_account_change_teams(ada: Asking, bo: Asking, eve: Asking, world: World) -> None:
    team = ada.post("teams", {"name": "support"}).json
    writes = [("POST", "teams"), ("PATCH", f"teams/{team['id']}"), ("DELETE", f"teams/{team['id']}")]
    writes += [(method, f"teams/{team['id']}/team_members") for method in ("POST", "PATCH", "DELETE")]
    for method, path in writes:
        sent = {"name": "другая", "user_ids": [world.bo.id]}
        assert bo.call(method, path, json=sent).status_code == 401, (method, path)
        if path != "teams":
            assert eve.call(method, path, json=sent).status_code == 404, (method, path)
    assert ada.get("teams").json == [team]
    assert _names(ada.get(f"teams/{team['id']}/team_members")) == []


def _names(answer: Any) -> list[str]:
    return [agent["name"] for agent in fits(list[shapes.Agent], answer)]
