"""A visitor's browser, as far as it is a program: it speaks what the card speaks."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import limits
from app.config import settings
from app.database import transaction
from app.inboxes.actions import channel_secrets, update_inbox
from app.inboxes.models import Inbox
from app.inboxes.queries import inbox as inbox_of
from app.main import create_app
from app.security import hmac_sha256
from app.widget.visitor import new_source, token
from tests.world import World, acme


@dataclass(frozen=True)
class Visitor:
    """Somebody with a token of the inbox `key`. `call` answers with the response, `ok` with its JSON."""

    client: FlaskClient
    key: str
    token: str

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        given = {"json": body} if body is not None else {}
        headers = {"X-Auth-Token": self.token, **more.pop("headers", {})}
        query = {"website_token": self.key, **more.pop("query", {})}
        return self.client.open(
            f"/api/v1/widget/{path}", method=method, headers=headers, query_string=query, **given, **more
        )

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = self.call(method, path, body, **more)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.get_json(silent=True)

    def writes(self, content: str, **more: Any) -> Any:
        return self.ok("POST", "messages", {"message": {"content": content, **more}})

    def reads(self, **query: Any) -> list[Any]:
        return list(self.ok("GET", "messages", query=query)["payload"])

    def with_token(self, plain: str) -> "Visitor":
        return replace(self, token=plain)


@pytest.fixture(scope="session")
def web() -> Flask:
    return create_app()


@pytest.fixture
def world(database: None, monkeypatch: pytest.MonkeyPatch) -> World:
    """Acme. Its limits are counted here, from nothing: other tests have used the same numbers."""
    monkeypatch.setattr(limits, "_silent_until", float("inf"))
    limits._local.clear()
    return acme()


@pytest.fixture
def visitor(web: Flask, world: World) -> Visitor:
    """Nobody yet: he holds a token and has said nothing."""
    return another(web, world.inbox)


def another(web: Flask, inbox: Inbox) -> Visitor:
    return Visitor(web.test_client(), inbox.key, token(inbox, new_source()))


def change(world: World, **changes: Any) -> None:
    """Set the website up differently."""
    with transaction(world.account_id):
        update_inbox(inbox_of(world.account_id, world.inbox.id), by="system", **changes)


def proof(world: World, identifier: str) -> str:
    """What the site's server would compute."""
    return hmac_sha256(channel_secrets(world.inbox)["hmac_token"], identifier)


def upload_limit_bytes() -> int:
    return settings().upload_limit_mb * 1024 * 1024
