"""What PostgreSQL hands to Captain: published passages of one account alone, the best of each way of searching."""

from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import col, select

from app.assist import queries
from app.assist.models import INDEXED_DIMENSIONS, TITLE, Passage
from app.assist.queries import Scope
from app.database import across_accounts, session, transaction
from app.help_center.actions import create_article, create_category, create_portal, unpublish
from app.help_center.models import Article
from captain.text import content
from captain.wire import Candidate, Understood
from tests.world import World, acme, globex

pytestmark = pytest.mark.usefixtures("database")


def vector(place: int, dimension: int = 384) -> list[float]:
    return [1.0 if i == place else 0.0 for i in range(dimension)]


def understood(question: str, place: int = 300, dimension: int = 384) -> Understood:
    return Understood(question, "ru", tuple(vector(place, dimension)), "tests")


class Shelf:
    """A help center whose passages have vectors of their own."""

    def __init__(self, world: World, slug: str) -> None:
        self.world = world
        with transaction(world.account_id):
            self.portal = create_portal(world.account_id, slug, slug, by=world.ada.actor)
            self.category = create_category(self.portal, "ru", "Основы", by=world.ada.actor)
        self.scope = Scope(world.account_id, (self.portal.id,), ("ru",))

    def put(self, title: str, *texts: str, first: int = 0, model: str = "tests", **more: Any) -> Article:
        """An article with these passages; their vectors point to `first`, `first` + 1 …; its title's to 100 + `first`."""
        with transaction(self.world.account_id):
            article = create_article(
                self.portal, "ru", title, " ".join(texts), by=self.world.ada.actor, category=self.category,
                **{"status": "published"} | more,
            )  # fmt: skip
            for position, words in enumerate(("", *texts), TITLE):
                place = first + position if words else 100 + first
                session().add(
                    Passage(
                        account_id=self.world.account_id, article_id=article.id, portal_id=self.portal.id, title=title,
                        position=position, content=words, content_hash=f"{title}{position}", embedding=vector(place), model=model,
                    )
                )  # fmt: skip
        return article

    def found(self, question: str, place: int = 300, scope: Scope | None = None) -> list[Candidate]:
        within = scope or self.scope
        return queries._candidates(within, understood(question, place), self.worded(question, within))

    def worded(self, question: str, within: Scope) -> list[int]:
        with across_accounts():
            return queries._worded(within, content(question))


def texts(found: list[Candidate]) -> set[str]:
    return {one.text for one in found}


def test_a_candidate_carries_every_score_and_where_it_stands() -> None:
    shelf = Shelf(acme(), "acme")
    shelf.put("Возврат", "Деньги приходят.", "За пять дней.", first=7)
    first, second = sorted(shelf.found("возврат", place=8), key=lambda one: one.position or 0)
    assert (first.cosine, second.cosine) == (0.0, 1.0)
    assert first.title_cosine == 0.0
    assert (first.article_cosine, second.article_cosine) == (0.5, 0.5)
    assert first.title_similarity == 1.0
    assert (first.position, second.position) == (0, 1)
    assert first.url is not None
    assert "/hc/acme/ru/articles/" in first.url


def test_a_candidate_carries_the_cosines_of_its_sentences_in_their_order() -> None:
    shelf = Shelf(acme(), "acme")
    shelf.put("Возврат", "Раз. Два. Три.", "Один.", first=7)
    with transaction(shelf.world.account_id) as current:
        row = current.exec(select(Passage).where(col(Passage.position) == 0)).one()
        row.sentence_embeddings = [vector(8), vector(300), [0.6, 0.8, *[0.0] * 382]]
    first, second = sorted(shelf.found("возврат", place=300), key=lambda one: one.position or 0)
    assert (first.sentence_cosines, second.sentence_cosines) == ((0.0, 1.0, 0.0), ())
    assert shelf.found("возврат", place=1)[0].sentence_cosines[2] == pytest.approx(0.8, abs=1e-3)


def test_sentences_that_another_model_has_read_are_not_compared() -> None:
    shelf = Shelf(acme(), "acme")
    shelf.put("Возврат", "Раз. Два.", model="before")
    with transaction(shelf.world.account_id) as current:
        row = current.exec(select(Passage).where(col(Passage.position) == 0)).one()
        row.sentence_embeddings = [[1.0, 0.0], [0.0, 1.0]]
    (found,) = shelf.found("возврат")
    assert found.sentence_cosines == ()


def test_an_article_without_a_title_has_no_cosine_of_it() -> None:
    shelf = Shelf(acme(), "acme")
    article = shelf.put("Деньги", "Деньги приходят.")
    with transaction(shelf.world.account_id) as current:
        for passage in current.exec(select(Passage).where(col(Passage.article_id) == article.id)):
            passage.title = ""
    (found,) = shelf.found("деньги", place=0)
    assert (found.title_cosine, found.article_cosine) == (None, 1.0)


def test_a_passage_is_found_by_its_vector_by_its_articles_title_and_by_its_words() -> None:
    shelf = Shelf(acme(), "acme")
    for i in range(60):
        shelf.put(f"Прочее {i}", "Ничего особенного.", first=i)
    shelf.put("Редкое", "Синхрофазотрон продаём оптом.", first=80)
    assert "Синхрофазотрон продаём оптом." in texts(shelf.found("?", place=80))
    assert "Синхрофазотрон продаём оптом." in texts(shelf.found("?", place=180))
    assert "Синхрофазотрон продаём оптом." in texts(shelf.found("почём синхрофазотроны"))


def test_drafts_unpublished_articles_and_other_portals_are_never_found() -> None:
    world = acme()
    shelf, other = Shelf(world, "acme"), Shelf(world, "partners")
    shelf.put("Черновик", "Секрет черновика.", status="draft")
    gone = shelf.put("Снятая", "Секрет снятой.")
    other.put("Партнёрам", "Секрет партнёров.")
    with transaction(world.account_id):
        unpublish(session().get_one(Article, (world.account_id, gone.id)), by=world.ada.actor)
    assert shelf.found("секрет", place=0) == []
    assert texts(other.found("секрет", place=0)) == {"Секрет партнёров."}


def test_what_is_not_shown_takes_no_place_from_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "SIDE", 3)
    shelf = Shelf(acme(), "acme")
    for i in range(6):
        shelf.put(f"Черновик {i}", "Секрет.", status="draft")
    shelf.put("Чай", "Чай вкусный.", first=50)
    shelf.put("Кофе", "Секрет кофе.", model="before")
    assert texts(shelf.found("секрет", place=0)) == {"Чай вкусный.", "Секрет кофе."}


def test_a_passage_that_full_text_names_is_told_only_where_it_may_be_seen() -> None:
    shelf = Shelf(acme(), "acme")
    shelf.put("Черновик", "Секрет.", status="draft", model="before")
    with transaction(shelf.world.account_id) as current:
        numbers = current.exec(select(Passage.id)).all()
    assert queries._candidates(shelf.scope, understood("?"), numbers) == []


def test_full_text_looks_in_the_own_account_alone_though_it_runs_as_the_installation() -> None:
    mine, theirs = Shelf(acme(), "acme"), Shelf(globex(), "globex")
    theirs.put("Чужое", "Чужой секрет.")
    assert mine.found("секрет") == []
    # even when the scope names a portal of theirs
    assert mine.found("секрет", scope=replace(mine.scope, portal_ids=(theirs.portal.id,))) == []
    assert mine.worded("секрет", replace(mine.scope, portal_ids=(theirs.portal.id,))) == []


def test_a_passage_without_a_vector_or_with_one_of_another_model_is_found_by_its_words_alone() -> None:
    shelf = Shelf(acme(), "acme")
    shelf.put("Старое", "Вектор от прежней модели.", model="before")
    assert shelf.found("?", place=0) == []
    (found,) = shelf.found("вектор")
    assert (found.cosine, found.title_cosine) == (None, None)


@pytest.mark.parametrize("dimension", [INDEXED_DIMENSIONS, INDEXED_DIMENSIONS + 1, 3072])
def test_vectors_are_compared_whether_an_index_can_hold_them_or_not(dimension: int) -> None:
    shelf = Shelf(acme(), "acme")
    shelf.put("Чай", "Чай вкусный.", first=1)
    shelf.put("Кофе", "Кофе крепкий.", first=2)
    with transaction(shelf.world.account_id) as current:
        for passage in current.exec(select(Passage)):
            passage.embedding = [*passage.embedding, *[0.0] * (dimension - 384)]
    found = queries._candidates(shelf.scope, understood("?", 2, dimension), [])
    assert {one.text: one.cosine for one in found} == {"Чай вкусный.": 0.0, "Кофе крепкий.": 1.0}


def test_of_many_words_the_rarest_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "RAREST", 2)
    shelf = Shelf(acme(), "acme")
    for i in range(45):
        shelf.put(f"Обычное {i}", "Доставка заказа курьером.", first=i)
    shelf.put("Редкое", "Гравировка.", first=60)
    shelf.put("Редкое тоже", "Пломбир.", first=61)
    assert {"Гравировка.", "Пломбир."} <= texts(shelf.found("доставка заказа курьером гравировка пломбир"))


def test_a_word_that_very_many_passages_have_is_still_looked_for_when_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries, "MATCHES", 3)
    shelf = Shelf(acme(), "acme")
    for i in range(5):
        shelf.put(f"Обычное {i}", "Доставка.", first=i, model="before")
    assert len(shelf.found("доставка")) == 5


@pytest.mark.parametrize("odd", ["", "👍", "' | & ! :*", "a\\b 'c'", "ы" * 1000])
def test_odd_questions_are_searched_too(odd: str) -> None:
    shelf = Shelf(acme(), "acme")
    shelf.put("Чай", "Чай вкусный.")
    assert texts(shelf.found(odd, place=0)) == {"Чай вкусный."}


def test_a_citation_leads_to_its_very_words_without_the_mark_of_a_list() -> None:
    assert queries._fragment("1. Откройте «Мои заказы».\n2. Нажмите.").startswith("#:~:text=%D0%9E%D1%82")
    assert queries._fragment("• Чай").endswith("%D0%A7%D0%B0%D0%B9")
    assert queries._fragment("по-русски") == "#:~:text=%D0%BF%D0%BE%2D%D1%80%D1%83%D1%81%D1%81%D0%BA%D0%B8"
    assert queries._fragment("Чай: Цена, ₽ — 350; Дней — 5") == "#:~:text=%D0%A7%D0%B0%D0%B9", "the first cell alone"


def test_an_account_without_articles_has_no_candidates() -> None:
    assert Shelf(acme(), "acme").found("чай") == []
