"""Acme, as programs see it: Ada runs it, Bo answers in two inboxes, Mika asks. And Globex, which is nobody else's business."""

from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts.actions import open_account
from app.accounts.models import Account
from app.contacts.actions import attach, identify
from app.contacts.models import Contact, ContactInbox
from app.conversations import actions
from app.conversations.actions import Writing
from app.conversations.models import Conversation, Message
from app.conversations.queries import locked
from app.database import across_accounts, session, transaction
from app.inboxes.actions import create_inbox, set_members
from app.inboxes.models import Channel, Inbox
from app.users import tokens
from app.users.actions import join
from app.users.models import Role, User


@dataclass
class Asking:
    """A program with somebody's token: `ask.get("conversations")` is below his account's address."""

    client: FlaskClient
    account_id: int
    token: str

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self.call("POST", path, json=json, **more) if json is not None else self.call("POST", path, **more)

    def patch(self, path: str, json: Any, **more: Any) -> TestResponse:
        return self.call("PATCH", path, json=json, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self.call("DELETE", path, **more)

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        address = path if path.startswith("/") else f"/api/v1/accounts/{self.account_id}/{path}".rstrip("/")
        said = {"api_access_token": self.token} if self.token else {}
        return self.client.open(address, method=method, headers=said | (headers or {}), **more)


@dataclass
class World:
    """Acme and Globex."""

    acme: Account
    ada: User
    bo: User
    site: Inbox
    shop: Inbox
    api: Inbox
    mika: Contact
    globex: Account
    eve: User
    foreign: Conversation

    def conversation(
        self, inbox: Inbox | None = None, source_id: str = "visitor-1", text: str = "Where is it?"
    ) -> Conversation:
        """Mika asks, in the website's inbox unless told otherwise."""
        return talk(inbox or self.site, source_id, text)


def build() -> World:
    """Both companies, in an empty database."""
    acme, ada = company("Acme", "ada@acme.example", "Ада")
    with across_accounts():
        bo = user_of(acme, "bo@acme.example", "Bo")
    with transaction(acme.id):
        site = create_inbox(acme.id, Channel.WEBSITE, "Website", by="system")
        shop = create_inbox(acme.id, Channel.WEBSITE, "Shop", by="system")
        api = create_inbox(acme.id, Channel.API, "App", by="system")
        set_members(site, {ada.id, bo.id}, by="system")
        set_members(api, {bo.id}, by="system")
    with transaction(acme.id):
        identity = identify(site, "visitor-1", name="Мика", email="mika@example.org")
        mika = session().get_one(Contact, (acme.id, identity.contact_id))
    globex, eve = company("Globex", "eve@globex.example", "Eve")
    with transaction(globex.id):
        far = create_inbox(globex.id, Channel.API, "Far", by="system")
        set_members(far, {eve.id}, by="system")
    return World(acme, ada, bo, site, shop, api, mika, globex, eve, talk(far, "stranger", "canary of Globex"))


def asking(client: FlaskClient, account: Account, user: User) -> Asking:
    with across_accounts():
        return Asking(client, account.id, tokens.api_token(user))


def company(name: str, email: str, administrator: str) -> tuple[Account, User]:
    with across_accounts():
        account = open_account(name, by="system", support_email=email)
        return account, user_of(account, email, administrator, Role.ADMINISTRATOR)


def user_of(account: Account, email: str, name: str, role: Role = Role.AGENT) -> User:
    """One more who works there; in a transaction across accounts."""
    user = User(name=name, email=email, pubsub_token=f"pubsub-{email}", confirmed_at=account.created_at)
    current = session()
    current.add(user)
    current.flush()
    join(account.id, user, role, by="system")
    return user


def talk(inbox: Inbox, source_id: str, text: str) -> Conversation:
    """The customer of that source_id writes."""
    with transaction(inbox.account_id):
        identity = identify(inbox, source_id, name="Somebody")
        conversation = actions.current_for(inbox, identity, by=f"contact:{identity.contact_id}")
        actions.write_incoming(conversation, identity.contact_id, Writing(text))
        return conversation


def answer(conversation: Conversation, user: User, text: str) -> Message:
    """The agent replies."""
    with transaction(conversation.account_id):
        found = locked(conversation.account_id, conversation.id)
        return actions.reply(found, actions.by_user(user), Writing(text))


def identity_of(inbox: Inbox, contact: Contact, source_id: str) -> ContactInbox:
    """The inbox knows the contact."""
    with transaction(inbox.account_id):
        return attach(contact, inbox, source_id)
