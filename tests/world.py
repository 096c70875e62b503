"""The cast: Ada (administrator) and Bo (agent) at Acme, Mika who asks; Zoe at Globex, who must see nothing of it."""

from dataclasses import dataclass

from app.contacts.actions import identify
from app.contacts.models import ContactInbox
from app.conversations import actions
from app.conversations.actions import Writing, by_contact, by_user
from app.conversations.models import Conversation, Message
from app.conversations.queries import locked
from app.database import across_accounts, session, transaction
from app.engine import READERS
from app.events.runner import catch_up
from app.inboxes.actions import create_inbox, set_members
from app.inboxes.models import Channel, Inbox
from app.users.actions import join, sign_up
from app.users.models import Role, User

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class World:
    """One account with its people and a website inbox that both answer."""

    account_id: int
    ada: User
    bo: User
    inbox: Inbox


def acme() -> World:
    """Acme, in Russian."""
    return _company("Acme", "ada@acme.example", "Ada", "bo@acme.example", "Bo")


def globex() -> World:
    """Another company on the same installation."""
    return _company("Globex", "zoe@globex.example", "Zoe", "yan@globex.example", "Yan")


def asks(world: World, words: str = "Где мой заказ?", who: str = "mika", client_id: str | None = None) -> Message:
    """A customer writes in the website's chat."""
    with transaction(world.account_id):
        identity = identify(world.inbox, who, name=who.capitalize())
        by = by_contact(identity.contact_id)
        conversation = actions.current_for(world.inbox, identity, by=by.actor)
        return actions.write_incoming(conversation, identity.contact_id, Writing(words, client_message_id=client_id))


def replies(world: World, message: Message, words: str = "Уже едет.", by: User | None = None) -> Message:
    """An agent answers."""
    with transaction(world.account_id):
        return actions.reply(
            locked(world.account_id, message.conversation_id), by_user(by or world.ada), Writing(words)
        )


def conversation_of(message: Message) -> Conversation:
    """The conversation, as it is in the database now."""
    with transaction(message.account_id):
        return locked(message.account_id, message.conversation_id)


def everyone_reads(world: World) -> None:
    """All readers follow the log to its end."""
    for reader in READERS.values():
        while catch_up(reader, world.account_id):
            pass
    # what the first of them wrote, the last may have to read
    for reader in READERS.values():
        while catch_up(reader, world.account_id):
            pass


def identity(world: World, who: str = "mika") -> ContactInbox:
    """How the website knows him."""
    with transaction(world.account_id):
        return identify(world.inbox, who, name=who.capitalize())


def _company(name: str, email: str, admin: str, agent_email: str, agent: str) -> World:
    with across_accounts():
        signed = sign_up(admin, email, PASSWORD, name)
        signed.user.confirmed_at = signed.account.created_at
        colleague = sign_up(agent, agent_email, PASSWORD, f"{name} (own)").user
        colleague.confirmed_at = signed.account.created_at
        session().flush()
        join(signed.account.id, colleague, Role.AGENT, by=signed.user.actor)
    with transaction(signed.account.id):
        inbox = create_inbox(signed.account.id, Channel.WEBSITE, "Сайт", by=signed.user.actor, csat_enabled=True)
        set_members(inbox, {signed.user.id, colleague.id}, by=signed.user.actor)
    return World(signed.account.id, signed.user, colleague, inbox)
