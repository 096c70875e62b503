"""Notes on contacts by the API, as Chatwoot's clients keep them."""

from typing import Any

import pytest

from app.database import session, transaction
from app.users.actions import remove_agent
from app.users.models import AccountUser
from tests.api import shapes
from tests.api.cast import Asking, World
from tests.api.shapes import fits


@pytest.fixture
def at(world: World) -> str:
    return f"contacts/{world.mika.id}/notes"


def test_a_note_is_written_flat_or_wrapped_and_says_who_wrote_it(
    ada: Asking, bo: Asking, at: str, world: World
) -> None:
    first = fits(shapes.Note, ada.post(at, {"content": "Звонить после шести"}))
    second = fits(shapes.Note, bo.post(at, {"note": {"content": "Любит чай"}}))
    assert (first["content"], first["contact_id"]) == ("Звонить после шести", world.mika.id)
    assert [(note["content"], note["user"]["name"]) for note in bo.get(at).json] == [
        ("Любит чай", "Bo"),
        ("Звонить после шести", "Ада"),
    ]
    assert fits(shapes.Note, ada.get(f"{at}/{second['id']}")) == second


@pytest.mark.parametrize("sent", [{}, {"content": " "}, {"content": "n" * 10_001}, {"content": ["n"]}])
def test_a_note_without_words_or_with_too_many_is_refused_by_name(ada: Asking, at: str, sent: dict[str, Any]) -> None:
    answer = ada.post(at, sent)
    assert (answer.status_code, answer.json["attributes"]) == (422, ["content"])
    assert ada.get(at).json == []


def test_one_changes_and_deletes_ones_own_and_an_administrator_any(ada: Asking, bo: Asking, at: str) -> None:
    hers = f"{at}/{ada.post(at, {'content': 'Ада'}).json['id']}"
    his = f"{at}/{bo.post(at, {'content': 'Bo'}).json['id']}"
    assert [bo.patch(hers, {"content": "?"}).status_code, bo.delete(hers).status_code] == [401, 401]
    assert fits(shapes.Note, bo.patch(his, {"content": "Bo again"}))["content"] == "Bo again"
    assert ada.patch(his, {"content": ""}).status_code == 422
    assert [note["content"] for note in ada.get(at).json] == ["Bo again", "Ада"]
    answer = ada.delete(his)
    assert (answer.status_code, answer.data) == (200, b"")
    assert [note["content"] for note in ada.get(at).json] == ["Ада"]


def test_nobody_reads_or_changes_notes_of_another_contact_or_company(
    ada: Asking, eve: Asking, at: str, world: World
) -> None:
    note = ada.post(at, {"content": "secret"}).json["id"]
    other = f"contacts/{world.foreign.contact_id}/notes"
    answers = [eve.get(at), eve.post(at, {"content": "?"}), eve.delete(f"{at}/{note}")]
    answers += [eve.get(f"{other}/{note}"), eve.delete(f"{other}/{note}"), ada.get(f"contacts/{10**9}/notes")]
    assert [answer.status_code for answer in answers] == [404] * 6
    assert len(ada.get(at).json) == 1


def test_the_note_of_an_agent_who_left_stays_without_an_author(ada: Asking, bo: Asking, at: str, world: World) -> None:
    bo.post(at, {"content": "Любит чай"})
    with transaction(world.acme.id):
        remove_agent(session().get_one(AccountUser, (world.acme.id, world.bo.id)), by=world.ada.actor)
    left = fits(shapes.Note, ada.get(f"{at}/{ada.get(at).json[0]['id']}"))
    assert (left["content"], left["user"]) == ("Любит чай", None)
