"""A help center for tests: Acme's, in Russian and English."""

from typing import Any

from app.database import transaction
from app.events import log
from app.help_center.actions import create_article, create_category, create_portal
from app.help_center.models import Article, Category, Portal
from tests.world import World

BY = "system"


def a_portal(world: World, slug: str = "acme", **fields: Any) -> Portal:
    """An open portal."""
    with transaction(world.account_id):
        return create_portal(world.account_id, slug, "Acme", by=BY, **({"locales": ["ru", "en"]} | fields))


def a_category(portal: Portal, name: str = "Доставка", locale: str = "ru", **fields: Any) -> Category:
    """A category."""
    with transaction(portal.account_id):
        return create_category(portal, locale, name, by=BY, **fields)


def an_article(
    portal: Portal, title: str = "Где мой заказ?", content: str = "В пути.", locale: str = "ru", **fields: Any
) -> Article:
    """A published article, unless it is said otherwise."""
    with transaction(portal.account_id):
        return create_article(portal, locale, title, content, by=BY, **({"status": "published"} | fields))


def told(world: World, *names: str) -> list[str]:
    """The names of the help center's events, oldest first; only those of `names` when given."""
    with transaction(world.account_id):
        events = log.read(world.account_id, 0, 10_000)
    nouns = ("portal.", "category.", "article.", "captain.answered", "captain.declined")
    return [event.name for event in events if (event.name in names if names else event.name.startswith(nouns))]
