"""What an import promises: twice is once, a bad line is told by its number, the others are kept."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.config import ROOT
from app.database import session, transaction
from app.errors import Invalid
from app.help_center import queries
from app.help_center.importing import Report, import_articles, load_seeds
from app.help_center.models import Article, ArticleStatus
from app.i18n import speaking
from tests.help_center.shelf import a_portal, told
from tests.world import World, acme, globex

pytestmark = pytest.mark.usefixtures("database")


def line(external_id: str = "order", **fields: Any) -> str:
    row = {"external_id": external_id, "title": "Где мой заказ?", "content": "В пути.", "status": "published", **fields}
    return json.dumps(row, ensure_ascii=False)


def take(world: World, *lines: str, portal: str = "acme", locale: str = "ru") -> Report:
    return import_articles(world.account_id, portal, locale, lines)


def articles(world: World) -> list[Article]:
    with transaction(world.account_id):
        return list(session().exec(queries.rows(Article).order_by(Article.id)))


def test_a_file_makes_the_portal_its_categories_and_its_articles() -> None:
    world = acme()
    report = take(world, line("a", category="Доставка"), line("b", category="доставка", status="draft"), "", line("c"))
    assert (report.created, report.updated, report.unchanged, report.problems) == (3, 0, 0, [])
    with transaction(world.account_id):
        portal = queries.portal(world.account_id, "acme")
        assert [category.name for category in queries.categories(portal, "ru")] == ["Доставка"]
    assert [article.status for article in articles(world)] == [
        ArticleStatus.PUBLISHED,
        ArticleStatus.DRAFT,
        ArticleStatus.PUBLISHED,
    ]


def test_the_command_makes_a_portal_too(tmp_path: Path) -> None:
    """In a process of its own, which has loaded nothing but what the command needs."""
    world, file = acme(), tmp_path / "articles.jsonl"
    file.write_text(line("a"), "utf-8")
    command = [sys.executable, "-m", "app.cli", "articles", "import", str(file), "--account", str(world.account_id)]
    ran = subprocess.run([*command, "--portal", "fresh", "--locale", "ru"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert [article.external_id for article in articles(world)] == ["a"]


def test_the_same_file_twice_changes_and_tells_nothing() -> None:
    world = acme()
    lines = [line(f"a{n}", title=f"Статья {n}", category="Разное") for n in range(450)]
    assert take(world, *lines).created == 450
    before = told(world)
    again = take(world, *lines)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 450)
    assert told(world) == before


def test_a_changed_line_changes_its_article_and_no_other() -> None:
    world = acme()
    take(world, line("a"), line("b"))
    report = take(world, line("a", content="Приехал."), line("b"))
    assert (report.updated, report.unchanged) == (1, 1)
    report = take(world, line("a", content="Приехал.", status="archived"), line("b", category="Новая"))
    assert report.updated == 2
    first, second = articles(world)
    assert (first.content, first.status) == ("Приехал.", ArticleStatus.ARCHIVED)
    assert second.category_id is not None


def test_what_a_line_does_not_say_stays() -> None:
    world = acme()
    take(world, line("a", category="Доставка", description="Коротко"))
    report = take(world, json.dumps({"external_id": "a", "title": "Иначе"}))
    assert report.updated == 1
    (article,) = articles(world)
    assert (article.title, article.content, article.description) == ("Иначе", "В пути.", "Коротко")
    assert article.category_id is not None
    assert article.status == ArticleStatus.PUBLISHED


def test_without_a_status_it_is_a_draft() -> None:
    world = acme()
    take(world, json.dumps({"external_id": "a", "title": "Т", "content": "с"}))
    assert articles(world)[0].status == ArticleStatus.DRAFT


def test_bad_lines_are_told_by_number_and_reason_and_the_rest_is_kept() -> None:
    world = acme()
    lines = [
        line("a"),
        "{",
        "[]",
        line("a"),
        line("b", title=""),
        line("c", title="нуль\x00"),
        line("d", status="gone"),
        line("e", title="ж" * 300),
        json.dumps({"title": "Без номера", "content": "x"}),
        line("f", content=7),
        line("g", author="nobody@acme.example"),
        json.dumps({"external_id": "h", "title": "Без текста"}),
        line("z"),
    ]
    with speaking("en"):
        report = take(world, *lines)
    assert report.created == 2
    assert [number for number, _reason in report.problems] == list(range(2, 13))
    reasons = dict(report.problems)
    assert reasons[2] == "This is not JSON."
    assert reasons[4] == "external_id: Line 1 has the same one."
    assert reasons[5].startswith("title: ")
    assert reasons[11].startswith("author: ")
    assert [article.external_id for article in articles(world)] == ["a", "z"]


def test_reasons_are_in_the_readers_language() -> None:
    world = acme()
    with speaking("ru"):
        assert take(world, "{").problems == [(1, "Это не JSON.")]


def test_an_author_is_named_by_his_address() -> None:
    world = acme()
    take(world, line("a", author="ada@acme.example"))
    assert articles(world)[0].author_id == world.ada.id


def test_numbers_are_ids_as_well_and_each_language_has_its_own() -> None:
    world = acme()
    take(world, line("7"), portal="acme", locale="ru")
    assert take(world, json.dumps({"external_id": 7, "title": "Где мой заказ?"})).unchanged == 1
    assert take(world, line("7", title="Where is my order?"), locale="en").created == 1
    with transaction(world.account_id):
        assert queries.portal(world.account_id, "acme").locales == ["ru", "en"]


def test_another_accounts_portal_is_not_written_into() -> None:
    mine, theirs = acme(), globex()
    a_portal(theirs, "globex")
    with pytest.raises(Invalid):
        take(mine, line("a"), portal="globex")
    assert articles(mine) == articles(theirs) == []


def test_our_own_articles_can_be_loaded_and_loaded_again() -> None:
    world = acme()
    portal = a_portal(world, "kulpunai", timezone="Asia/Bishkek")
    folder = ROOT / "data" / "seeds" / "help_center"
    count = load_seeds(world.account_id, portal, folder, {"nurgul@example.org": world.ada.id})
    assert count == len(list(folder.glob("*/*.md"))) > 70
    before = told(world)
    assert load_seeds(world.account_id, portal, folder, {}) == 0
    assert told(world) == before
    with transaction(world.account_id):
        article = queries.article(portal, "ru", "getting-started")
        assert article.updated_at.date().isoformat() == "2026-01-05"
        assert queries.author(article) is not None
        assert queries.translations(article) == {"en": "getting-started"}
        links = _links(folder)
        assert links
        assert links <= {path.stem for path in folder.glob("ru/*.md")}, "every link leads to an article"


def _links(folder: Path) -> set[str]:
    import re

    texts = (path.read_text() for path in folder.glob("ru/*.md"))
    return {found for text in texts for found in re.findall(r"\]\(([\w-]+)\)", text)}
