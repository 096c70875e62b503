"""Letters we write ourselves: confirmations, invitations, password links. Owed as deliveries, sent by the courier.

Without SMTP_URL they are put as .eml files into the data folder, so that a trial needs no mail server.
"""

import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from app import security
from app.config import settings
from app.deliveries.actions import owe
from app.deliveries.courier import Kind
from app.deliveries.models import Delivery
from app.errors import ChannelError

logger = logging.getLogger(__name__)

KIND = "mail"


@dataclass(frozen=True)
class Letter:
    """A plain-text letter; `message_id` is the same whenever it is sent again."""

    to: str
    subject: str
    text: str
    message_id: str


def owe_letter(account_id: int, to: str, subject: str, text: str) -> None:
    """Let a letter go out once this transaction commits. Its text is sealed: it may hold a link worth a password."""
    message_id = make_msgid(domain=urlsplit(settings().public_url).hostname or "localhost")
    body = security.seal({"to": to, "subject": subject, "text": text})
    owe(account_id, KIND, message_id, lane=to.lower(), body=body)


def _prepare(delivery: Delivery) -> Letter:
    body = security.unseal(delivery.data["body"])
    return Letter(body["to"], body["subject"], body["text"], delivery.ref)


def _send(letter: Letter) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings().mail_from, letter.to, letter.subject
    message["Message-ID"], message["Date"], message["Auto-Submitted"] = (
        letter.message_id,
        formatdate(),
        "auto-generated",
    )
    message.set_content(letter.text)
    if settings().smtp_url:
        _by_smtp(message)
    else:
        _to_folder(message, letter)


def _by_smtp(message: EmailMessage) -> None:
    """smtp://user:password@host:587 (STARTTLS when offered) or smtps://…:465."""
    url = urlsplit(settings().smtp_url)
    host, port = url.hostname or "localhost", url.port or (465 if url.scheme == "smtps" else 587)
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=15, context=ssl.create_default_context())
            if url.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=15)
        ) as server:
            if url.scheme != "smtps" and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as refusal:
        permanent = all(500 <= code < 600 for code, _reason in refusal.recipients.values())
        raise ChannelError("The mail server refused the address.", permanent=permanent) from refusal
    except (smtplib.SMTPException, OSError) as problem:
        raise ChannelError(
            f"The mail server did not take the letter: {type(problem).__name__}", permanent=False
        ) from problem


def _to_folder(message: EmailMessage, letter: Letter) -> None:
    folder = settings().home / "mail"
    folder.mkdir(parents=True, exist_ok=True)
    name = letter.message_id.strip("<>").replace("/", "_")
    (folder / f"{name}.eml").write_bytes(bytes(message))
    logger.info("no SMTP_URL: a letter to %s lies in %s", letter.to, folder)


COURIER = Kind(
    KIND, _prepare, _send, lambda _delivery, _result: None, lambda _delivery, _state, _error: None, may_repeat=True
)
