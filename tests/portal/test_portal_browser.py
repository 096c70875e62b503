"""The help center in Chromium: what the small scripts add, and what they must not break."""

from typing import Any

import pytest

from app.database import session, transaction
from app.help_center.actions import update_portal
from app.help_center.models import Article, Portal
from app.help_center.queries import rows
from tests.help_center.shelf import BY, a_category, a_portal, an_article, told
from tests.portal.test_portal_surface import ATTACKS
from tests.world import World, acme

CONTRAST = """(colour) => {
    document.body.style.setProperty("--colour", colour);
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = getComputedStyle(document.querySelector(".button--primary")).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((x) => x / 255)
        .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05);
}"""
COLOURS = ("#c8102e", "#ffd600", "#00e5ff", "#00c853", "#2962ff", "#ffffff", "#888888", "#ff00ff", "#ff6d00", "#64dd17")


@pytest.fixture
def world(server: Any) -> World:
    return acme()


@pytest.fixture
def portal(world: World) -> Portal:
    portal = a_portal(world)
    with transaction(world.account_id):
        session().add(portal)
        update_portal(portal, by=BY, inbox_id=world.inbox.id)
    shelf = a_category(portal, "Доставка", slug="delivery", icon="🍓")
    an_article(portal, "Сроки доставки", "## Город\n\nДень.\n\n## Страна\n\nНеделя.", slug="times", category=shelf)
    an_article(portal, "Цена доставки", "Бесплатно.", slug="price", category=shelf)
    return portal


def test_while_somebody_types_articles_appear_and_keys_walk_through_them(page: Any, portal: Portal) -> None:
    page.goto("/hc/acme/ru/")
    page.get_by_role("searchbox").click()
    page.keyboard.type("достав")
    found = page.locator(".suggestions a")
    found.nth(2).wait_for()
    assert found.count() == 3
    assert page.locator("kp-find [role=status]").inner_text() == "2 статьи"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.className") == "suggestions__ask"
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("Escape")
    assert page.locator(".suggestions").is_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=*")
    assert page.locator(".results li").count() == 2


def test_captains_answer_comes_into_the_page_that_is_open(page: Any, portal: Portal) -> None:
    page.goto("/hc/acme/ru/search?q=сроки доставки")
    address = page.url
    page.locator("kp-ask a").click()
    page.locator("#answer:not([aria-busy])").wait_for()
    page.wait_for_function("document.activeElement.id === 'answer'")
    assert page.url == address


def test_an_opinion_is_thanked_for_in_place_and_a_human_is_one_click_away(
    page: Any, portal: Portal, world: World
) -> None:
    page.goto("/hc/acme/ru/articles/times")
    page.locator(".helpful button[value='0']").click()
    page.locator("p.helpful").wait_for()
    assert page.url.endswith("/articles/times")
    page.locator("p.helpful button").click()
    page.locator("#kulpunai iframe").wait_for()
    with transaction(world.account_id):
        votes = rows(Article.unhelpful_count).where(Article.slug == "times")
        assert session().exec(votes).one() == 1


def test_a_page_that_is_looked_at_counts_as_read(page: Any, portal: Portal, world: World) -> None:
    with page.expect_response("**/views"):
        page.goto("/hc/acme/ru/articles/times")
    assert told(world, "article.viewed") == ["article.viewed"]


def test_the_table_of_contents_shows_where_the_reader_is(page: Any, portal: Portal) -> None:
    page.goto("/hc/acme/ru/articles/times#strana")
    page.locator(".toc a[aria-current]").wait_for()
    assert page.locator(".toc a[aria-current]").get_attribute("href") == "#strana"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whatever_colour_an_account_has_white_can_be_read_on_it(page: Any, portal: Portal, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto("/hc/acme/ru/")
    for colour in COLOURS:
        assert page.evaluate(CONTRAST, colour) >= 4.5, colour


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_is_wider_than_the_screen(page: Any, portal: Portal, width: int) -> None:
    an_article(portal, "Ы" * 255, "Длинноеслово" * 100 + "\n\n|" + "ячейка|" * 40 + "\n|" + "-|" * 40, slug="wide")
    page.set_viewport_size({"width": width, "height": 800})
    for address in (
        "",
        "articles/wide",
        "uncategorized",
        "categories/delivery",
        "search?q=доставка",
        "answer?q=доставка",
    ):
        page.goto(f"/hc/acme/ru/{address}")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address


def test_no_attack_runs_and_no_policy_is_broken(page: Any, portal: Portal) -> None:
    """T25: what authors and readers write, in a real browser."""
    harm: list[str] = []
    page.on("dialog", lambda dialog: (harm.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: harm.append(message.text) if "Content Security Policy" in message.text else None)
    page.on("request", lambda request: harm.append(request.url) if "evil" in request.url else None)
    body = "\n\n".join(ATTACKS)
    an_article(
        portal, "Все сразу", f"Слово\n\n{body}", slug="all", description=body[:1900], meta={"description": body[:400]}
    )
    for address in ("", "articles/all", "uncategorized", "search?q=слово", "suggestions?q=слово"):
        page.goto(f"/hc/acme/ru/{address}")
    for attack in ATTACKS[:6]:
        page.goto("/hc/acme/ru/")
        page.get_by_role("searchbox").fill(attack)
        page.locator(".suggestions a").last.wait_for()
    assert harm == []
