"""T32: the public face of the help center. No scripts of strangers, no drafts, no cookies, nothing kept that must not be."""

import re
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.database import engine, session, transaction
from app.help_center.actions import archive, unpublish, update_portal
from tests.help_center.shelf import BY, a_category, a_portal, an_article
from tests.world import acme, globex

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    '[x](https://example.org "\\"><script>alert(1)</script>")',
    '![x](https://example.org/a.png "onload=alert(1)")',
    "![x](javascript:alert(1))",
    '![" onerror="alert(1)](https://example.org/a.png)',
    "## <img src=x onerror=alert(1)>",
    '## " onmouseover="alert(1)',
    "<h2 id='x' onclick='alert(1)'>x</h2>",
    "{{ 7 * 7 }}{% raw %}",
    "<math><mtext></mtext><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "\u2028<script>alert(1)</script>",
]
TAGS = {
    "a", "article", "b", "body", "blockquote", "br", "button", "code", "details", "div", "em", "footer", "form", "h1", "h2",
    "h3", "head", "header", "html", "img", "input", "kp-article", "kp-ask", "kp-find", "kp-human", "kp-vote", "li", "link",
    "main", "mark", "meta", "nav", "noscript", "ol", "p", "pre", "script", "section", "small", "span", "strong", "summary",
    "svg", "time", "title", "ul", "use",
}  # fmt: skip
SAFE = re.compile(r"(https?://|/(?![/\\])|#|mailto:|tel:|$)")


class Eye(HTMLParser):
    """Reads a page as a browser does, and remembers what should not be in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.harm: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in TAGS:
            self.harm.append(f"<{tag}>")
        if (
            tag == "script"
            and not given.get("src", "").startswith("/assets/")
            and given.get("type") != "application/ld+json"
        ):
            self.harm.append(f"<script {given}>")
        for name, value in given.items():
            if name.startswith("on") or name == "srcdoc":
                self.harm.append(f"{tag} {name}={value}")
            if name in {"href", "src", "action"} and not SAFE.match(value):
                self.harm.append(f"{tag} {name}={value}")
            if name == "style" and not re.fullmatch(r"--(colour: #[0-9a-f]{6}|hue: \d+)", value):
                self.harm.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_an_author_writes_is_text(reader: FlaskClient, attack: str) -> None:
    portal = a_portal(acme(), page_title=attack, header_text=attack)
    shelf = a_category(portal, attack, slug="shelf", description=attack, icon=attack[:40])
    meta = {"title": attack, "description": attack}
    an_article(portal, attack, attack, slug="bad", category=shelf, description=attack, meta=meta)
    an_article(portal, attack, f"Слово {attack}\n\n## {attack}\n\n## {attack}", slug="bad-2", category=shelf)
    for address in (
        "",
        "categories/shelf",
        "articles/bad",
        "articles/bad-2",
        "search?q=слово",
        "suggestions?q=слово",
        "answer?q=слово",
    ):
        answer = reader.get(f"/hc/acme/ru/{address}")
        assert answer.status_code == 200
        assert Eye(answer.text).harm == [], address


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_reader_types_is_text(reader: FlaskClient, attack: str) -> None:
    an_article(a_portal(acme()))
    for name in ("search", "suggestions", "answer"):
        page = reader.get(f"/hc/acme/ru/{name}", query_string={"q": attack}).text
        assert Eye(page).harm == [], name


def test_the_eye_sees_harm() -> None:
    assert len(Eye("<script>1</script><img src=x onerror=y><a href='javascript:1'><iframe>").harm) == 5


def test_what_is_not_published_is_not_found(reader: FlaskClient) -> None:
    world, other = acme(), globex()
    portal = a_portal(world)
    an_article(portal, slug="draft", status="draft")
    an_article(portal, slug="archived", status="archived")
    an_article(portal, slug="english", locale="en")
    an_article(a_portal(other, "globex"), slug="theirs")
    for slug in ("draft", "archived", "english", "theirs", "none", "%00", "..%2f..", "a" * 500):
        for method, tail in (("GET", ""), ("POST", "/views"), ("POST", "/votes")):
            answer = reader.open(f"/hc/acme/ru/articles/{slug}{tail}", method=method, data={"helpful": "1"})
            assert answer.status_code == 404, (slug, tail)
            assert "public" not in answer.headers["Cache-Control"]


def test_what_is_taken_back_is_gone_at_once(reader: FlaskClient) -> None:
    world = acme()
    portal = a_portal(world)
    article, second = an_article(portal, slug="order"), an_article(portal, slug="second")
    first = reader.get("/hc/acme/ru/articles/order")
    assert first.status_code == 200
    with transaction(world.account_id):
        session().add_all([article, second])
        unpublish(article, by=BY)
        archive(second, by=BY)
    again = reader.get("/hc/acme/ru/articles/order", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 404
    assert reader.get("/hc/acme/ru/articles/second").status_code == 404
    assert "/articles/" not in reader.get("/hc/acme/sitemap.xml").text
    with transaction(world.account_id):
        session().add(portal)
        update_portal(portal, by=BY, is_archived=True)
    for address in ("/hc/acme/", "/hc/acme/ru/", "/hc/acme/sitemap.xml", "/hc/acme/ru/answer.json?q=x"):
        assert reader.get(address).status_code == 404, address


def test_a_page_depends_on_its_address_alone(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    an_article(portal, slug="order", category=a_category(portal, slug="shelf"))
    for address in (
        "/hc/acme/ru/",
        "/hc/acme/ru/categories/shelf",
        "/hc/acme/ru/articles/order",
        "/hc/acme/sitemap.xml",
    ):
        plain = reader.get(address)
        assert "Set-Cookie" not in plain.headers
        assert plain.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
        for other in (
            reader.get(f"{address}?q=1&utm_source=x"),
            reader.get(address, headers={"Accept-Language": "en", "User-Agent": "Googlebot"}),
            reader.get(address, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}),
            reader.get(address, headers={"Cookie": "kulpunai_voted=1; kulpunai_locale=en; kulpunai_session=nobody"}),
        ):
            assert other.data == plain.data, address
        kept = reader.get(address, headers={"If-None-Match": plain.headers["ETag"]})
        assert (kept.status_code, kept.data) == (304, b"")


def test_a_reader_gets_no_cookie_until_he_acts_and_then_one_for_that_article(reader: FlaskClient) -> None:
    an_article(a_portal(acme()), slug="order")
    answer = reader.post("/hc/acme/ru/articles/order/votes", data={"helpful": "1"})
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert "Path=/hc/acme/ru/articles/order" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_the_number_of_queries_does_not_grow_with_the_categories(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    counts = []
    for n in (2, 12):
        for m in range(n):
            an_article(portal, category=a_category(portal, f"{n}-{m}"))
        statements: list[str] = []
        event.listen(engine(), "before_cursor_execute", lambda *args, kept=statements: kept.append(args[2]))
        reader.get("/hc/acme/ru/")
        counts.append(len(statements))
        # the first listener hears the second round too, into a list nobody reads again
    assert counts[0] == counts[1] < 16
