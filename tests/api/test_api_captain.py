"""Captain's finds, for programs."""

import pytest

from app.assist.models import Passage
from app.clock import now
from app.database import session, transaction
from app.help_center.models import Article, ArticleStatus, Portal
from tests.api.cast import Asking, World
from tests.api.shapes import Shape, fits


class Find(Shape):
    article_id: int
    external_id: str | None
    title: str
    url: str
    passage: str
    score: float


class Finds(Shape):
    payload: list[Find]


def write(
    account_id: int, slug: str, title: str, content: str, status: ArticleStatus = ArticleStatus.PUBLISHED
) -> None:
    """An article of one passage, in a portal of its own."""
    with transaction(account_id) as current:
        portal = Portal(account_id=account_id, slug=slug, name=slug, locales=["ru"], created_at=now())
        current.add(portal)
        current.flush()
        article = Article(
            account_id=account_id, portal_id=portal.id, slug=slug, title=title, content=content, status=status,
            external_id=f"{slug}-1", created_at=now(), updated_at=now(),
        )  # fmt: skip
        current.add(article)
        current.flush()
        session().add(
            Passage(
                account_id=account_id, article_id=article.id, portal_id=portal.id, title=title, content=content,
                content_hash=slug,
            )
        )  # fmt: skip


@pytest.fixture
def articles(world: World) -> None:
    write(world.acme.id, "delivery", "Доставка", "Посылка идёт три дня.")
    write(world.acme.id, "draft", "Доставка завтра", "Посылка, о которой ещё рано говорить.", ArticleStatus.DRAFT)
    write(world.globex.id, "foreign", "Доставка Globex", "Посылка чужой компании.")


@pytest.mark.usefixtures("articles")
def test_published_articles_of_the_account_are_found_while_captain_is_away(bo: Asking) -> None:
    found = fits(Finds, bo.get("captain/search", json={"q": "когда придёт посылка", "limit": 3}))["payload"]
    assert [(one["title"], one["external_id"]) for one in found] == [("Доставка", "delivery-1")]
    assert found[0]["passage"] == "Посылка идёт три дня."
    assert found[0]["url"].endswith("/hc/delivery/ru/articles/delivery")


def test_without_a_help_center_nothing_is_found(bo: Asking) -> None:
    assert fits(Finds, bo.get("captain/search?q=anything"))["payload"] == []


@pytest.mark.parametrize("query", ["", "q=", "q=a&limit=many"])
def test_a_search_for_nothing_is_refused(bo: Asking, query: str) -> None:
    assert bo.get(f"captain/search?{query}").status_code == 422
