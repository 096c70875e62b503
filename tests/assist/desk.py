"""Captain at work in a test: an assistant who answers, a help center he has read, the couriers run by hand."""

import contextlib
import time
from collections.abc import Callable

from sqlalchemy import text
from sqlmodel import col, select

from app.assist.actions import change_assistant
from app.assist.assistants import first_assistant
from app.assist.calibrating import UNCORRECTED, noted
from app.assist.models import Draft, DraftState, Mode, Passage
from app.clock import now
from app.config import settings
from app.consumers import DELIVERIES
from app.conversations.models import Conversation, Message
from app.conversations.queries import locked, thread
from app.database import across_accounts, session, transaction
from app.deliveries.courier import deliver_next
from app.help_center.actions import create_article, create_category, create_portal
from app.help_center.models import Article
from app.inboxes.models import Inbox
from captain.client import Captain, CaptainAway
from captain.wire import Calibration
from tests.world import World, asks, everyone_reads

ARTICLES = {
    "Как сменить пароль": "Откройте профиль и выберите «Сменить пароль». Новый пароль содержит не меньше восьми символов.",
    "Сколько файлов можно прикрепить": "К одному сообщению можно прикрепить до пятнадцати файлов, каждый до 40 МБ.",
    "Как отложить диалог": "Нажмите «Отложить» и выберите время. Диалог вернётся в список сам.",
    "Что такое метки": "Метка — это слово, по которому диалоги находят. Их может быть до пятидесяти.",
}


def answering(world: World, accepted_error: float = 0.5) -> World:
    """The account's assistant talks to customers himself."""
    with transaction(world.account_id) as current:
        change_assistant(
            first_assistant(world.account_id), by="system", mode=Mode.ANSWERS, accepted_error=accepted_error
        )
        inbox = current.get_one(Inbox, (world.account_id, world.inbox.id))
    return World(world.account_id, world.ada, world.bo, inbox)


def help_center(world: World) -> list[Article]:
    """A few articles, published."""
    with transaction(world.account_id):
        portal = create_portal(world.account_id, "acme", "Acme", by=world.ada.actor, locales=["ru", "en"])
        shelf = create_category(portal, "ru", "Основы", by=world.ada.actor)
        return [
            create_article(portal, "ru", title, content, by=world.ada.actor, category=shelf, status="published")
            for title, content in ARTICLES.items()
        ]


def works(world: World) -> None:
    """Everybody reads, everything owed is delivered, whenever it was due."""
    for _round in range(3):
        everyone_reads(world)
        with across_accounts():
            session().connection().execute(text("update delivery set available_at = now() where state = 'ready'"))
        while deliver_next(DELIVERIES):
            pass


def says(world: World, words: str, who: str = "mika") -> Message:
    """The customer writes, and Captain has his turn."""
    asked = asks(world, words, who=who)
    works(world)
    return asked


def said(asked: Message) -> list[Message]:
    """What Captain has said in that conversation, to the customer."""
    with transaction(asked.account_id):
        found = thread(locked(asked.account_id, asked.conversation_id), public_only=True)
    return [message for message in found if message.sender_type == "captain"]


def latest_conversation(world: World) -> Conversation:
    """The one begun last."""
    with transaction(world.account_id) as current:
        return current.exec(select(Conversation).order_by(col(Conversation.id).desc())).first()


def has_read(world: World) -> bool:
    """Whether a real Captain has come to the end of the help center."""
    with transaction(world.account_id) as current:
        rows = list(current.exec(select(Passage.model)))
    return len(rows) >= 2 * len(ARTICLES) and all(rows)


def is_awake() -> bool:
    """Whether Captain answers at all."""
    with contextlib.suppress(CaptainAway):
        return bool(Captain(settings().captain_socket, 5.0).ping())
    return False


def until(holds: Callable[[], bool]) -> None:
    """Wait for what others do."""
    for _try in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to pass in a minute")


def decided(world: World, message: Message, count: int, state: DraftState, used: Calibration = UNCORRECTED) -> None:
    """So many drafts that he was sure of at 90 %, and what agents made of them."""
    with transaction(world.account_id):
        last = session().exec(select(Draft.attempt).order_by(col(Draft.attempt).desc()).limit(1)).first() or 0
        for number in range(count):
            session().add(
                Draft(
                    account_id=world.account_id,
                    conversation_id=message.conversation_id,
                    message_id=message.id,
                    attempt=last + number + 1,
                    content="Так и есть.",
                    confidence=0.9,
                    features=noted(used),
                    state=state,
                    edit_distance=0,
                    decided_at=now(),
                )
            )
