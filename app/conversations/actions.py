"""What can be done to a conversation: every write, each with its line in the log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app import files, timers
from app.channels.base import Inbound, InboundFile, InboundKind
from app.clock import now
from app.contacts.actions import identify, touch
from app.contacts.models import Contact, ContactInbox
from app.conversations import queries
from app.conversations.models import (
    Attachment,
    Conversation,
    FileType,
    Holder,
    Message,
    MessageRevision,
    MessageStatus,
    MessageType,
    Priority,
    ReplyDraft,
    SenderType,
    Status,
)
from app.database import session
from app.deliveries.actions import owe
from app.deliveries.actions import send_again as deliver_again
from app.deliveries.models import Delivery
from app.errors import Invalid, NotFound, Stale, TooMany
from app.events.record import record
from app.i18n import _, ngettext
from app.inboxes import queries as inbox_queries
from app.inboxes.models import Channel, Inbox
from app.security import new_token
from app.text import CONTENT_LIMIT, checked, mended
from app.users import queries as user_queries
from app.users.models import Team, User

SEND = "message"
FETCH = "attachment"
FORGET = "files.forget"
WAKE = "conversation.wake"
ATTACHMENTS_LIMIT = 15
LABELS_LIMIT = 50
# More than this from one side in a minute is a loop, not a person
PER_MINUTE_LIMIT = 200


@dataclass(frozen=True)
class Author:
    """Who writes: `type` and `id` as they stand at the message, `actor` as the log names him."""

    type: SenderType
    id: int | None = None

    @property
    def actor(self) -> str:
        return self.type if self.id is None else f"{self.type}:{self.id}"


@dataclass(frozen=True)
class Writing:
    """A message to be: its text and what goes with it. `client_message_id` makes a repetition harmless."""

    content: str = ""
    client_message_id: str | None = None
    attachments: Sequence[files.Stored] = ()
    file_names: Sequence[str] = ()
    in_reply_to_id: int | None = None
    content_type: str = "text"
    content_attributes: dict[str, Any] = field(default_factory=dict)


CAPTAIN = Author(SenderType.CAPTAIN)
AUTOMATION = Author(SenderType.AUTOMATION)


def by_user(user: User) -> Author:
    """An agent as an author."""
    return Author(SenderType.USER, user.id)


def by_contact(contact_id: int) -> Author:
    """A customer as an author."""
    return Author(SenderType.CONTACT, contact_id)


# -- beginning


def start(
    inbox: Inbox,
    identity: ContactInbox,
    *,
    by: str,
    status: Status = Status.OPEN,
    assignee_id: int | None = None,
    team_id: int | None = None,
    additional_attributes: dict[str, Any] | None = None,
    custom_attributes: dict[str, Any] | None = None,
) -> Conversation:
    """A new conversation with the contact, numbered. A blocked contact's is born resolved; one that a customer begins
    where Captain answers is his at first."""
    _check_works_here(inbox.account_id, assignee_id)
    contact = session().get_one(Contact, (inbox.account_id, identity.contact_id))
    moment = now()
    is_captains = (
        inbox.is_held_by_captain
        and by.startswith("contact:")
        and status == Status.OPEN
        and assignee_id is None
        and team_id is None
        and not contact.is_blocked
    )
    conversation = Conversation(
        account_id=inbox.account_id,
        display_id=session().connection().execute(_NUMBER, {"account_id": inbox.account_id}).scalar_one(),
        inbox_id=inbox.id,
        contact_id=identity.contact_id,
        contact_inbox_id=identity.id,
        status=Status.RESOLVED if contact.is_blocked else Status.PENDING if is_captains else status,
        held_by=Holder.CAPTAIN if is_captains else None,
        assignee_id=assignee_id,
        team_id=team_id,
        additional_attributes=additional_attributes or {},
        custom_attributes=custom_attributes or {},
        created_at=moment,
        updated_at=moment,
        last_activity_at=moment,
    )
    session().add(conversation)
    record("conversation.created", conversation, by=by)
    return conversation


def current_for(inbox: Inbox, identity: ContactInbox, *, by: str, **fields: Any) -> Conversation:
    """The conversation a customer's next message belongs to, started if there is none. `identity` is locked by `identify`."""
    key = {"account_id": inbox.account_id, "contact_inbox_id": identity.id}
    last = session().exec(_LAST, params=key).first()
    if last is None or (last.status == Status.RESOLVED and not _takes_up_again(inbox)):
        return start(inbox, identity, by=by, **fields)
    return last


_LAST = (
    select(Conversation)
    .where(
        col(Conversation.account_id) == bindparam("account_id"),
        col(Conversation.contact_inbox_id) == bindparam("contact_inbox_id"),
    )
    .order_by(col(Conversation.id).desc())
    .limit(1)
    .with_for_update()
)


def receive(inbox: Inbox, inbound: Inbound) -> Message | None:
    """What a channel brought: the customer's message in his conversation; None if it changed nothing we have.

    A `source_id` we know changes nothing, unless it is an edit, which changes that message's text.
    """
    identity = identify(inbox, inbound.sender_id, name=mended(inbound.sender_name, 255))
    known = _by_source(inbox, inbound.source_id)
    if inbound.kind == InboundKind.EDIT and known is not None:
        edit(known, mended(inbound.text), by=by_contact(identity.contact_id).actor)
        return None
    if known is not None:
        return None
    by = by_contact(identity.contact_id)
    conversation = current_for(inbox, identity, by=by.actor)
    replied_to = _by_source(inbox, inbound.in_reply_to) if inbound.in_reply_to else None
    message = _write(
        conversation,
        by,
        Writing(mended(inbound.text), in_reply_to_id=replied_to.id if replied_to else None),
        MessageType.INCOMING,
        source_id=inbound.source_id,
        occurred_at=inbound.sent_at,
    )
    for file in inbound.files:
        _attach_remote(message, file)
    return message


def receive_unreadable(inbox: Inbox, lane: str, intake_id: int, reason: str) -> Message:
    """A stub where something came in that we could not read: people see it, and the bytes stay in the intake."""
    identity = identify(inbox, lane)
    conversation = current_for(inbox, identity, by="system")
    writing = Writing(content_type="unreadable", content_attributes={"intake_id": intake_id, "reason": reason[:500]})
    return _write(
        conversation, by_contact(identity.contact_id), writing, MessageType.INCOMING, source_id=f"intake:{intake_id}"
    )


# -- writing


def write_incoming(conversation: Conversation, contact_id: int, writing: Writing) -> Message:
    """The customer writes, in the widget or through the public API. Writing the same again gives what is there."""
    return _write(conversation, by_contact(contact_id), writing, MessageType.INCOMING)


def reply(conversation: Conversation, by: Author, writing: Writing, *, seen_version: int | None = None) -> Message:
    """A public answer. With `seen_version`, Stale when the thread has grown since the author looked.

    A person's takes the conversation from whoever held it: from that commit on Captain is silent.
    """
    conversation = queries.locked(conversation.account_id, conversation.id)
    has_grown = seen_version is not None and conversation.thread_version > seen_version
    if has_grown and not _is_written(conversation, writing.client_message_id):
        raise Stale(_("There are new messages. Read them, then send again."))
    if by.type == SenderType.USER:
        hand_off(conversation, by=by.actor, reason="human_replied")
    return _write(conversation, by, writing, MessageType.OUTGOING)


def write_note(conversation: Conversation, by: Author, writing: Writing) -> Message:
    """A note for the team alone."""
    return _write(conversation, by, writing, MessageType.OUTGOING, is_private=True)


def write_template(conversation: Conversation, writing: Writing, by: Author = AUTOMATION) -> Message:
    """What the house says by itself: a greeting, the out-of-office word, a survey. No answer in any metric."""
    return _write(conversation, by, writing, MessageType.TEMPLATE)


def edit(message: Message, content: str, *, by: str) -> None:
    """Another text for the message; the old one is kept as a revision, so that the log's story stays true."""
    if message.content == content or message.deleted_at is not None:
        return
    _keep_revision(message)
    message.content, message.edited_at = content, now()
    conversation = queries.locked(message.account_id, message.conversation_id)
    _record_message("message.updated", conversation, message, by=by, changed=["content"])


def delete_message(message: Message, *, by: str) -> None:
    """Take text and attachments away; the place in the thread stays. What the provider has is not recalled."""
    if message.deleted_at is not None:
        return
    _keep_revision(message)
    message.content, message.deleted_at = "", now()
    message.content_attributes = {**message.content_attributes, "deleted": True}
    mine = (col(Attachment.account_id) == message.account_id, col(Attachment.message_id) == message.id)
    gone = delete(Attachment).where(*mine).returning(col(Attachment.path))
    forget_files(message.account_id, f"message:{message.id}", session().connection().execute(gone).scalars())
    message.has_attachments = False
    conversation = queries.locked(message.account_id, message.conversation_id)
    _record_message("message.deleted", conversation, message, by=by)


def forget_files(account_id: int, ref: str, paths: Iterable[str | None]) -> None:
    """Let the bytes go from the disk once this commits, also when the process dies right after it."""
    if stored := [path for path in paths if path is not None]:
        owe(account_id, FORGET, ref, lane=f"files:{ref}", paths=stored)


def change_content_attributes(message: Message, changes: dict[str, Any], *, by: str) -> None:
    """What the customer filled into a form of ours, such as the survey."""
    message.content_attributes = {**message.content_attributes, **changes}
    conversation = queries.locked(message.account_id, message.conversation_id)
    _record_message("message.updated", conversation, message, by=by, changed=["content_attributes"])


def tell_of_attachments(message: Message) -> None:
    """A file that was on its way is here now, or will not come."""
    _record_message("message.updated", _conversation_of(message), message, by="system", changed=["attachments"])


def send_again(message: Message, *, by: str) -> None:
    """Try once more what failed, or what may not have arrived: a person has decided it."""
    if message.status not in {MessageStatus.FAILED, MessageStatus.UNKNOWN}:
        return
    query = select(Delivery).where(
        col(Delivery.account_id) == message.account_id, col(Delivery.kind) == SEND, col(Delivery.ref) == str(message.id)
    )
    deliver_again(session().exec(query.with_for_update()).one())
    message.status, message.error = MessageStatus.SENDING, None
    _record_message("message.updated", _conversation_of(message), message, by=by, changed=["status"])


def keep_draft(conversation: Conversation, user: User, content: str, *, is_private: bool) -> None:
    """Keep what the agent has begun to write. No event: it is nobody's business yet."""
    key = {
        "account_id": conversation.account_id,
        "conversation_id": conversation.id,
        "user_id": user.id,
        "is_private": is_private,
    }
    content = checked("content", content)
    session().connection().execute(
        insert(ReplyDraft)
        .values(**key, content=content, updated_at=now())
        .on_conflict_do_update(index_elements=list(key), set_={"content": content, "updated_at": now()})
    )


# -- how far an outgoing message came


def mark_sent(message: Message, source_id: str | None) -> None:
    """The provider has it."""
    if message.status in {MessageStatus.DELIVERED, MessageStatus.READ}:
        return
    message.status, message.error = MessageStatus.SENT, None
    if source_id and message.source_id is None:
        message.source_id = source_id
    _record_message("message.sent", _conversation_of(message), message, by="system")


def mark_failed(message: Message, reason: str) -> None:
    """The provider refused it for good."""
    message.status, message.error = MessageStatus.FAILED, reason[:1000]
    _record_message("message.failed", _conversation_of(message), message, by="system", permanent=True)


def mark_unknown(message: Message, reason: str) -> None:
    """It may have arrived: the agent decides whether to send it again."""
    message.status, message.error = MessageStatus.UNKNOWN, reason[:1000]
    _record_message("message.unknown", _conversation_of(message), message, by="system")


# -- status


def resolve(conversation: Conversation, *, by: str) -> None:
    """Close the thread. Resolving a resolved one changes nothing and tells nothing."""
    _change_status(conversation, Status.RESOLVED, by=by)


def reopen(conversation: Conversation, *, by: str) -> None:
    """Back to work; whoever held it hands it over."""
    if conversation.held_by is not None:
        hand_off(conversation, by=by, reason="taken_over")
    else:
        _change_status(conversation, Status.OPEN, by=by)


def wait_for_customer(conversation: Conversation, *, by: str) -> None:
    """Pending, held by nobody: his next message opens it (D2)."""
    _change_status(conversation, Status.PENDING, by=by)


def hold(conversation: Conversation, holder: Holder, *, by: str) -> None:
    """Pending, held by a bot or Captain: people are not called until he hands over."""
    _change_status(conversation, Status.PENDING, by=by, held_by=holder)


def hand_off(conversation: Conversation, *, by: str, reason: str) -> None:
    """The bot or Captain gives the conversation to people; from now on the customer waits for them."""
    if conversation.held_by is None:
        return
    conversation.held_by = None
    conversation.waiting_since = conversation.waiting_since or now()
    _change_status(conversation, Status.OPEN, by=by)
    record("conversation.bot_handoff", conversation, by=by, reason=reason)


def snooze(conversation: Conversation, until: datetime | None, *, by: str) -> None:
    """Out of sight until then, or until the customer writes (None)."""
    if until is not None and until <= now():
        raise Invalid("snoozed_until", _("Choose a time in the future."))
    _change_status(conversation, Status.SNOOZED, by=by, until=until)


def wake(conversation: Conversation, timer_due_at: datetime) -> None:
    """The snooze is over, if it is still the one that was set."""
    if conversation.status == Status.SNOOZED and conversation.snoozed_until == timer_due_at:
        _change_status(conversation, Status.OPEN, by="system")


def change_status(conversation: Conversation, status: Status, *, by: str, until: datetime | None = None) -> None:
    """Whatever status is wanted, for doors that are told it by name."""
    if status == Status.SNOOZED:
        snooze(conversation, until, by=by)
    elif status == Status.OPEN:
        reopen(conversation, by=by)
    else:
        _change_status(conversation, status, by=by)


# -- who has it, what it is


def assign(conversation: Conversation, assignee_id: int | None, *, by: str) -> None:
    """Give it to an agent, or to nobody. NotFound for an agent who was removed meanwhile."""
    if conversation.assignee_id == assignee_id:
        return
    _check_works_here(conversation.account_id, assignee_id)
    before, conversation.assignee_id = conversation.assignee_id, assignee_id
    conversation.updated_at = now()
    record("assignee.changed", conversation, by=by, assignee_change=[before, assignee_id])


def assign_team(conversation: Conversation, team: Team | None, *, by: str) -> None:
    """Give it to a team, or to none. NotFound for a team that was deleted meanwhile."""
    team_id = team.id if team else None
    if conversation.team_id == team_id:
        return
    if team_id is not None:
        user_queries.team(conversation.account_id, team_id, is_kept=True)
    before, conversation.team_id = conversation.team_id, team_id
    conversation.updated_at = now()
    record("team.changed", conversation, by=by, team_change=[before, team_id])


def set_priority(conversation: Conversation, priority: Priority | None, *, by: str) -> None:
    """How urgent it is."""
    if conversation.priority == priority:
        return
    before, conversation.priority = conversation.priority, priority
    conversation.updated_at = now()
    record("conversation.priority_changed", conversation, by=by, priority_change=[before, priority])


def set_labels(conversation: Conversation, labels: Sequence[str], *, by: str) -> None:
    """Let it carry exactly these labels."""
    wanted = sorted({checked("labels", label, 100, required=True).lower() for label in labels})
    if len(wanted) > LABELS_LIMIT:
        raise Invalid("labels", ngettext("%(n)s label at most.", "%(n)s labels at most.", LABELS_LIMIT))
    before = set(conversation.labels)
    added, removed = sorted(set(wanted) - before), sorted(before - set(wanted))
    if not added and not removed:
        return
    conversation.labels, conversation.updated_at = wanted, now()
    record("conversation.labels_changed", conversation, by=by, added=added, removed=removed)


def set_custom_attributes(conversation: Conversation, changes: dict[str, Any], *, by: str) -> None:
    """Merge these in, key by key; null takes a key away."""
    merged = {**conversation.custom_attributes, **changes}
    conversation.custom_attributes = {key: value for key, value in merged.items() if value is not None}
    record("conversation.attributes_changed", conversation, by=by, keys=sorted(changes))


def forget_attributes(conversation: Conversation, keys: Iterable[str], *, by: str) -> None:
    """Take these custom attributes away."""
    left = {key: value for key, value in conversation.custom_attributes.items() if key not in set(keys)}
    if left != conversation.custom_attributes:
        gone = sorted(conversation.custom_attributes.keys() - left)
        conversation.custom_attributes = left
        record("conversation.attributes_changed", conversation, by=by, keys=gone)


def move_to_contact(conversation: Conversation, identity: ContactInbox, *, by: str) -> None:
    """The visitor turned out to be somebody we know: his conversation, and what he wrote in it, becomes that contact's."""
    if conversation.contact_inbox_id == identity.id:
        return
    before = conversation.contact_id
    conversation.contact_id, conversation.contact_inbox_id = identity.contact_id, identity.id
    conversation.updated_at = now()
    session().connection().execute(
        update(Message)
        .where(
            col(Message.account_id) == conversation.account_id,
            col(Message.conversation_id) == conversation.id,
            col(Message.sender_type) == SenderType.CONTACT,
            col(Message.sender_id) == before,
        )
        .values(sender_id=identity.contact_id)
    )
    record("conversation.contact_changed", conversation, by=by, contact_change=[before, identity.contact_id])


def mute(conversation: Conversation, is_muted: bool, *, by: str) -> None:
    """No alerts, and the customer's messages do not open it again; or end that (D6)."""
    if conversation.is_muted != is_muted:
        conversation.is_muted = is_muted
        record("conversation.muted" if is_muted else "conversation.unmuted", conversation, by=by)


# -- who has seen it


def mark_seen(conversation: Conversation, user: User) -> None:
    """The agent has looked at it."""
    moment = now()
    if conversation.assignee_id == user.id:
        conversation.assignee_last_seen_at = moment
    had_unread, conversation.unread_count = conversation.unread_count > 0, 0
    conversation.agent_last_seen_at = moment
    if had_unread:
        record("conversation.read", conversation, by=user.actor, message_id=conversation.last_message_id)


def mark_unread(conversation: Conversation, user: User) -> None:
    """Show it as unread again, to look at it later."""
    conversation.unread_count = max(1, conversation.unread_count)
    conversation.agent_last_seen_at = None
    record("conversation.read", conversation, by=user.actor, message_id=None)


def mark_seen_by_contact(conversation: Conversation) -> None:
    """The customer has our messages before his eyes."""
    if queries.unread_by_contact(conversation):
        conversation.contact_last_seen_at = now()
        by = by_contact(conversation.contact_id).actor
        record("conversation.contact_read", conversation, by=by, message_id=conversation.last_message_id)


# -- below


def _write(
    conversation: Conversation,
    by: Author,
    writing: Writing,
    message_type: MessageType,
    *,
    is_private: bool = False,
    source_id: str | None = None,
    occurred_at: datetime | None = None,
) -> Message:
    conversation = queries.locked(conversation.account_id, conversation.id)
    content = checked("content", writing.content, CONTENT_LIMIT)
    _check(conversation, writing, content, message_type, source_id)
    moment = now()
    is_sent_by_us = message_type in {MessageType.OUTGOING, MessageType.TEMPLATE} and not is_private
    goes_out = is_sent_by_us and _has_provider(conversation)
    message = _insert(
        account_id=conversation.account_id,
        conversation_id=conversation.id,
        inbox_id=conversation.inbox_id,
        message_type=message_type,
        sender_type=by.type,
        sender_id=by.id,
        content=content,
        content_type=writing.content_type,
        content_attributes=writing.content_attributes,
        is_private=is_private,
        status=MessageStatus.SENDING if goes_out else MessageStatus.SENT,
        source_id=source_id,
        client_message_id=writing.client_message_id,
        in_reply_to_id=writing.in_reply_to_id,
        has_attachments=bool(writing.attachments),
        created_at=moment,
        occurred_at=occurred_at or moment,
    )
    if message is None:
        return _written(conversation, writing.client_message_id)
    for stored, name in zip(writing.attachments, [*writing.file_names, *[""] * ATTACHMENTS_LIMIT], strict=False):
        _attach(message, stored, name)
    _move_clocks(conversation, message)
    _record_message("message.created", conversation, message, by=by.actor, occurred_at=message.occurred_at)
    if message_type == MessageType.INCOMING:
        touch(conversation.account_id, conversation.contact_id)
        _open_for_customer(conversation, by.actor)
    if goes_out:
        owe(
            conversation.account_id,
            SEND,
            str(message.id),
            lane=f"conversation:{conversation.id}",
            message_id=message.id,
        )
    return message


def _check(
    conversation: Conversation, writing: Writing, content: str, message_type: MessageType, source_id: str | None
) -> None:
    if source_id is not None:
        # a provider's message is taken whatever it holds
        return
    if len(writing.attachments) > ATTACHMENTS_LIMIT:
        raise Invalid("attachments", ngettext("%(n)s file at most.", "%(n)s files at most.", ATTACHMENTS_LIMIT))
    if not content and not writing.attachments and message_type != MessageType.TEMPLATE:
        raise Invalid("content", _("Write something, or attach a file."))
    if writing.client_message_id is not None:
        checked("client_message_id", writing.client_message_id, 200)
    key = {"account_id": conversation.account_id, "conversation_id": conversation.id, "limit": PER_MINUTE_LIMIT}
    if conversation.thread_version > PER_MINUTE_LIMIT and session().connection().execute(_FLOOD, key).scalar():
        raise TooMany(_("Too many messages in a minute."))


def _move_clocks(conversation: Conversation, message: Message) -> None:
    """Who waits since when, what is unread, how far the thread has grown."""
    conversation.last_activity_at = conversation.updated_at = message.created_at
    if message.message_type != MessageType.TEMPLATE:
        # the list shows what people said, not our own greeting
        conversation.last_message_id = message.id
    if message.is_private:
        return
    conversation.thread_version += 1
    if message.message_type == MessageType.INCOMING:
        conversation.unread_count += 1
        conversation.waiting_since = conversation.waiting_since or message.created_at
    elif message.is_public_reply and message.sender_type in {SenderType.USER, SenderType.CAPTAIN, SenderType.BOT}:
        conversation.waiting_since = None
        if message.sender_type == SenderType.USER:
            conversation.first_replied_at = conversation.first_replied_at or message.created_at


def _open_for_customer(conversation: Conversation, by: str) -> None:
    """What the customer's message does to the status (product.md §2.2 with D2)."""
    if conversation.is_muted or conversation.held_by is not None or conversation.status == Status.OPEN:
        return
    if session().get_one(Contact, (conversation.account_id, conversation.contact_id)).is_blocked:
        return
    inbox = session().get_one(Inbox, (conversation.account_id, conversation.inbox_id))
    if conversation.status == Status.RESOLVED and inbox.is_held_by_captain:
        hold(conversation, Holder.CAPTAIN, by=by)
        return
    _change_status(conversation, Status.OPEN, by=by)


def _change_status(
    conversation: Conversation, status: Status, *, by: str, until: datetime | None = None, held_by: Holder | None = None
) -> None:
    is_same_snooze = status != Status.SNOOZED or conversation.snoozed_until == until
    if conversation.status == status and conversation.held_by == held_by and is_same_snooze:
        return
    before, conversation.status = conversation.status, status
    conversation.held_by = held_by
    timers.cancel(conversation.account_id, WAKE, str(conversation.id))
    conversation.snoozed_until = until if status == Status.SNOOZED else None
    if conversation.snoozed_until is not None:
        timers.set_timer(conversation.account_id, WAKE, str(conversation.id), conversation.snoozed_until)
    if status == Status.RESOLVED:
        conversation.waiting_since = None
    conversation.updated_at = conversation.last_activity_at = now()
    stamp = conversation.snoozed_until.isoformat() if conversation.snoozed_until else None
    record("conversation.status_changed", conversation, by=by, status_change=[before, status], snoozed_until=stamp)


def _record_message(
    name: str,
    conversation: Conversation,
    message: Message,
    *,
    by: str,
    occurred_at: datetime | None = None,
    **data: Any,
) -> None:
    record(
        name,
        conversation,
        by=by,
        occurred_at=occurred_at,
        message_id=message.id,
        message_type=message.message_type,
        is_private=message.is_private,
        sender_type=message.sender_type,
        sender_id=message.sender_id,
        version=message.version,
        content_type=message.content_type,
        **data,
    )


def _keep_revision(message: Message) -> None:
    session().add(
        MessageRevision(
            account_id=message.account_id,
            message_id=message.id,
            version=message.version,
            content=message.content,
            replaced_at=now(),
        )
    )
    message.version += 1


def _attach(message: Message, stored: files.Stored, name: str) -> None:
    session().add(
        Attachment(
            account_id=message.account_id,
            message_id=message.id,
            file_type=FileType(stored.file_type),
            file_name=mended(name, 255) or stored.key,
            content_type=stored.content_type,
            size_bytes=stored.size_bytes,
            path=stored.path,
            key=stored.key,
            width=stored.width,
            height=stored.height,
            created_at=now(),
        )
    )


def _attach_remote(message: Message, file: InboundFile) -> None:
    """A file the provider still has: its place in the message now, its bytes as soon as they can be fetched."""
    attachment = Attachment(
        account_id=message.account_id,
        message_id=message.id,
        file_type=FileType(file.file_type),
        file_name=mended(file.file_name, 255),
        content_type=file.content_type,
        size_bytes=file.size_bytes,
        key=new_token(),
        data=dict(file.data),
        provider_ref=file.provider_ref,
        created_at=now(),
    )
    session().add(attachment)
    message.has_attachments = True
    session().flush()
    if file.provider_ref:
        owe(
            message.account_id,
            FETCH,
            str(attachment.id),
            lane=f"attachment:{attachment.id}",
            attachment_id=attachment.id,
        )


def _by_source(inbox: Inbox, source_id: str) -> Message | None:
    key = {"account_id": inbox.account_id, "inbox_id": inbox.id, "source_id": source_id}
    return session().exec(_BY_SOURCE, params=key).first()


_BY_SOURCE = select(Message).where(
    col(Message.account_id) == bindparam("account_id"),
    col(Message.inbox_id) == bindparam("inbox_id"),
    col(Message.source_id) == bindparam("source_id"),
)


def _insert(**values: Any) -> Message | None:
    """The message with these values, written down; None when its author's own number for it is there already.

    The house's most trodden path: one statement, past the unit of work, which takes three times as long.
    """
    number = session().connection().execute(_INSERT, values).scalar()
    if number is None:
        return None
    message = Message(id=number, **values)
    make_transient_to_detached(message)
    session().add(message)
    return message


_INSERT = (
    insert(Message)
    .on_conflict_do_nothing(
        index_elements=["account_id", "conversation_id", "client_message_id"],
        index_where=col(Message.client_message_id).is_not(None),
    )
    .returning(col(Message.id))
)


def _written(conversation: Conversation, client_message_id: str | None) -> Message:
    """What its author has written under that number of his."""
    return session().exec(_under(conversation, client_message_id)).one()


def _is_written(conversation: Conversation, client_message_id: str | None) -> bool:
    return client_message_id is not None and session().exec(_under(conversation, client_message_id)).first() is not None


def _under(conversation: Conversation, client_message_id: str | None) -> SelectOfScalar[Message]:
    return select(Message).where(
        col(Message.account_id) == conversation.account_id,
        col(Message.conversation_id) == conversation.id,
        col(Message.client_message_id) == client_message_id,
    )


def _check_works_here(account_id: int, assignee_id: int | None) -> None:
    if assignee_id is not None and not user_queries.staying(account_id, {assignee_id}):
        raise NotFound(_("There is no such agent."))


def _conversation_of(message: Message) -> Conversation:
    return queries.locked(message.account_id, message.conversation_id)


def _takes_up_again(inbox: Inbox) -> bool:
    """Whether a customer's message opens a resolved conversation, rather than starting another."""
    if inbox.lock_to_single_conversation:
        return True
    return inbox.channel in {Channel.WEBSITE, Channel.API} and inbox.allow_messages_after_resolved


def _has_provider(conversation: Conversation) -> bool:
    """Whether our messages leave the house: in website and API inboxes the customer comes for them."""
    channel = inbox_queries.channel(conversation.account_id, conversation.inbox_id)
    return channel not in {Channel.WEBSITE, Channel.API}


_NUMBER = text(
    "insert into counter (account_id, kind, value) values (:account_id, 'conversation', 1)"
    " on conflict (account_id, kind) do update set value = counter.value + 1 returning value"
)
_FLOOD = text(
    "select count(*) >= :limit from (select 1 from message where account_id = :account_id"
    " and conversation_id = :conversation_id and created_at > now() - interval '1 minute' limit :limit) few"
)
