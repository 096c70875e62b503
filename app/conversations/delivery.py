"""Messages on their way out, and attachments on their way in: what the courier does for conversations."""

from dataclasses import dataclass

from app import files
from app.accounts.models import Account
from app.channels.base import Outbound, OutboundFile, Secrets, Sent
from app.channels.registry import adapter
from app.contacts.models import ContactInbox
from app.conversations import actions
from app.conversations.models import Attachment, Conversation, FileType, Message, MessageStatus
from app.conversations.queries import attachments
from app.database import session
from app.deliveries.courier import Kind
from app.deliveries.models import Delivery, DeliveryState
from app.i18n import speaking
from app.inboxes.actions import channel_secrets
from app.inboxes.models import Inbox


@dataclass(frozen=True)
class Parcel:
    """A message, ready for its channel. locale: what the account is told in when it goes wrong."""

    locale: str
    channel: str
    secrets: Secrets
    message: Outbound


@dataclass(frozen=True)
class Wanted:
    """A file that a provider keeps for us."""

    account_id: int
    locale: str
    channel: str
    secrets: Secrets
    provider_ref: str


def _pack(delivery: Delivery) -> Parcel | None:
    current = session()
    message = current.get(Message, (delivery.account_id, delivery.data["message_id"]))
    if message is None or message.deleted_at is not None or message.status in {MessageStatus.SENT, MessageStatus.READ}:
        return None
    conversation = current.get_one(Conversation, (message.account_id, message.conversation_id))
    identity = current.get_one(ContactInbox, (message.account_id, conversation.contact_inbox_id))
    inbox = current.get_one(Inbox, (message.account_id, message.inbox_id))
    replied_to = current.get(Message, (message.account_id, message.in_reply_to_id)) if message.in_reply_to_id else None
    sent_along = attachments(message.account_id, {message.id}).get(message.id, [])
    return Parcel(
        current.get_one(Account, message.account_id).locale,
        inbox.channel,
        channel_secrets(inbox),
        Outbound(
            recipient_id=identity.source_id,
            text=message.content,
            send_token=f"{message.account_id}-{message.id}",
            in_reply_to=replied_to.source_id if replied_to else None,
            files=tuple(
                OutboundFile(files.location(a.path), a.file_name, a.content_type, a.file_type)
                for a in sent_along
                if a.path
            ),
            arrived=tuple(delivery.data.get("progress", ())),
        ),
    )


def _send(parcel: Parcel) -> Sent:
    channel = adapter(parcel.channel)
    if channel is None:
        return Sent(())
    with speaking(parcel.locale):
        return channel.send(parcel.secrets, parcel.message)


def _sent(delivery: Delivery, sent: Sent) -> None:
    message = session().get_one(Message, (delivery.account_id, delivery.data["message_id"]))
    actions.mark_sent(message, sent.source_ids[0] if sent.source_ids else None)


def _ended(delivery: Delivery, state: DeliveryState, reason: str) -> None:
    message = session().get(Message, (delivery.account_id, delivery.data["message_id"]))
    if message is None:
        return
    if state == DeliveryState.UNKNOWN:
        actions.mark_unknown(message, reason)
    else:
        actions.mark_failed(message, reason)


def _want(delivery: Delivery) -> Wanted | None:
    current = session()
    attachment = current.get(Attachment, (delivery.account_id, delivery.data["attachment_id"]))
    if attachment is None or attachment.path is not None or not attachment.provider_ref:
        return None
    message = current.get_one(Message, (attachment.account_id, attachment.message_id))
    inbox = current.get_one(Inbox, (message.account_id, message.inbox_id))
    locale = current.get_one(Account, message.account_id).locale
    return Wanted(attachment.account_id, locale, inbox.channel, channel_secrets(inbox), attachment.provider_ref)


def _fetch(wanted: Wanted) -> files.Stored:
    channel = adapter(wanted.channel)
    if channel is None:
        raise RuntimeError(f"{wanted.channel} keeps no files for us")
    with speaking(wanted.locale):
        return files.put_bytes(wanted.account_id, channel.fetch(wanted.secrets, wanted.provider_ref))


def _fetched(delivery: Delivery, stored: files.Stored) -> None:
    attachment = session().get(Attachment, (delivery.account_id, delivery.data["attachment_id"]))
    if attachment is None:
        # its message was deleted while the bytes were on their way
        files.remove(stored.path)
        return
    attachment.path, attachment.size_bytes, attachment.content_type = (
        stored.path,
        stored.size_bytes,
        stored.content_type,
    )
    attachment.file_type, attachment.width, attachment.height = FileType(stored.file_type), stored.width, stored.height
    _tell(attachment)


def _lost(delivery: Delivery, _state: DeliveryState, reason: str) -> None:
    attachment = session().get(Attachment, (delivery.account_id, delivery.data["attachment_id"]))
    if attachment is not None:
        attachment.error = reason[:1000]
        _tell(attachment)


def _tell(attachment: Attachment) -> None:
    message = session().get_one(Message, (attachment.account_id, attachment.message_id))
    actions.tell_of_attachments(message)


def _paths(delivery: Delivery) -> list[str]:
    return list(delivery.data["paths"])


def _remove(paths: list[str]) -> None:
    for path in paths:
        files.remove(path)


def _removed(_delivery: Delivery, _result: None) -> None:
    """There is nothing to note: it was to be forgotten."""


def _kept(_delivery: Delivery, _state: DeliveryState, _reason: str) -> None:
    """The disk refuses: it stands among the dead deliveries, for an administrator."""


COURIERS = {
    actions.SEND: Kind(actions.SEND, _pack, _send, _sent, _ended),
    actions.FETCH: Kind(actions.FETCH, _want, _fetch, _fetched, _lost, may_repeat=True, attempts=8),
    actions.FORGET: Kind(actions.FORGET, _paths, _remove, _removed, _kept, may_repeat=True),
}
