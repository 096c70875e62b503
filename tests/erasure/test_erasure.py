"""Who is deleted is nowhere any more: in no column of any table, in no file, in nothing the numbers are made of."""

import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import text

from analytics import build, extract
from analytics.lake import account
from app import files, timers
from app.assist.actions import suggest_pair
from app.assist.assistants import first_assistant
from app.assist.models import DocumentState, Draft, Memory, Suggestion, Trial, TrialQuestion
from app.clock import now
from app.consumers import DELIVERIES
from app.contacts.actions import attach, create_contact, update_contact
from app.contacts.models import Contact, ContactInbox, Note
from app.contacts.queries import contact
from app.conversations import actions
from app.conversations.actions import Writing, by_contact, by_user
from app.conversations.models import Message, Status
from app.conversations.queries import locked
from app.database import across_accounts, session, transaction
from app.deliveries.courier import deliver_next
from app.erasure import actions as actions_of_erasure
from app.erasure.actions import erase
from app.errors import NotFound
from app.events import log
from app.events.cursors import ParkedEvent
from app.inboxes.actions import create_inbox, update_inbox
from app.inboxes.models import Channel
from app.intake.actions import take_in
from app.mail import owe_letter
from app.main import create_app
from app.surveys.actions import answer, ask, review
from app.users import tokens
from app.users.models import User
from tests.entering import signed_in
from tests.history.past import conversation as past_conversation
from tests.history.past import imports, says
from tests.world import World, acme, asks, conversation_of, everyone_reads, globex, replies

CANARY = "Канарейка"
CHAT = "70007000"
ADDRESS = "kanareyka@example.org"
PHONE = "+996555123456"
# What tells who he was, as it may stand in a table: words, addresses, his number at the provider, bytes
TELLING = (CANARY, ADDRESS, PHONE, CHAT, "kanareyka", CANARY.encode().hex())
FAR_NUMBER = 987_654_321


@pytest.fixture
def world(database: None) -> World:
    return acme()


def test_not_a_word_of_him_is_left_anywhere(world: World, tmp_path: Path) -> None:
    him, kept = _known_everywhere(world)
    neighbour = asks(world, "Я другой", who="neighbour")
    before = _tables_that_tell()
    assert {
        "attachment", "contact", "contact_inbox", "conversation", "delivery", "document", "draft", "intake", "message",
        "message_revision", "note", "parked_event", "reply_draft", "suggestion", "survey", "timer", "trial_question",
    } <= before  # fmt: skip
    _erase(world, him)
    everyone_reads(world)
    assert _tables_that_tell() == set()
    while deliver_next(DELIVERIES):
        pass
    assert not any(files.location(stored.path).exists() for stored in kept)
    with transaction(world.account_id):
        assert session().get_one(Message, (world.account_id, neighbour.id)).content == "Я другой"
        with pytest.raises(NotFound):
            contact(world.account_id, him)


def test_no_table_that_names_a_conversation_or_a_contact_was_forgotten(database: None) -> None:
    """A new one has to be looked at: what in it is his?"""
    with across_accounts() as current:
        tables = set(current.connection().execute(_OF_PEOPLE).scalars())
    known = Path(actions_of_erasure.__file__).read_text()
    # these hold numbers and times alone
    assert {table for table in tables if table not in known} <= {"event", "agent_presence"}


def test_the_numbers_stay_and_the_lake_forgets_whose_they_were(world: World, tmp_path: Path) -> None:
    him, _files = _known_everywhere(world)
    before = _lake(world, tmp_path)
    assert str(him) in before
    counts = _counts(world)
    _erase(world, him)
    everyone_reads(world)
    assert str(him) not in _lake(world, tmp_path)
    marts = account(tmp_path, world.account_id).current()
    assert marts is not None
    assert str(him) not in "".join(_told(file) for file in marts.glob("*.parquet"))
    assert pl.read_parquet(marts / "conversations.parquet").height == counts["conversation"]
    assert _counts(world) == counts


def test_what_he_began_is_closed_and_stays_without_a_word(world: World) -> None:
    asked = asks(world)
    replies(world, asked)
    _erase(world, _contact_of(asked))
    found = conversation_of(asked)
    assert found.status == Status.RESOLVED
    client, key = _client(world)
    said = client.get(f"/api/v1/accounts/{world.account_id}/conversations/{found.display_id}/messages", headers=key)
    assert {message["content"] for message in said.get_json()["payload"]} == {"Сообщение удалено"}


def test_the_log_says_that_he_was_deleted_and_by_whom_and_no_more(world: World) -> None:
    asked = asks(world)
    him = _contact_of(asked)
    _erase(world, him)
    with transaction(world.account_id):
        (event,) = log.read(world.account_id, 0, 1000, names=["contact.deleted"])
    assert (event.actor, event.data) == (world.ada.actor, {"contact_id": him})


def test_nobody_is_asked_for_a_rating_by_a_deletion(world: World) -> None:
    with transaction(world.account_id) as current:
        update_inbox(current.merge(world.inbox), by="system", csat_enabled=True)
    asked = asks(world)
    replies(world, asked)
    _erase(world, _contact_of(asked))
    everyone_reads(world)
    assert _counts(world)["survey"] == 0


def test_who_writes_again_is_somebody_new(world: World) -> None:
    asked = asks(world)
    _erase(world, _contact_of(asked))
    again = asks(world, "Снова я")
    assert again.conversation_id != asked.conversation_id
    assert _contact_of(again) != _contact_of(asked)


def test_who_writes_at_that_very_moment_is_erased_with_the_rest_or_somebody_new(world: World) -> None:
    first = asks(world, f"{CANARY} 0")
    writers = [threading.Thread(target=asks, args=(world, f"{CANARY} {n}")) for n in range(1, 6)]
    eraser = threading.Thread(target=_erase, args=(world, _contact_of(first)))
    for thread in (*writers[:3], eraser, *writers[3:]):
        thread.start()
    for thread in (*writers, eraser):
        thread.join()
    with transaction(world.account_id) as current:
        left = current.connection().execute(_LEFT_IN_EMPTIED).scalar_one()
        told = current.connection().execute(text("select count(*) from message")).scalar_one()
    assert left == 0
    assert told == 6


def test_what_still_speaks_of_him_when_he_is_gone_is_refused(world: World) -> None:
    asked = asks(world)
    him = _contact_of(asked)
    with transaction(world.account_id):
        found = locked(world.account_id, asked.conversation_id)
        survey = ask(found, resolved_seq=1, resolver_id=None, team_id=None, locale="ru")
        assert survey is not None
    _erase(world, him)
    with pytest.raises(NotFound), transaction(world.account_id) as current:
        answer(current.merge(survey), 5, CANARY)
    with pytest.raises(NotFound), transaction(world.account_id):
        actions.write_incoming(locked(world.account_id, asked.conversation_id), him, Writing(CANARY))
    with pytest.raises(Exception, match="was deleted"), transaction(world.account_id) as current:
        update_contact(current.get_one(Contact, (world.account_id, him)), by="system", name=CANARY)
    assert _tables_that_tell() == set()


def test_a_pair_that_a_person_approved_stays_and_knows_no_conversation(world: World) -> None:
    asked = asks(world)
    with transaction(world.account_id):
        assistant = first_assistant(world.account_id)
        for state in (DocumentState.PENDING, DocumentState.REJECTED, DocumentState.APPROVED):
            suggest_pair(assistant, f"Вопрос {state}?", "Ответ", by="captain", state=state,
                         conversation_id=asked.conversation_id)  # fmt: skip
    _erase(world, _contact_of(asked))
    with transaction(world.account_id) as current:
        left = current.connection().execute(text("select title, conversation_id from document")).all()
    assert [tuple(row) for row in left] == [("Вопрос approved?", None)]


def test_a_history_that_is_imported_again_brings_nobody_back(world: World) -> None:
    told = past_conversation(says(0, "m1", "contact", CANARY), name="v1")
    imports(world.account_id, told)
    with transaction(world.account_id) as current:
        him = current.connection().execute(text("select id from contact where external_id = 'p1'")).scalar_one()
    _erase(world, him)
    outcome, refused = imports(world.account_id, told)
    assert (outcome.made, refused) == ({}, {})
    outcome, refused = imports(world.account_id, past_conversation(says(0, "m2", "contact", CANARY), name="v2"))
    assert "p1" in next(iter(refused.values()))
    assert _tables_that_tell() == set()


def test_the_visitor_that_he_was_before_goes_with_him(world: World) -> None:
    asked = asks(world, who="mika")
    him = _contact_of(asked)
    with transaction(world.account_id):
        empty = create_contact(world.account_id, by="system", name=CANARY)
        busy = create_contact(world.account_id, by="system", name="Занятый")
        session().flush()
        for other in (empty, busy):
            update_contact(other, by="system", additional_attributes={"became_contact_id": him})
        place = attach(busy, world.inbox, "busy")
        actions.start(world.inbox, place, by=busy.actor)
    _erase(world, him)
    with transaction(world.account_id):
        assert contact(world.account_id, busy.id).name == "Занятый"
    assert _tables_that_tell() == set()


def test_only_administrators_delete_and_only_their_own(world: World) -> None:
    asked, theirs = asks(world), globex()
    foreign = _contact_of(asks(theirs))
    him, at = _contact_of(asked), f"/api/v1/accounts/{world.account_id}/contacts"
    client, admin = _client(world)
    _client_of_bo, agent = _client(world, world.bo)
    assert client.delete(f"{at}/{him}", headers=agent).status_code in {401, 403}
    assert client.delete(f"{at}/{foreign}", headers=admin).status_code == 404
    assert client.delete(f"{at}/{him}", headers=admin).status_code == 200
    for method in (client.get, client.delete):
        assert method(f"{at}/{him}", headers=admin).status_code == 404
    assert him not in {row["id"] for row in client.get(at, headers=admin).get_json()["payload"]}
    with transaction(theirs.account_id):
        assert contact(theirs.account_id, foreign).erased_at is None


def test_an_administrator_deletes_from_the_card_and_an_agent_sees_no_button(world: World) -> None:
    him = _contact_of(asks(world))
    page, deletion = f"/contacts/{him}", f"/contacts/{him}/deletion"
    boss, agent = signed_in(world.ada, world), signed_in(world.bo, world)
    assert deletion in boss.get(page).get_data(as_text=True)
    assert deletion not in agent.get(page).get_data(as_text=True)
    same = {"Sec-Fetch-Site": "same-origin"}
    assert agent.post(deletion, headers=same).status_code == 403
    assert boss.post(deletion, headers=same).headers["Location"] == "/contacts?deleted=1"
    assert boss.get(page).status_code == 404
    assert "Контакт" in boss.get("/contacts").get_data(as_text=True)
    assert boss.get("/conversations/1").status_code == 200


# -- the contact


def _known_everywhere(world: World) -> tuple[int, list[files.Stored]]:
    """A contact with something personal in each place that can hold it, and the files he sent."""
    account_id, by = world.account_id, world.ada.actor
    with transaction(account_id) as current:
        numbered = Contact(account_id=account_id, id=FAR_NUMBER, name=CANARY)
        current.add(numbered)
        current.flush()
        attach(numbered, world.inbox, "mika")
    asked = asks(world, f"{CANARY}: где мой заказ?", who="mika")
    other, him = asks(world, "Другой вопрос", who="other"), _contact_of(asked)
    stored = [files.put_bytes(account_id, f"{CANARY} {n}".encode()) for n in range(2)]
    with transaction(account_id) as current:
        found = locked(account_id, asked.conversation_id)
        known = current.get_one(Contact, (account_id, him))
        update_contact(known, by=by, name=CANARY, email=ADDRESS, phone_number=PHONE, identifier="kanareyka",
                       additional_attributes={"city": CANARY}, custom_attributes={"vip": CANARY})  # fmt: skip
        known.external_id, known.labels = ADDRESS, [CANARY.lower()]
        found.additional_attributes, found.identifier = {"referer": f"https://example.org/{CANARY}"}, "kanareyka"
        actions.set_custom_attributes(found, {"order": CANARY}, by=by)
        current.add(Note(account_id=account_id, contact_id=him, user_id=world.ada.id, content=CANARY))
        first = actions.write_incoming(
            found, him, Writing(CANARY, attachments=stored[:1], file_names=[f"{CANARY}.txt"])
        )
        actions.edit(first, f"{CANARY}!", by=by_contact(him).actor)
        gone = actions.write_incoming(found, him, Writing(attachments=stored[1:]))
        actions.delete_message(gone, by=by)
        first.error = first.source_id = f"{CHAT}:1"
        actions.write_note(found, by_user(world.ada), Writing(f"{CANARY} звонил"))
        actions.keep_draft(found, world.ada, f"Здравствуйте, {CANARY}", is_private=False)
        current.add(Draft(account_id=account_id, conversation_id=found.id, message_id=first.id, content=CANARY))
        suggest_pair(first_assistant(account_id), f"{CANARY} спросил?", CANARY, by="captain",
                     state=DocumentState.PENDING, conversation_id=found.id)  # fmt: skip
        current.add(Suggestion(account_id=account_id, conversation_id=found.id, asked=CANARY, content=CANARY))
        current.add(Memory(account_id=account_id, conversation_id=found.id, question_ids=[first.id]))
        another = locked(account_id, other.conversation_id)
        seen = [{"conversation_id": found.id}]
        current.add(Suggestion(account_id=account_id, conversation_id=another.id, content=CANARY, shown=seen))
        trial = Trial(account_id=account_id, assistant_id=first_assistant(account_id).id)
        current.add(trial)
        current.flush()
        made = {"outcome": "answer", "text": CANARY}
        current.add(TrialQuestion(account_id=account_id, trial_id=trial.id, conversation_id=found.id, current=made))
        owe_letter(account_id, ADDRESS, "Ваша беседа", CANARY)
        survey = ask(found, resolved_seq=1, resolver_id=None, team_id=None, locale="ru")
        assert survey is not None
        answer(survey, 2, f"{CANARY} недоволен")
        review(survey, f"Позвонить: {CANARY}", world.ada.id, by=by)
        timers.set_timer(account_id, actions.WAKE, str(found.id), now())
        telegram = create_inbox(account_id, Channel.TELEGRAM, "Телеграм", by=by)
        current.flush()
        take_in(account_id, telegram.id, provider_key="1", lane=CHAT, raw=CANARY.encode(), headers={"X-From": CANARY})
        place = attach(known, telegram, CHAT)
    with transaction(account_id) as current:
        here = current.get_one(ContactInbox, (account_id, place.id))
        elsewhere = actions.start(current.merge(telegram), here, by=by)
        current.flush()
        actions.reply(elsewhere, by_user(world.ada), Writing(f"{CANARY}, уже едет"))
        current.connection().execute(
            text("update delivery set error = :words where kind = 'message'"), {"words": CANARY}
        )
        current.connection().execute(text("update timer set error = :words"), {"words": CANARY})
        seq = log.of_conversation(account_id, asked.conversation_id)[0].seq
        current.add(ParkedEvent(account_id=account_id, reader="sla", seq=seq, error=f"{CANARY} ?"))
    return him, stored


def _erase(world: World, contact_id: int) -> None:
    with transaction(world.account_id):
        erase(contact(world.account_id, contact_id), by=world.ada.actor)


def _contact_of(message: Message) -> int:
    return conversation_of(message).contact_id


# -- what is left


def _tables_that_tell() -> set[str]:
    """Every table with something of TELLING in any column, letters large or small."""
    with across_accounts() as current:
        tables = current.connection().execute(_TABLES).scalars().all()
        return {
            table
            for table in tables
            for (row,) in current.connection().exec_driver_sql(f'select t::text from "{table}" t')
            if any(word.lower() in row.lower() for word in TELLING)
        }


def _counts(world: World) -> dict[str, int]:
    with transaction(world.account_id) as current:
        return {
            name: current.connection().exec_driver_sql(f"select count(*) from {name}").scalar_one()
            for name in ("conversation", "message", "survey")
        }


def _lake(world: World, lake: Path) -> str:
    """Everything the lake holds of the log, after a build, as one text."""
    with transaction(world.account_id) as current:
        extract.extract(current.connection().connection.dbapi_connection, world.account_id, lake)
    build.build(lake, world.account_id)
    home = account(lake, world.account_id)
    return "".join(_told(file) for file in [*home.events.glob("*.parquet"), *home.tables.glob("*.parquet")])


def _told(file: Path) -> str:
    return pl.read_parquet(file).write_ndjson()


def _client(world: World, user: User | None = None) -> tuple[Any, dict[str, str]]:
    with across_accounts() as current:
        key = tokens.api_token(current.get_one(User, (user or world.ada).id))
    return create_app().test_client(), {"Api-Access-Token": key}


_TABLES = text("""
    select c.relname from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
        and c.relname <> 'alembic_version'
""")
_OF_PEOPLE = text("""
    select distinct c.relname from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
        and a.attname in ('conversation_id', 'contact_id', 'message_id', 'contact_inbox_id')
""")
_LEFT_IN_EMPTIED = text("""
    select count(*) from message m join conversation c on c.id = m.conversation_id join contact p on p.id = c.contact_id
    where p.erased_at is not null and m.content <> ''
""")
