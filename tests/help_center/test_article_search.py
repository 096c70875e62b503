"""What search finds, and in which order."""

import pytest
from sqlalchemy import text

from app.database import across_accounts, transaction
from app.help_center import queries
from app.help_center.models import Portal
from tests.help_center.shelf import a_portal, an_article
from tests.world import acme, globex

pytestmark = pytest.mark.usefixtures("database")


def found(portal: Portal, words: str, locale: str = "ru", limit: int = 10) -> list[str]:
    with transaction(portal.account_id):
        return [article.title for article in queries.search(portal, locale, words, limit).articles]


@pytest.mark.parametrize("words", ["возврат", "возвраты", "Возвратов", "ВОЗВРАТУ", "возвр"])
def test_every_form_of_a_word_finds_it_and_so_does_its_beginning(words: str) -> None:
    portal = a_portal(acme())
    an_article(portal, "Как оформить возврат")
    an_article(portal, "Другое", "Совсем о другом.")
    assert found(portal, words) == ["Как оформить возврат"]


@pytest.mark.parametrize("words", ["ёлка", "елка", "ЁЛКИ"])
def test_yo_is_ye_for_who_types_it(words: str) -> None:
    portal = a_portal(acme())
    an_article(portal, "Новогодняя ёлка")
    assert found(portal, words) == ["Новогодняя ёлка"]


def test_the_title_counts_more_than_the_text() -> None:
    portal = a_portal(acme())
    an_article(portal, "Оплата", "Про доставку тоже немного: доставка платная.")
    an_article(portal, "Доставка", "Сроки и цены.")
    assert found(portal, "доставка")[0] == "Доставка"


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    portal = a_portal(acme())
    for n in range(6):
        an_article(portal, f"Номер {n}", "Всё о заказе, заказе и ещё раз заказе, и снова о заказе.")
    an_article(portal, "Прочее", "Здесь про заказ, а ещё про крыжовник и другие ягоды.")
    assert found(portal, "крыжовник из заказа")[0] == "Прочее"


@pytest.mark.parametrize("words", ["автмоатическое назначеине", "автоматическе", "назнчение"])
def test_a_typing_error_in_a_title_is_forgiven(words: str) -> None:
    portal = a_portal(acme())
    an_article(portal, "Автоматическое назначение диалогов")
    an_article(portal, "Оплата картой")
    assert found(portal, words) == ["Автоматическое назначение диалогов"]


def test_english_words_have_english_stems() -> None:
    portal = a_portal(acme())
    an_article(portal, "Refunding orders", "How refunds work.", locale="en")
    assert found(portal, "refunded order", locale="en") == ["Refunding orders"]
    assert found(portal, "refund", locale="ru") == []


def test_only_what_readers_may_read_is_found() -> None:
    world, other = acme(), globex()
    portal, second, theirs = a_portal(world), a_portal(world, "second"), a_portal(other, "globex")
    an_article(portal, "Тайна в черновике", status="draft")
    an_article(portal, "Тайна в архиве", status="archived")
    an_article(second, "Тайна другого портала")
    an_article(theirs, "Тайна другой компании")
    an_article(portal, "Тайна по-английски", locale="en")
    an_article(portal, "Тайна для всех")
    assert found(portal, "тайна") == ["Тайна для всех"]
    assert found(portal, "тайнаа") == ["Тайна для всех"]


def test_similar_titles_show_nothing_of_others_even_when_asked_directly() -> None:
    mine, theirs = a_portal(acme()), a_portal(globex(), "globex")
    an_article(theirs, "Тайна другой компании")
    query = text("select count(*) from similar_titles(:portal, 'ru', 'тайна другой компании', 10)")
    with transaction(mine.account_id) as current:
        assert current.connection().execute(query, {"portal": theirs.id}).scalar() == 0
    with transaction(theirs.account_id) as current:
        assert current.connection().execute(query, {"portal": theirs.id}).scalar() == 1
    with across_accounts() as current:
        assert current.connection().execute(query, {"portal": theirs.id}).scalar() == 0


@pytest.mark.parametrize(
    "words", ["", " ", "'", "\\", "' & |", "!", "a:*b", "<->", "🍓", "и", "%", "x" * 3000, "а б " * 500]
)
def test_nothing_that_somebody_types_breaks_it(words: str) -> None:
    portal = a_portal(acme())
    an_article(portal)
    assert isinstance(found(portal, words), list)


def test_as_many_as_wanted_and_no_more() -> None:
    portal = a_portal(acme())
    for n in range(5):
        an_article(portal, f"Доставка {n}")
    assert len(found(portal, "доставка", limit=3)) == 3
