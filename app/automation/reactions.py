"""Greeting, and the word outside working hours (product.md §2.4): each at most once, never against a person or Captain."""

from datetime import timedelta

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from app.calendars.hours import is_open
from app.conversations.actions import Writing, write_template
from app.conversations.models import Conversation, Holder, Message, MessageType
from app.conversations.queries import locked
from app.database import session
from app.events.log import Event
from app.inboxes.models import Inbox
from app.inboxes.queries import hours

NAMES = frozenset({"message.created"})
# Long enough for a night and a day off to hear it once
OUT_OF_OFFICE_ONCE_IN = timedelta(hours=12)
A_PERSON_IS_THERE = timedelta(minutes=5)


def on_event(event: Event) -> None:
    """Answer a customer's message with what the inbox wants said."""
    if event.data["message_type"] != MessageType.INCOMING:
        return
    inbox = session().get_one(Inbox, (event.account_id, event.data["inbox_id"]))
    if not inbox.out_of_office_message and not inbox.greeting_enabled:
        return
    conversation = locked(event.account_id, event.data["conversation_id"])
    if conversation.held_by == Holder.CAPTAIN:
        return
    if not is_open(hours(inbox), event.occurred_at):
        _say_we_are_away(conversation, inbox, event)
    elif inbox.greeting_enabled and inbox.greeting_message and not _is_there(conversation):
        _say(conversation, inbox.greeting_message, "greeting")


def _say_we_are_away(conversation: Conversation, inbox: Inbox, event: Event) -> None:
    said = col(Message.content_attributes)["template"].astext == "out_of_office"
    recently = col(Message.created_at) > event.occurred_at - OUT_OF_OFFICE_ONCE_IN
    person = col(Message.message_type) == MessageType.OUTGOING
    just_now = col(Message.created_at) > event.occurred_at - A_PERSON_IS_THERE
    if (
        inbox.out_of_office_message
        and not _is_there(conversation, said, recently)
        and not _is_there(conversation, person, just_now)
    ):
        _say(conversation, inbox.out_of_office_message, "out_of_office")


def _say(conversation: Conversation, words: str, template: str) -> None:
    write_template(conversation, Writing(words, content_attributes={"template": template}))


def _is_there(conversation: Conversation, *conditions: ColumnElement[bool]) -> bool:
    """Whether the thread has a public message of ours (of those `conditions`)."""
    query = select(Message.id).where(
        col(Message.account_id) == conversation.account_id,
        col(Message.conversation_id) == conversation.id,
        col(Message.message_type).in_([MessageType.OUTGOING, MessageType.TEMPLATE]),
        col(Message.is_private).is_(False),
        *conditions,
    )
    return session().exec(query.limit(1)).first() is not None
