"""A channel's connection, as its administrator sees it."""

from typing import Any

import pytest

from app.channels.telegram import hook_secret
from app.config import settings
from app.database import across_accounts, transaction
from app.doors import COOKIE
from app.inboxes.actions import channel_secrets
from app.inboxes.models import Inbox
from app.main import create_app
from app.users import tokens
from app.users.models import Purpose, User
from tests.channels.conftest import outside  # noqa: F401
from tests.channels.fake_telegram import TOKEN, FakeTelegram
from tests.kernel.conftest import inbox_of
from tests.world import World, acme

SITE = {"Sec-Fetch-Site": "same-origin"}

pytestmark = pytest.mark.usefixtures("database", "valkey")


@pytest.fixture
def world() -> World:
    return acme()


@pytest.fixture
def ada(world: World, monkeypatch: pytest.MonkeyPatch, outside: FakeTelegram) -> Any:  # noqa: F811
    monkeypatch.setenv("BASE_URL", "https://help.example")
    settings.cache_clear()
    client = create_app().test_client()
    with across_accounts() as current:
        token = tokens.issue(current.get_one(User, world.ada.id), Purpose.SESSION, account_id=world.account_id)
    client.set_cookie(COOKIE, token)
    return client


def bot_token(inbox: Inbox) -> str:
    with transaction(inbox.account_id) as current:
        return channel_secrets(current.get_one(Inbox, (inbox.account_id, inbox.id)))["bot_token"]


def test_a_bot_that_was_given_another_token_is_connected_again(ada: Any, world: World, outside: FakeTelegram) -> None:  # noqa: F811
    number = TOKEN.partition(":")[0]
    inbox = inbox_of(world.account_id, f"{number}:the-old-one")
    answer = ada.post(f"/settings/inboxes/{inbox.id}/connection", data={"bot_token": TOKEN}, headers=SITE)
    assert answer.status_code == 303
    assert bot_token(inbox) == TOKEN
    assert [call.fields["secret_token"] for call in outside.calls if call.method == "setWebhook"] == [
        hook_secret(TOKEN)
    ]


@pytest.mark.parametrize(
    ("before", "token"),
    [("999:of-another-bot", TOKEN), ("123456:the-old-one", ""), ("123456:the-old-one", "123456:nobody-knows-it")],
)
def test_another_bots_token_or_a_wrong_one_changes_nothing(ada: Any, world: World, before: str, token: str) -> None:
    inbox = inbox_of(world.account_id, before)
    answer = ada.post(f"/settings/inboxes/{inbox.id}/connection", data={"bot_token": token}, headers=SITE)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert bot_token(inbox) == before
