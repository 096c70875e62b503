"""The door for providers: what is authentic is kept before it is acknowledged; nothing else leaves a trace."""

import itertools
import json

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import col, select

from app import consumers, hooks
from app.channels import telegram
from app.contacts.models import Contact, ContactInbox
from app.conversations.models import Conversation, Message
from app.database import across_accounts, engine, transaction
from app.embedded import DATABASE, SUPERUSER, Cluster
from app.events import log
from app.inboxes.actions import delete_inbox
from app.inboxes.models import Inbox
from app.intake import lanes
from app.intake.models import Intake
from tests.channels import updates
from tests.channels.fake_telegram import TOKEN
from tests.kernel.conftest import account, at_once, inbox_of

SECRET = {"X-Telegram-Bot-Api-Secret-Token": telegram.hook_secret(TOKEN)}


@pytest.fixture
def inbox(database: None) -> Inbox:
    return inbox_of(account("Acme"), TOKEN)


@pytest.fixture
def web() -> FlaskClient:
    app = Flask(__name__)
    hooks.register(app)
    return app.test_client()


def knock(web: FlaskClient, inbox: Inbox, raw: bytes, headers: dict[str, str] = SECRET) -> int:
    return web.post(
        f"/hooks/telegram/{inbox.key}", data=raw, headers=headers, content_type="application/json"
    ).status_code


def rows() -> list[Intake]:
    with across_accounts() as current:
        return list(current.exec(select(Intake).order_by(col(Intake.id))))


def work_all() -> None:
    while waiting := lanes.waiting():
        for lane in waiting:
            while lanes.work(lane, consumers.HANDLE, consumers.GIVE_UP):
                pass


def everything(inbox: Inbox, model: type) -> list:
    with transaction(inbox.account_id) as current:
        return list(current.exec(select(model).order_by(col(model.id))))


# -- who may come in


def test_what_telegram_sends_is_kept_as_it_came(web, inbox):
    raw = updates.text("Здравствуйте!")
    assert knock(web, inbox, raw) == 200
    [row] = rows()
    assert (row.raw, row.lane, row.inbox_id, row.account_id) == (raw, "5001", inbox.id, inbox.account_id)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Telegram-Bot-Api-Secret-Token": ""},
        {"X-Telegram-Bot-Api-Secret-Token": "wrong"},
        {"X-Telegram-Bot-Api-Secret-Token": TOKEN},
        {"X-Telegram-Bot-Api-Secret-Token": telegram.hook_secret("654321:another")},
        {"Authorization": f"Bearer {telegram.hook_secret(TOKEN)}"},
    ],
)
def test_what_somebody_else_sends_leaves_no_trace(web, inbox, headers):
    assert knock(web, inbox, updates.text(), headers) == 403
    assert rows() == []


def test_an_inbox_without_a_secret_lets_nobody_in(web, database):
    bare = inbox_of(account("Bare"), "")
    for token in ("", TOKEN):
        headers = {"X-Telegram-Bot-Api-Secret-Token": telegram.hook_secret(token)}
        assert knock(web, bare, updates.text(), headers) == 403
    assert rows() == []


def test_the_secret_of_one_inbox_opens_no_other(web, inbox):
    other = inbox_of(account("Globex"), "654321:another")
    assert knock(web, other, updates.text()) == 403
    assert rows() == []


def test_an_unknown_address_is_not_found(web, inbox):
    for path in ("telegram/nosuch", f"nonsense/{inbox.key}", f"website/{inbox.key}", f"api/{inbox.key}"):
        assert web.post(f"/hooks/{path}", data=updates.text(), headers=SECRET).status_code == 404
    assert web.get(f"/hooks/telegram/{inbox.key}").status_code == 405
    assert rows() == []


def test_a_closed_inbox_takes_nothing_more(web, inbox):
    with transaction(inbox.account_id) as current:
        delete_inbox(current.get_one(Inbox, (inbox.account_id, inbox.id)), by="system")
    assert knock(web, inbox, updates.text()) == 404


def test_more_than_a_megabyte_is_refused(web, inbox):
    assert knock(web, inbox, b"x" * 1_000_001) == 413
    assert rows() == []
    assert knock(web, inbox, updates.text("x" * 900_000)) == 200


def test_what_cannot_be_kept_is_not_acknowledged(web, inbox, cluster: Cluster):
    with psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True) as administrator:
        administrator.execute(f"alter database {DATABASE} allow_connections false")
        engine().dispose()
        try:
            response = web.post(f"/hooks/telegram/{inbox.key}", data=updates.text(), headers=SECRET)
        finally:
            administrator.execute(f"alter database {DATABASE} allow_connections true")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert rows() == []
    assert knock(web, inbox, updates.text()) == 200


# -- from there to the conversation


def test_a_message_comes_to_the_contacts_conversation(web, inbox):
    knock(web, inbox, updates.text("Здравствуйте!", number=1, message_id=1))
    knock(web, inbox, updates.text("Вы тут?", number=2, message_id=2))
    work_all()
    assert [contact.name for contact in everything(inbox, Contact)] == ["Мика Осмонов"]
    assert len(everything(inbox, Conversation)) == 1
    assert [message.content for message in everything(inbox, Message)] == ["Здравствуйте!", "Вы тут?"]


def test_a_provider_that_repeats_itself_changes_nothing(web, inbox):
    """T02: every update five times, at once; and again after it was read."""
    raws = [updates.text(f"Сообщение {number}", number=number, message_id=number) for number in range(1, 21)]
    storm = list(itertools.chain.from_iterable(raws[start : start + 5] * 5 for start in range(0, 20, 5)))

    def send(number: int) -> None:
        for raw in storm[number::5]:
            assert knock(web, inbox, raw) == 200

    at_once(5, send)
    work_all()
    for raw in storm:
        knock(web, inbox, raw)
    work_all()

    assert sorted(m.content for m in everything(inbox, Message)) == sorted(f"Сообщение {n}" for n in range(1, 21))
    assert len(everything(inbox, Conversation)) == len(everything(inbox, Contact)) == 1
    with transaction(inbox.account_id):
        names = [event.name for event in log.read(inbox.account_id, 0, 1000)]
    assert names.count("message.created") == 20
    assert names.count("conversation.created") == names.count("contact.created") == 1


def test_the_same_update_in_other_bytes_changes_nothing(web, inbox):
    raw = updates.text("Один раз")
    knock(web, inbox, raw)
    knock(web, inbox, json.dumps(json.loads(raw), indent=1).encode())
    assert len(rows()) == 2
    work_all()
    assert [message.content for message in everything(inbox, Message)] == ["Один раз"]


def test_first_messages_in_parallel_open_one_conversation_per_contact(web, inbox):
    """T03: fifty at a time, twenty contacts, while workers are at it."""
    people = range(7001, 7021)

    def write(number: int) -> None:
        for person in people:
            message = number * 100 + person
            knock(web, inbox, updates.text(f"{number}", number=message, message_id=number + 1, chat_id=person))
            if number % 10 == 0:
                work_all()

    at_once(50, write, seconds=300)
    work_all()

    identities = everything(inbox, ContactInbox)
    conversations = everything(inbox, Conversation)
    assert sorted(int(identity.source_id) for identity in identities) == list(people)
    assert len(everything(inbox, Contact)) == 20
    assert sorted(c.contact_inbox_id for c in conversations) == sorted(i.id for i in identities)
    assert sorted(c.display_id for c in conversations) == list(range(1, 21))
    assert len(everything(inbox, Message)) == 50 * 20


def test_an_edit_changes_the_words_and_keeps_the_old_ones(web, inbox):
    knock(web, inbox, updates.text("Здравствуйте!"))
    knock(web, inbox, updates.EDIT)
    knock(web, inbox, updates.EDIT)
    work_all()
    [message] = everything(inbox, Message)
    assert message.content == "Здравствуйте, это Мика!"
    assert message.version == 2


def test_what_cannot_be_read_is_seen_by_people_and_holds_up_nobody(web, inbox):
    knock(web, inbox, b'{"update_id": 1, "message": {"chat": {"id": 5001}, "text": 7}}')
    knock(web, inbox, updates.text("После", number=2, message_id=2))
    knock(web, inbox, updates.text("Рядом", number=3, message_id=2, chat_id=5002))
    for _turn in range(3):
        work_all()
        with transaction(inbox.account_id) as current:
            for row in current.exec(select(Intake)):
                row.available_at = row.received_at
    contents = {(message.content, message.content_type) for message in everything(inbox, Message)}
    assert contents == {("", "unreadable"), ("После", "text"), ("Рядом", "text")}
    assert rows()[0].raw == b'{"update_id": 1, "message": {"chat": {"id": 5001}, "text": 7}}'


def test_files_are_in_the_message_at_once_and_fetched_afterwards(web, inbox, outside, monkeypatch, tmp_path):
    from app.conversations.models import Attachment
    from app.deliveries.courier import deliver_next

    outside.files["large"] = b"\xff\xd8\xff\xe0 a picture"
    knock(web, inbox, updates.PHOTO)
    work_all()
    [attachment] = everything(inbox, Attachment)
    assert (attachment.path, attachment.provider_ref) == (None, "large")
    while deliver_next(consumers.DELIVERIES):
        pass
    [attachment] = everything(inbox, Attachment)
    assert attachment.path
    assert attachment.size_bytes == len(outside.files["large"])
