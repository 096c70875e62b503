"""What keeps the list quick where an account is large: few queries, and none that reads a table row by row."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from app.contacts import queries as contact_queries
from app.contacts.actions import create_contact
from app.conversations import queries
from app.conversations.queries import Filter
from app.database import session, transaction
from tests import world

pytestmark = pytest.mark.usefixtures("database")


@contextmanager
def statements() -> Iterator[list[str]]:
    heard: list[str] = []

    def listen(_connection, _cursor, statement, *_rest):
        heard.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    yield heard
    event.remove(Engine, "before_cursor_execute", listen)


def test_a_list_takes_as_many_queries_with_thirty_conversations_as_with_one():
    acme = world.acme()
    world.asks(acme, who="mika")
    with transaction(acme.account_id):
        one = queries.page(Filter(acme.account_id, acme.ada.id))
        with statements() as for_one:
            queries.rows(one)
    for n in range(30):
        world.replies(acme, world.asks(acme, who=f"visitor{n}"))
    with transaction(acme.account_id):
        many = queries.page(Filter(acme.account_id, acme.ada.id), limit=31)
        with statements() as for_many:
            rows = queries.rows(many)
    assert len(rows) == 31
    assert len(for_one) <= len(for_many) <= 2


def test_a_row_says_all_of_its_conversation():
    acme = world.acme()
    reply = world.replies(acme, world.asks(acme, who="mika"))
    with transaction(acme.account_id):
        (row,) = queries.rows(queries.page(Filter(acme.account_id, acme.ada.id)))
    assert (row.contact.name, row.inbox.id, row.team) == ("Mika", acme.inbox.id, None)
    assert row.contact_inbox.source_id == "mika"
    assert row.last_message.id == reply.id
    assert row.last_writer[0].id == acme.ada.id


def test_words_find_the_contacts_of_this_account_alone():
    acme, globex = world.acme(), world.globex()
    world.asks(acme, who="ёлочкина")
    world.asks(globex, who="ёлочкина")
    for words in ("ЁЛОЧ", "елоч"):
        with transaction(acme.account_id):
            found = queries.page(Filter(acme.account_id, acme.ada.id, words=words))
            ids = list(session().exec(contact_queries.named(words)))
        assert [one.account_id for one in found] == [acme.account_id]
        assert ids == [found[0].contact_id]


def test_signs_of_patterns_are_only_signs():
    acme = world.acme()
    world.asks(acme, who="mika")
    for words in ("%", "_", "\\"):
        with transaction(acme.account_id):
            assert queries.page(Filter(acme.account_id, acme.ada.id, words=words)) == []


@pytest.mark.parametrize("how", ["email", "words"])
def test_contacts_are_found_through_an_index(how):
    acme = world.acme()
    with transaction(acme.account_id):
        create_contact(acme.account_id, by="system", name="Mika", email="Mika@Example.org")
    with statements() as heard, transaction(acme.account_id):
        if how == "email":
            assert contact_queries.by_identity(acme.account_id, email="MIKA@example.org").name == "Mika"
        else:
            assert len(contact_queries.page(acme.account_id, limit=5, words="example.org")) == 1
    asked = next(one for one in heard if "FROM contact" in one)
    assert "contacts_named" in asked if how == "words" else "lower(" not in asked


def test_the_index_for_e_mails_is_one_that_row_level_security_lets_through():
    acme = world.acme()
    with transaction(acme.account_id):
        session().connection().execute(text("set local enable_seqscan = off"))
        session().connection().execute(text("set local enable_bitmapscan = off"))
        query = (
            "explain (format json) select id from contact where account_id = :account and email = 'mika@example.org'"
        )
        plan = json.dumps(session().connection().execute(text(query), {"account": acme.account_id}).scalar_one())
    assert "ix_contact_email" in plan
    assert "mika@example.org" in plan.split('"Index Cond"')[1].split('"Filter"')[0]
