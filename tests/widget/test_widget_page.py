"""What a site loads, who may frame it, and what can be read on its colours."""

import json
import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.config import ROOT
from app.widget.colour import DARK_PAPER, LIGHT_PAPER, READABLE, accent, contrast
from app.widget.page import allowed_hosts, assets_version
from app.widget.words import words
from tests.widget.conftest import Visitor, change
from tests.world import World, asks, replies

FOLDER = ROOT / "app" / "static" / "widget"


@pytest.mark.parametrize("address", ["/widget.js", "/packs/js/sdk.js"])
def test_the_loader_weighs_less_than_ten_kilobytes(visitor: Visitor, address: str) -> None:
    answer = visitor.client.get(address)
    assert answer.mimetype == "text/javascript"
    assert len(answer.data) < 10_000
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_the_card_knows_the_inbox_and_its_words(visitor: Visitor) -> None:
    card = read_card(visitor.client, visitor.key, "ru")
    assert card["website_token"] == visitor.key
    assert card["locale"] == "ru"
    assert card["team"]
    assert "hmac" not in json.dumps(card)
    assert visitor.with_token(card["token"]).reads() == []


@pytest.mark.parametrize("locale", ["en", "en-US", "ru_RU"])
def test_the_card_speaks_the_language_of_the_page(visitor: Visitor, locale: str) -> None:
    assert read_card(visitor.client, visitor.key, locale)["locale"] == locale[:2]


def test_the_card_speaks_the_accounts_language_where_the_page_says_nothing(visitor: Visitor) -> None:
    for locale in ("", "xx"):
        assert read_card(visitor.client, visitor.key, locale)["locale"] == "ru"


def test_every_word_the_scripts_say_is_in_the_dictionary() -> None:
    said: set[str] = set()
    for path in FOLDER.glob("*.js"):
        for call in re.findall(r"(?<![.\w])say\(([^()]*)", path.read_text()):
            said |= set(re.findall(r'"([a-z_]+)"', call))
        said |= set(re.findall(r"look\.words\.(\w+)", path.read_text()))
    assert said - words().keys() == {"reset", "user"}, "these two the loader says to the card"


def test_no_word_is_carried_along_unused() -> None:
    scripts = " ".join(path.read_text() for path in FOLDER.glob("*.js"))
    states = {"sending", "waiting", "sent", "read"}
    unused = {name for name in words() if f'"{name}"' not in scripts and f"words.{name}" not in scripts}
    assert unused <= states


@pytest.mark.parametrize(
    ("allowed", "ancestors"),
    [
        (None, "http: https:"),
        ("", "http: https:"),
        ("shop.example", "'self' shop.example"),
        ("https://shop.example/cart, *.shop.example", "'self' shop.example *.shop.example"),
        (["shop.example", "ягоды.рф"], "'self' shop.example xn--c1ac3a5cq.xn--p1ai"),
        ("localhost:8080", "'self' localhost:8080"),
        ("*; script-src *", "'self' script-src"),
        ("evil.example'; object-src *", "'self' object-src"),
    ],
)
def test_only_the_sites_of_the_inbox_frame_the_card(
    world: World, visitor: Visitor, allowed: Any, ancestors: str
) -> None:
    change(world, settings={"allowed_domains": allowed})
    answer = visitor.client.get(f"/widget?website_token={visitor.key}")
    assert answer.headers["Content-Security-Policy"].partition("frame-ancestors ")[2] == ancestors
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]


def test_the_button_does_not_appear_on_a_strangers_site(world: World, visitor: Visitor) -> None:
    change(world, settings={"allowed_domains": "*.shop.example"})
    for origin, status in (
        ("https://www.shop.example", 200), ("http://localhost", 200), ("https://shop.example.evil", 403),
        ("https://evilshop.example", 403), ("null", 403),
    ):  # fmt: skip
        answer = visitor.client.get(f"/widget/look?website_token={visitor.key}", headers={"Origin": origin})
        assert answer.status_code == status, origin
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_an_inbox_that_is_gone_has_no_card(visitor: Visitor) -> None:
    for address in ("/widget", "/widget/look"):
        assert visitor.client.get(f"{address}?website_token=unknown").status_code == 404


def test_the_cards_files_are_kept_for_good_under_their_version(visitor: Visitor) -> None:
    answer = visitor.client.get(f"/widget/assets/{assets_version()}/card.js")
    assert "immutable" in answer.headers["Cache-Control"]
    stale = visitor.client.get("/widget/assets/0000/card.js")
    assert "immutable" not in stale.headers.get("Cache-Control", "")
    for name in ("../loader.js", "..%2f..%2f..%2fmain.py", "nothing.js"):
        assert visitor.client.get(f"/widget/assets/{assets_version()}/{name}").status_code == 404


def test_a_promise_is_what_customers_have_seen(world: World, visitor: Visitor) -> None:
    assert read_card(visitor.client, visitor.key)["wait_seconds"] is None
    for n in range(5):
        replies(world, asks(world, who=f"guest-{n}"))
    assert read_card(visitor.client, visitor.key)["wait_seconds"] < 60
    for n in range(6):
        asks(world, who=f"forgotten-{n}")
    assert read_card(visitor.client, visitor.key)["wait_seconds"] is None


def test_chatwoots_own_card_is_told_what_customers_have_seen_and_not_what_somebody_wrote_once(
    world: World, visitor: Visitor
) -> None:
    assert _reply_time(visitor) == "in_a_day", "nothing is known: nothing is promised"
    change(world, settings={"reply_time": "in_a_few_hours"})
    assert _reply_time(visitor) == "in_a_few_hours"
    for n in range(5):
        replies(world, asks(world, who=f"guest-{n}"))
    assert _reply_time(visitor) == "in_a_few_minutes"


def test_the_demo_promises_nothing_that_is_not_measured() -> None:
    inbox = json.loads((ROOT / "data" / "seeds" / "team.json").read_text())["inboxes"][0]
    for name in ("welcome_title", "welcome_tagline", "greeting_message"):
        assert not re.search(r"\b(минут|час|день|сразу)", inbox[name]), name


def _reply_time(visitor: Visitor) -> str:
    return str(visitor.ok("POST", "config", {})["website_channel_config"]["reply_time"])


@pytest.mark.parametrize(
    "colour", ["#c8102e", "#ffffff", "#000000", "#ffff00", "#777777", "#1f93ff", "#7cfc00", None, "red", 5]
)
def test_whatever_colour_a_site_has_can_be_read(colour: Any) -> None:
    chosen = accent(colour)
    assert contrast(chosen.fill, chosen.on_fill) >= READABLE
    assert contrast(chosen.light, LIGHT_PAPER) >= READABLE
    assert contrast(chosen.dark, DARK_PAPER) >= READABLE


def test_contrast_is_as_wcag_has_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_demo_shop_says_so_where_there_is_no_demo(world: World, visitor: Visitor) -> None:
    page = visitor.client.get("/demo", headers={"Accept-Language": "ru"})
    assert page.status_code == 200
    assert "data-token" not in page.text
    change(world, settings={"is_demo": True})
    assert f'data-token="{visitor.key}"' in visitor.client.get("/demo").text


def test_hosts_are_read_from_lists_and_lines() -> None:
    from app.inboxes.models import Inbox

    def hosts(given: object) -> list[str] | None:
        return allowed_hosts(Inbox(settings={"allowed_domains": given}))

    assert hosts("a.example\nb.example , c.example") == ["a.example", "b.example", "c.example"]
    assert hosts([]) is None


def read_card(client: FlaskClient, key: str, locale: str = "ru") -> Any:
    page = client.get(f"/widget?website_token={key}&locale={locale}")
    assert page.status_code == 200
    found = re.search(r'<script type="application/json" id="card">(.*?)</script>', page.text, re.S)
    assert found
    return json.loads(unescape(found[1]))
