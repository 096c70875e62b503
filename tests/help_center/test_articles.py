"""What portals, categories and articles promise."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import clock
from app.accounts.models import Account, AccountStatus
from app.database import across_accounts, session, transaction
from app.errors import Invalid, NotFound
from app.help_center import queries
from app.help_center.actions import (
    archive,
    create_category,
    publish,
    unpublish,
    update_article,
    update_category,
    update_portal,
    view,
    vote,
)
from app.help_center.models import Article, Portal
from tests.help_center.shelf import BY, a_category, a_portal, an_article, told
from tests.world import acme, globex

pytestmark = pytest.mark.usefixtures("database")


def as_it_is(article: Article) -> Article:
    with transaction(article.account_id):
        return session().get_one(Article, (article.account_id, article.id))


def change(portal: Portal, **fields: Any) -> None:
    with transaction(portal.account_id):
        session().add(portal)
        update_portal(portal, by=BY, **fields)


def test_an_address_is_made_of_the_title_in_latin_letters() -> None:
    portal = a_portal(acme())
    assert an_article(portal, "Как отследить заказ? Ёж, щука").slug == "kak-otsledit-zakaz-ezh-shchuka"
    assert an_article(portal, "Как отследить заказ? Ёж, щука").slug == "kak-otsledit-zakaz-ezh-shchuka-2"
    assert an_article(portal, "🍓").slug == "article"
    assert len(an_article(portal, "Очень длинное название " * 10).slug) <= 80
    english = an_article(portal, "Где мой заказ?", locale="en")
    assert english.slug == an_article(portal, "Где мой заказ?").slug, "each language has its own addresses"


def test_two_who_write_the_same_title_at_once_get_two_addresses() -> None:
    portal = a_portal(acme())
    slugs: list[str] = []
    writers = [threading.Thread(target=lambda: slugs.append(an_article(portal, "Возврат").slug)) for _ in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(slugs) == ["vozvrat", *(f"vozvrat-{n}" for n in range(2, 7))]


@pytest.mark.parametrize("slug", ["Возврат", "a b", "-a", "a/../b", "<b>", "a" * 81])
def test_an_address_that_is_none_is_refused(slug: str) -> None:
    portal = a_portal(acme())
    with pytest.raises(Invalid) as refusal:
        an_article(portal, slug=slug)
    assert refusal.value.field == "slug"


def test_an_address_that_is_taken_is_refused() -> None:
    portal = a_portal(acme())
    first, second = an_article(portal, slug="return"), an_article(portal, slug="other")
    with pytest.raises(Invalid), transaction(portal.account_id):
        update_article(second, by=BY, slug="return")
    assert (first.slug, as_it_is(second).slug) == ("return", "other")


def test_another_accounts_portal_keeps_its_address() -> None:
    a_portal(acme(), "help")
    other = globex()
    with pytest.raises(Invalid) as refusal:
        a_portal(other, "help")
    assert refusal.value.field == "slug"
    mine = a_portal(other, "help-2")
    with pytest.raises(Invalid):
        change(mine, slug="help")


def test_a_portal_speaks_its_default_language_at_least() -> None:
    world = acme()
    portal = a_portal(world, locales=[], default_locale="en")
    assert portal.locales == ["en"]
    change(portal, default_locale="ru")
    assert portal.locales == ["ru", "en"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("color", "red"),
        ("color", "#c8102e;background:url(x)"),
        ("homepage_link", "javascript:alert(1)"),
        ("locales", ["klingon!"]),
        ("default_locale", "../etc"),
        ("timezone", "Moon/Sea"),
        ("inbox_id", 4711),
        ("name", " "),
    ],
)
def test_a_portal_cannot_be_given_nonsense(field: str, value: Any) -> None:
    portal = a_portal(acme())
    with pytest.raises(Invalid) as refusal:
        change(portal, **{field: value})
    assert refusal.value.field.startswith(field.removesuffix("s").removeprefix("default_"))


def test_a_change_of_what_is_read_moves_the_date_and_nothing_else_does() -> None:
    world = acme()
    portal = a_portal(world)
    written = datetime(2026, 1, 5, 12, tzinfo=UTC)
    with clock.stopped_at(written):
        article = an_article(portal)
    shelf = a_category(portal)
    with clock.stopped_at(written + timedelta(days=9)):
        with transaction(world.account_id):
            session().add(article)
            assert update_article(article, by=BY, position=70, category=shelf, meta={"title": "x"}) == [
                "category_id",
                "meta",
                "position",
            ]
            view(article)
            vote(article, is_helpful=True)
            unpublish(article, by=BY)
            publish(article, by=BY)
        assert as_it_is(article).updated_at == written
        with transaction(world.account_id):
            session().add(article)
            assert update_article(article, by=BY, content="Уже приехал.") == ["content"]
    kept = as_it_is(article)
    assert kept.updated_at == written + timedelta(days=9)
    assert (kept.views, kept.helpful_count, kept.published_at) == (1, 1, written)


def test_a_change_that_changes_nothing_tells_nothing() -> None:
    world = acme()
    article = an_article(a_portal(world))
    before = told(world)
    with transaction(world.account_id):
        session().add(article)
        assert update_article(article, by=BY, title=article.title, content=" В пути. ") == []
        publish(article, by=BY)
    assert told(world) == before


def test_the_log_tells_the_life_of_an_article() -> None:
    world = acme()
    portal = a_portal(world)
    article = an_article(portal, status="draft")
    with transaction(world.account_id):
        session().add(article)
        publish(article, by="user:7")
        update_article(article, by="user:7", title="Иначе")
        archive(article, by="user:7")
        unpublish(article, by="user:7")
        publish(article, by="user:7")
        view(article)
        vote(article, is_helpful=False)
    assert told(world) == [
        "portal.created",
        "article.created",
        "article.published",
        "article.updated",
        "article.unpublished",
        "article.updated",
        "article.published",
        "article.viewed",
        "article.voted",
    ]


def test_readings_at_the_same_time_are_all_counted() -> None:
    article = an_article(a_portal(acme()))

    def read() -> None:
        with transaction(article.account_id):
            view(article)

    readers = [threading.Thread(target=read) for _ in range(10)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert as_it_is(article).views == 10


def test_a_category_of_another_language_or_portal_is_refused() -> None:
    world = acme()
    portal, other = a_portal(world), a_portal(world, "second")
    for wrong in (a_category(portal, locale="en"), a_category(other)):
        with pytest.raises(Invalid) as refusal:
            an_article(portal, category=wrong)
        assert refusal.value.field == "category"
    with pytest.raises(Invalid), transaction(world.account_id):
        create_category(portal, "de", "Versand", by=BY)


def test_an_author_must_work_here() -> None:
    world, stranger = acme(), globex().ada
    portal = a_portal(world)
    assert an_article(portal, author_id=world.ada.id).author_id == world.ada.id
    with pytest.raises(Invalid) as refusal:
        an_article(portal, author_id=stranger.id)
    assert refusal.value.field == "author_id"


def test_a_category_can_be_changed() -> None:
    world = acme()
    category = a_category(a_portal(world))
    with transaction(world.account_id):
        session().add(category)
        changed = update_category(category, by=BY, name="Возврат", icon="🍓", slug="return", position=5)
        assert changed == ["icon", "name", "position", "slug"]
        assert update_category(category, by=BY, name="Возврат") == []
    assert told(world, "category.updated") == ["category.updated"]


def test_shelves_hold_what_is_published_and_who_wrote_it() -> None:
    world = acme()
    portal = a_portal(world)
    second, first = a_category(portal, "Второй", position=20), a_category(portal, "Первый", position=10)
    a_category(portal, "Пустой")
    for n in range(7):
        an_article(portal, f"Статья {n}", category=first, author_id=world.ada.id, position=100 - n)
    an_article(portal, "Чужая рука", category=first, author_id=world.bo.id)
    an_article(portal, "Черновик", category=second, status="draft", author_id=world.bo.id)
    an_article(portal, "Видна", category=second)
    an_article(portal, "Без полки")
    an_article(portal, "English", locale="en")
    with transaction(world.account_id):
        shelves = queries.shelves(portal, "ru")
    assert [shelf.category and shelf.category.name for shelf in shelves] == ["Первый", "Второй", None]
    assert [shelf.count for shelf in shelves] == [8, 1, 1]
    assert [author.name for author in shelves[0].authors] == ["Ada", "Bo"], "who wrote most comes first"
    assert [article.title for article in shelves[0].articles] == [f"Статья {n}" for n in (6, 5, 4, 3, 2)]
    assert shelves[1].authors == []


def test_neighbours_stand_beside_it_in_its_category() -> None:
    portal = a_portal(acme())
    shelf = a_category(portal)
    titles = ["Один", "Два", "Три"]
    articles = [an_article(portal, title, category=shelf) for title in titles]
    an_article(portal, "Черновик", category=shelf, status="draft")
    an_article(portal, "Без категории")
    with transaction(portal.account_id):
        sides = [queries.neighbours(article) for article in articles]
    assert [[side and side.title for side in pair] for pair in sides] == [[None, "Два"], ["Один", "Три"], ["Два", None]]


def test_translations_are_known_by_their_external_id_or_by_hand() -> None:
    portal = a_portal(acme(), locales=["ru", "en", "de"])
    russian = an_article(portal, external_id="order")
    an_article(portal, "Where is my order?", locale="en", external_id="order")
    an_article(portal, "Wo ist meine Bestellung?", locale="de", associated_article_id=russian.id)
    an_article(portal, "Draft", locale="en", external_id="order-2", status="draft")
    with transaction(portal.account_id):
        assert queries.translations(russian) == {
            "de": "wo-ist-meine-bestellung",
            "en": "where-is-my-order",
        }


def test_an_archived_portal_and_one_of_a_suspended_account_are_gone() -> None:
    world = acme()
    portal = a_portal(world)
    with across_accounts():
        assert queries.portal_at("acme").id == portal.id
    with across_accounts() as current:
        current.get_one(Account, world.account_id).status = AccountStatus.SUSPENDED
    with across_accounts(), pytest.raises(NotFound):
        queries.portal_at("acme")
    with across_accounts() as current:
        current.get_one(Account, world.account_id).status = AccountStatus.ACTIVE
    change(portal, is_archived=True)
    with across_accounts(), pytest.raises(NotFound):
        queries.portal_at("acme")
