"""What a reader sees, without a line of JavaScript."""

import functools
import json
import operator
import re
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from app import clock
from app.accounts.actions import update_account
from app.accounts.models import Account
from app.config import ROOT
from app.database import session, transaction
from app.help_center.actions import update_article, update_portal
from app.help_center.importing import load_seeds
from app.help_center.models import Article
from tests.help_center.shelf import BY, a_category, a_portal, an_article, told
from tests.world import acme, globex


def html(reader: FlaskClient, address: str, status: int = 200) -> str:
    answer = reader.get(address)
    assert answer.status_code == status, answer.text[:500]
    return answer.text.replace("\u00a0", " ")


def links(page: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', page)


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 статья"), (2, "2 статьи"), (5, "5 статей"), (11, "11 статей"), (21, "21 статья")]
)
def test_articles_are_counted_in_russian(reader: FlaskClient, count: int, words: str) -> None:
    """D11: «5 статьи» is what others say."""
    portal = a_portal(acme())
    shelf = a_category(portal, slug="delivery")
    for n in range(count):
        an_article(portal, f"Статья {n}", category=shelf)
    an_article(portal, "Черновик", category=shelf, status="draft")
    for address in ("/hc/acme/ru/", "/hc/acme/ru/categories/delivery"):
        page = html(reader, address)
        assert re.search(rf">{words}(?=[ <])", page), address


def test_the_home_page_shows_categories_with_five_articles_and_the_way_to_all(reader: FlaskClient) -> None:
    world = acme()
    portal = a_portal(world)
    shelf = a_category(portal, "Доставка", slug="delivery", icon="🍓", description="Сроки и цены")
    for n in range(6):
        an_article(portal, f"Статья номер {n}", category=shelf, author_id=[world.ada.id, world.bo.id][n % 2])
    page = html(reader, "/hc/acme/ru/")
    for seen in ("🍓", "Доставка", "Сроки и цены", "Статья номер 4", "Посмотреть все", "6 статей", "От Ada и ещё 1"):
        assert seen in page, seen
    assert "Статья номер 5" not in page
    assert "/hc/acme/ru/categories/delivery" in links(page)


def test_a_category_shows_all_its_articles_page_by_page(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    shelf = a_category(portal, slug="delivery")
    for n in range(65):
        an_article(portal, f"Статья {n:02}", f"Начало статьи {n}.", category=shelf)
    titles = [
        re.findall(r"<h2>(Статья \d\d)</h2>", html(reader, f"/hc/acme/ru/categories/delivery{page}"))
        for page in ("", "/2", "/3")
    ]
    assert [len(page) for page in titles] == [30, 30, 5]
    assert functools.reduce(operator.iadd, titles, []) == [f"Статья {n:02}" for n in range(65)]
    html(reader, "/hc/acme/ru/categories/delivery/4", 404)
    html(reader, "/hc/acme/ru/categories/delivery/1", 404)


def test_an_article_says_where_it_stands_who_wrote_it_and_when_in_the_portals_zone(reader: FlaskClient) -> None:
    world = acme()
    portal = a_portal(world, timezone="Asia/Vladivostok")
    shelf = a_category(portal, "Основы", slug="basics")
    with clock.stopped_at(datetime(2026, 1, 4, 20, tzinfo=UTC)):
        an_article(portal, "Начало", category=shelf, slug="start", author_id=world.ada.id)
    page = html(reader, "/hc/acme/ru/articles/start")
    assert "Обновлено 5 января 2026" in page
    assert ">Ada · " in page
    crumbs = re.search(r'<nav class="crumbs".*?</nav>', page, re.S)
    assert crumbs
    assert links(crumbs[0]) == ["/hc/acme/ru/", "/hc/acme/ru/categories/basics"]
    assert 'aria-current="page">Начало' in crumbs[0]
    for address in links(crumbs[0]):
        html(reader, address)


def test_an_article_without_a_category_says_so_and_its_list_is_there(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    html(reader, "/hc/acme/ru/uncategorized", 404)
    an_article(portal, slug="lonely")
    assert "Без категории" in html(reader, "/hc/acme/ru/")
    assert "/hc/acme/ru/uncategorized" in links(html(reader, "/hc/acme/ru/articles/lonely"))
    assert "/hc/acme/ru/articles/lonely" in links(html(reader, "/hc/acme/ru/uncategorized"))


def test_headings_have_addresses_and_a_table_of_contents(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    an_article(
        portal, content="# Верх\n\n## Шаг 1 & «начало»\n\nа\n\n### Шаг\n\n## Шаг 1 & «начало»\n\nб", slug="steps"
    )
    page = html(reader, "/hc/acme/ru/articles/steps")
    assert re.findall(r'<h[23] id="([^"]+)"', page) == ["verkh", "shag-1-nachalo", "shag", "shag-1-nachalo-2"]
    toc = re.search(r'<nav class="toc".*?</nav>', page, re.S)
    assert toc
    assert links(toc[0]) == ["#verkh", "#shag-1-nachalo", "#shag", "#shag-1-nachalo-2"]
    assert "Шаг 1 &amp; «начало»" in toc[0]
    assert page.count("<h1") == 1


def test_links_between_articles_stay_in_the_help_center_and_its_language(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    an_article(portal, content="[а](other) [б](other#part) [в](https://example.org/x) [г](/hc/acme/en/)", slug="one")
    page = html(reader, "/hc/acme/ru/articles/one")
    assert '<a href="/hc/acme/ru/articles/other">а</a>' in page
    assert '<a href="/hc/acme/ru/articles/other#part">б</a>' in page
    assert '<a href="https://example.org/x" rel="noopener noreferrer nofollow">в</a>' in page
    assert 'href="/hc/acme/en/"' in page


def test_pictures_are_ours_or_come_safely(reader: FlaskClient) -> None:
    content = (
        "![a](/files/1/x.png) ![b](https://example.org/b.png) ![c](http://example.org/c.png) ![d](//evil.example/d.png)"
    )
    an_article(a_portal(acme()), content=f"{content} ![e](data:image/png;base64,AAAA)", slug="pics")
    page = html(reader, "/hc/acme/ru/articles/pics")
    sources = re.findall(r'<img src="([^"]*)"[^>]*loading="lazy"', page)
    assert sources == ["/files/1/x.png", "https://example.org/b.png"]
    assert "evil.example" not in page


def test_a_translation_is_offered_where_there_is_one(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    an_article(portal, "Где мой заказ?", slug="order", external_id="1")
    an_article(portal, "Where is my order?", locale="en", slug="my-order", external_id="1")
    an_article(portal, "Только по-русски", slug="alone")
    page = html(reader, "/hc/acme/ru/articles/order")
    assert '<a href="/hc/acme/en/articles/my-order" lang="en" hreflang="en">English</a>' in page
    assert re.search(r'<link rel="alternate" hreflang="en" href="http[^"]*/hc/acme/en/articles/my-order">', page)
    alone = html(reader, "/hc/acme/ru/articles/alone")
    assert '<a href="/hc/acme/en/" lang="en" hreflang="en">English</a>' in alone
    assert 'rel="alternate"' not in alone


def test_a_reader_is_sent_to_the_language_he_likes(reader: FlaskClient) -> None:
    a_portal(acme(), locales=["en"], default_locale="ru")
    for header, locale in (("en-US,en;q=0.9", "en"), ("ru", "ru"), ("fr", "ru"), ("", "ru")):
        answer = reader.get("/hc/acme/", headers={"Accept-Language": header} if header else {})
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/hc/acme/{locale}/")
    assert '<html lang="en"' in html(reader, "/hc/acme/en/")
    assert "How can we help?" in html(reader, "/hc/acme/en/")
    html(reader, "/hc/acme/de/", 404)


@pytest.mark.parametrize("address", ["ru/nothing", "ru/articles/a/b", "de/", "de/search?q=x"])
def test_whoever_mistypes_an_address_stays_in_the_help_center(reader: FlaskClient, address: str) -> None:
    a_portal(acme())
    page = html(reader, f"/hc/acme/{address}", 404)
    assert 'action="/hc/acme/ru/search"' in page
    assert "/hc/acme/ru/" in links(page)
    assert "/" not in links(page), "that is where agents sign in"


def test_the_page_speaks_the_addresss_language_whatever_the_browser_likes(reader: FlaskClient) -> None:
    a_portal(acme())
    page = reader.get("/hc/acme/ru/", headers={"Accept-Language": "en"}).text
    assert "Чем помочь?" in page


def test_an_empty_help_center_says_so(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    a_category(portal, "Пустая", slug="empty")
    page = html(reader, "/hc/acme/ru/")
    assert "Здесь пока нет статей" in page
    assert "Пустая" not in page
    assert "Здесь пока нет статей" in html(reader, "/hc/acme/ru/categories/empty")


def test_search_engines_are_told_what_it_is(reader: FlaskClient) -> None:
    world = acme()
    portal = a_portal(world, page_title="Помощь")
    article = an_article(portal, 'Кавычки " и </script>', "Первые слова статьи.", slug="quotes")
    page = html(reader, "/hc/acme/ru/articles/quotes")
    assert re.search(r'<link rel="canonical" href="https?://[^"]+/hc/acme/ru/articles/quotes">', page)
    assert '<meta name="description" content="Первые слова статьи.">' in page
    assert '<meta property="og:title" content="Кавычки &#34; и &lt;/script&gt;">' in page
    assert '<meta property="og:type" content="article">' in page
    graph = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)[1])["@graph"]
    assert graph[0]["headline"] == 'Кавычки " и </script>'
    assert [step["position"] for step in graph[1]["itemListElement"]] == [1, 2, 3]
    with transaction(world.account_id):
        session().add(article)
        update_article(article, by=BY, meta={"title": "Для поисковика", "description": "Другое описание"})
    page = html(reader, "/hc/acme/ru/articles/quotes")
    assert "<title>Для поисковика · Помощь</title>" in page
    assert 'content="Другое описание"' in page


def test_the_sitemap_has_what_is_published_and_robots_may_read_it(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    an_article(portal, slug="order")
    an_article(portal, slug="secret", status="draft")
    answer = reader.get("/hc/acme/sitemap.xml")
    assert answer.mimetype == "application/xml"
    found = re.findall(r"<loc>https?://[^/]+(/[^<]*)</loc>", answer.text)
    assert found == ["/hc/acme/ru/", "/hc/acme/en/", "/hc/acme/ru/articles/order"]
    robots = reader.get("/robots.txt").text.splitlines()
    assert {"Disallow: /", "Allow: /hc/", "Disallow: /hc/*/search"} <= set(robots)
    assert '<meta name="robots" content="noindex">' in html(reader, "/hc/acme/ru/search?q=x")


def test_every_page_of_our_own_help_center_is_light_and_every_link_in_it_leads_somewhere(reader: FlaskClient) -> None:
    world = acme()
    portal = a_portal(world, "kulpunai")
    load_seeds(world.account_id, portal, ROOT / "data" / "seeds" / "help_center", {"nurgul@example.org": world.ada.id})
    seen: set[str] = set()
    waiting = ["/hc/kulpunai/ru/", "/hc/kulpunai/en/", "/hc/kulpunai/ru/search?q=диалог"]
    while waiting:
        address = waiting.pop()
        answer = reader.get(address)
        assert answer.status_code == 200, address
        assert len(answer.data) < 50_000, address
        assert "http://" not in re.sub(r"http://localhost[^\"<]*|http://www\.w3\.org[^\"]*", "", answer.text), address
        seen.add(address)
        inside = {link.partition("#")[0] for link in links(answer.text) if link.startswith("/hc/")}
        waiting += sorted(inside - seen - set(waiting))
    assert len([address for address in seen if "/articles/" in address]) == 74


def test_a_long_list_of_categories_stays_light(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    for n in range(60):
        shelf = a_category(portal, f"Категория с довольно длинным названием номер {n}", description="Описание " * 10)
        for m in range(6):
            an_article(portal, f"Статья номер {m} о том, как всё устроено в категории {n}", category=shelf)
    answer = reader.get("/hc/acme/ru/")
    assert len(answer.data) < 50_000
    assert "номер 59</a>" in answer.text


def test_what_is_read_most_is_offered_first(reader: FlaskClient) -> None:
    world = acme()
    portal = a_portal(world)
    an_article(portal, "Редкая")
    article = an_article(portal, "Любимая", slug="beloved")
    assert "Чаще всего читают" not in html(reader, "/hc/acme/ru/")
    reader.post("/hc/acme/ru/articles/beloved/views", headers={"User-Agent": "Firefox/140.0"})
    popular = re.search(r'<p class="hero__popular">.*?</p>', html(reader, "/hc/acme/ru/"), re.S)
    assert popular
    assert links(popular[0]) == [f"/hc/acme/ru/articles/{article.slug}"]


def test_a_reading_is_counted_once_an_hour_and_robots_never(reader: FlaskClient) -> None:
    world = acme()
    article = an_article(a_portal(world), slug="order")
    address = "/hc/acme/ru/articles/order/views"
    for agent in ("Googlebot/2.1", "curl/8.5", ""):
        assert reader.post(address, headers={"User-Agent": agent}).status_code == 204
        reader.delete_cookie("kulpunai_viewed", path="/hc/acme/ru/articles/order")
    for _ in range(3):
        reader.post(address, headers={"User-Agent": "Firefox/140.0"})
    assert told(world, "article.viewed") == ["article.viewed"]
    with transaction(world.account_id):
        kept = session().get_one(Article, (article.account_id, article.id))
        assert (kept.views, kept.updated_at) == (1, article.updated_at)
    reader.get("/hc/acme/ru/articles/order")
    assert told(world, "article.viewed") == ["article.viewed"], "to load a page is not to read it"


def test_an_opinion_counts_once_and_is_thanked_for_without_javascript(reader: FlaskClient) -> None:
    world = acme()
    article = an_article(a_portal(world), slug="order")
    address = "/hc/acme/ru/articles/order/votes"
    answer = reader.post(address, data={"helpful": "0"})
    assert answer.status_code == 200
    assert "Спасибо. Сделаем понятнее." in answer.text
    assert "<h1>Где мой заказ?</h1>" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    part = reader.post(address, data={"helpful": "1"}, headers={"X-Part": "true"}).text
    assert "<html" not in part
    with transaction(world.account_id):
        kept = session().get_one(Article, (article.account_id, article.id))
        assert (kept.helpful_count, kept.unhelpful_count) == (0, 1)
    assert told(world, "article.voted") == ["article.voted"]
    assert reader.post(address, data={"helpful": "9"}).status_code == 422
    assert reader.post(address, data={"helpful": "1"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_the_way_to_a_human_is_the_chat_or_a_letter_or_nothing(reader: FlaskClient) -> None:
    world, other = acme(), globex()
    portal = a_portal(world)
    a_portal(other, "globex")
    page = html(reader, "/hc/acme/ru/")
    assert "kp-human" not in page
    assert 'href="mailto:ada@acme.example"' in page
    with transaction(world.account_id):
        update_account(session().get_one(Account, world.account_id), by=BY, support_email="")
    assert "mailto:" not in html(reader, "/hc/acme/ru/")
    with transaction(world.account_id):
        session().add(portal)
        update_portal(portal, by=BY, inbox_id=world.inbox.id)
    assert f'<kp-human data-key="{world.inbox.key}">' in html(reader, "/hc/acme/ru/")
    assert world.inbox.key not in html(reader, "/hc/globex/ru/")
