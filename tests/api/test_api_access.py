"""Who may ask for what, and what he is told when he may not."""

import json
from typing import Any

import pytest
from flask import Flask

from app import security
from app.accounts.models import Account, AccountStatus
from app.api import door
from app.database import across_accounts, session, transaction
from app.policies import policy_of
from app.users import tokens
from app.users.models import AccountUser, Purpose, User
from tests.api.cast import Asking, World, asking

SIGN_IN = {"errors": ["You need to sign in or sign up before continuing."]}
PASSWORD = "correct horse battery"


def test_a_program_without_a_token_is_asked_to_sign_in(customer: Asking) -> None:
    answer = customer.get("conversations")
    assert (answer.status_code, answer.get_json()) == (401, SIGN_IN)


def test_a_wrong_token_is_told_so(customer: Asking) -> None:
    answer = customer.get("conversations", headers={"api_access_token": "nobody"})
    assert (answer.status_code, answer.get_json()) == (401, {"error": "Invalid Access Token"})


@pytest.mark.parametrize("name", ["api_access_token", "Api-Access-Token"])
def test_both_spellings_of_the_header_are_the_token(ada: Asking, customer: Asking, name: str) -> None:
    assert customer.get("conversations", headers={name: ada.token}).status_code == 200


def test_a_bearer_besides_the_token_is_of_no_interest(ada: Asking) -> None:
    assert ada.get("conversations", headers={"Authorization": f"Bearer {ada.token}"}).status_code == 200


def test_another_company_is_not_told_whether_an_account_exists(eve: Asking, world: World) -> None:
    answers = [eve.get(f"/api/v1/accounts/{number}/conversations") for number in (world.acme.id, 4711)]
    assert {answer.status_code for answer in answers} == {401}
    assert [answer.get_json() for answer in answers] == [
        {"error": "You are not authorized to access this account"},
        {"error": "You are not authorized to access this account"},
    ]


def test_a_suspended_account_is_closed(ada: Asking, world: World) -> None:
    with across_accounts():
        session().get_one(Account, world.acme.id).status = AccountStatus.SUSPENDED
    assert ada.get("conversations").status_code == 401


def test_an_agent_may_not_do_what_is_for_administrators(bo: Asking) -> None:
    answer = bo.post("labels", {"title": "vip"})
    assert answer.status_code == 401
    assert answer.get_json() == {"error": "You are not authorized to do this action"}


def test_an_ended_token_opens_nothing_after_some_seconds(
    ada: Asking, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ada.get("conversations").status_code == 200
    with across_accounts():
        tokens.end_all(world.ada.id, Purpose.API)
    later = door.time.monotonic() + 30
    monkeypatch.setattr(door.time, "monotonic", lambda: later)
    assert ada.get("conversations").status_code == 401


def test_who_left_the_company_is_out_after_some_seconds(
    bo: Asking, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bo.get("conversations").status_code == 200
    with transaction(world.acme.id) as current:
        from app.inboxes.actions import set_members

        for inbox in (world.site, world.api):
            set_members(inbox, {world.ada.id}, by="system")
        current.delete(current.get_one(AccountUser, (world.acme.id, world.bo.id)))
    later = door.time.monotonic() + 30
    monkeypatch.setattr(door.time, "monotonic", lambda: later)
    assert bo.get("conversations").status_code == 401


# -- signing in


@pytest.fixture
def with_password(world: World) -> None:
    with across_accounts():
        session().get_one(User, world.ada.id).password_hash = security.hash_password(PASSWORD)


def sign_in(customer: Asking, email: str = "ada@acme.example", password: str = PASSWORD) -> Any:
    return customer.post("/auth/sign_in", {"email": email, "password": password})


@pytest.mark.usefixtures("with_password")
def test_a_device_signs_in_works_and_signs_out(customer: Asking) -> None:
    from tests.api.shapes import Shape, User, fits

    class Answer(Shape):
        data: User

    answer = sign_in(customer, email="ADA@acme.example ")
    fits(Answer, answer)
    assert answer.headers["token-type"] == "Bearer"
    assert int(answer.headers["expiry"]) > door.time.time() + 86_400
    three = {name: answer.headers[name] for name in ("access-token", "client", "uid")}
    assert customer.get("conversations", headers=three).status_code == 200
    valid = customer.get("/auth/validate_token", headers=three).get_json()
    assert (valid["payload"]["success"], valid["payload"]["data"]["email"]) == (True, "ada@acme.example")
    assert customer.delete("/auth/sign_out", headers=three).status_code == 200
    assert customer.get("conversations", headers=three).status_code == 401


@pytest.mark.usefixtures("with_password")
@pytest.mark.parametrize("broken", ["access-token", "client", "uid"])
def test_all_three_headers_of_a_device_must_fit(customer: Asking, broken: str) -> None:
    answer = sign_in(customer)
    three = {name: answer.headers[name] for name in ("access-token", "client", "uid")}
    answer = customer.get("conversations", headers=three | {broken: "another"})
    assert (answer.status_code, answer.get_json()) == (401, SIGN_IN)


@pytest.mark.usefixtures("with_password")
def test_wrong_words_are_refused_in_the_same_way(customer: Asking) -> None:
    wrong, unknown = sign_in(customer, password="wrong wrong"), sign_in(customer, email="nobody@acme.example")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.get_json() == unknown.get_json()
    assert wrong.get_json()["success"] is False
    assert len(wrong.get_json()["errors"]) == 1


def test_whether_we_know_an_address_is_not_told(customer: Asking) -> None:
    known = customer.post("/auth/password", {"email": "ada@acme.example"})
    unknown = customer.post("/auth/password", {"email": "nobody@acme.example"})
    assert (known.status_code, known.get_json()) == (unknown.status_code, unknown.get_json())


def test_a_letter_changes_the_password_once(customer: Asking, world: World) -> None:
    with across_accounts():
        letter = tokens.issue(world.ada, Purpose.RESET_PASSWORD)
    sent = {"reset_password_token": letter, "password": "a new long one", "password_confirmation": "a new long one"}
    answer = customer.call("PUT", "/auth/password", json=sent)
    assert answer.status_code == 200
    assert answer.headers["access-token"]
    assert sign_in(customer, password="a new long one").status_code == 200
    assert customer.call("PUT", "/auth/password", json=sent).status_code == 422


@pytest.mark.usefixtures("with_password")
def test_a_password_is_changed_by_who_knows_it(ada: Asking, customer: Asking) -> None:
    sent = {"current_password": "wrong", "password": " spaces count ", "password_confirmation": " spaces count "}
    assert ada.call("PUT", "/api/v1/profile", json={"profile": sent}).status_code == 422
    sent["current_password"] = PASSWORD
    assert ada.call("PUT", "/api/v1/profile", json={"profile": sent}).status_code == 200
    assert sign_in(customer, password=" spaces count ").status_code == 200


# -- every route


def test_every_route_refuses_who_has_no_token(web: Flask, customer: Asking) -> None:
    for method, path in routes(web, {"api_user", "api_agent", "api_administrator"}):
        answer = customer.call(method, path)
        assert (answer.status_code, answer.get_json()) == (401, SIGN_IN), f"{method} {path}"


def test_every_route_refuses_another_company(web: Flask, eve: Asking, world: World) -> None:
    world.conversation()
    for method, path in routes(web, {"api_agent", "api_administrator"}):
        answer = eve.call(method, path, json={"content": "x", "labels": ["x"], "q": "x"})
        assert answer.status_code == 401, f"{method} {path}"


def test_nothing_of_another_company_is_told_by_any_route(web: Flask, ada: Asking, world: World) -> None:
    foreign = {"conversation_id": world.foreign.id, "inbox_id": world.foreign.inbox_id}
    sent = {
        "inbox_id": foreign["inbox_id"], "contact_id": world.foreign.contact_id, "source_id": "stranger",
        "assignee_id": world.eve.id, "q": "canary",
    }  # fmt: skip
    for method, path in routes(web, {"api_agent", "api_administrator"}):
        if method != "DELETE":
            told = json.dumps(ada.call(method, path, json=sent).get_data(as_text=True))
            assert not any(word in told for word in ("canary of", "Globex", "eve@", "stranger")), f"{method} {path}"


def test_an_agent_sees_the_conversations_of_his_inboxes_alone(bo: Asking, ada: Asking, world: World) -> None:
    world.conversation(world.shop, "visitor-shop")
    world.conversation(world.site)
    assert [found["inbox_id"] for found in bo.get("conversations").get_json()["data"]["payload"]] == [world.site.id]
    assert len(ada.get("conversations").get_json()["data"]["payload"]) == 2
    assert bo.get("conversations/meta").get_json()["meta"]["all_count"] == 1
    assert bo.get(f"conversations?inbox_id={world.shop.id}").get_json()["data"]["payload"] == []
    for path in ("", "/messages", "/labels", "/attachments"):
        assert bo.get(f"conversations/1{path}").status_code == 404
    for path in ("messages", "toggle_status", "assignments", "labels", "mute", "update_last_seen"):
        assert bo.post(f"conversations/1/{path}", {"content": "x", "assignee_id": 0}).status_code == 404
    assert bo.post("conversations", {"source_id": "visitor-shop"}).status_code == 404
    assert bo.post("conversations", {"inbox_id": world.shop.id, "contact_id": world.mika.id}).status_code == 404
    assert bo.get(f"inboxes/{world.shop.id}").status_code == 404


def test_a_second_account_of_the_same_user_is_his_too(client: Any, world: World) -> None:
    from app.users.actions import join
    from app.users.models import Role

    with across_accounts():
        join(world.globex.id, world.ada, Role.AGENT, by="system")
    everywhere = asking(client, world.globex, world.ada)
    assert everywhere.get("conversations").status_code == 200
    assert everywhere.get(f"/api/v1/accounts/{world.acme.id}/conversations").status_code == 200
    answer = everywhere.call("PUT", "/api/v1/profile/set_active_account", json={"account_id": world.globex.id})
    assert answer.get_json()["account_id"] == world.globex.id


def routes(web: Flask, policies: set[str]) -> list[tuple[str, str]]:
    """(method, address) of every route with one of these policies, in account 1, with 1 for all other numbers."""
    found = []
    for rule in web.url_map.iter_rules():
        if policy_of(web, rule.endpoint) in policies:
            path = rule.build({name: 1 for name in rule.arguments}, append_unknown=False)
            assert path is not None
            found += [(method, path[1]) for method in sorted(rule.methods or ()) if method not in {"HEAD", "OPTIONS"}]
    assert len(found) > 1
    return found
