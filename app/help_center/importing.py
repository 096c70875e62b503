"""Articles from files: JSON lines of another system, and the folders of Markdown we bring ourselves.

Both may be repeated: an article is known by its external_id, and one that is the same is not touched.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from app import clock
from app.database import session, transaction
from app.errors import Invalid, NotFound
from app.help_center import queries
from app.help_center.actions import (
    archive,
    create_article,
    create_category,
    create_portal,
    publish,
    unpublish,
    update_article,
    update_category,
    update_portal,
)
from app.help_center.models import Article, ArticleStatus, Category, Portal
from app.i18n import _
from app.text import NAME_LIMIT, checked
from app.users import queries as users

IMPORTER = "system"
_CHUNK = 200
_FIELDS = ("title", "content", "description", "slug", "position", "meta")
_MOVES = {ArticleStatus.DRAFT: unpublish, ArticleStatus.PUBLISHED: publish, ArticleStatus.ARCHIVED: archive}

Numbered = tuple[int, str]


@dataclass
class Report:
    """How many articles a file made, changed and left; and which of its lines were refused: [(number, reason)]."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)


# -- JSON lines


def import_articles(
    account_id: int, portal_slug: str, locale: str, lines: Iterable[str], *, by: str = IMPORTER
) -> Report:
    """What became of the lines `{"external_id", "title", "content" in Markdown, "category", "status"}`.

    category: its slug or its name; one that is missing is made. status: draft (when not given), published or archived.
    Also taken: slug, description, position, meta, author (an agent's e-mail). Fields that a line does not have stay as they
    are. A line that cannot be taken is reported with its number and a reason in the reader's language; all others are
    kept, 200 a transaction. A portal or language that the account has not yet is made. Invalid when the address belongs
    to somebody else.
    """
    with transaction(account_id):
        portal = _open(account_id, portal_slug, locale, by)
    report, seen = Report(), dict[str, int]()
    numbered = enumerate(lines, start=1)
    while chunk := list(islice(numbered, _CHUNK)):
        with transaction(account_id):
            _take_chunk(_Shelves(portal, locale, by), chunk, seen, report)
    return report


class _Shelves:
    """A portal in one language while articles come in, with what it has by name."""

    def __init__(self, portal: Portal, locale: str, by: str) -> None:
        self.portal, self.locale, self.by = portal, locale, by
        self.categories = {found.slug: found for found in queries.categories(portal, locale)}
        self.articles: dict[str, Article] = {}

    def know(self, external_ids: Iterable[str]) -> None:
        """Read the articles of those ids that are there already."""
        query = select(Article).where(
            col(Article.account_id) == self.portal.account_id,
            col(Article.portal_id) == self.portal.id,
            col(Article.locale) == self.locale,
            col(Article.external_id).in_(list(external_ids)),
        )
        self.articles = {str(found.external_id): found for found in session().exec(query)}

    def category(self, named: str) -> Category | None:
        """The category of that slug or name; made when there is none."""
        if not named:
            return None
        same = (found for found in self.categories.values() if found.name.casefold() == named.casefold())
        category = self.categories.get(named) or next(same, None)
        if category is None:
            category = create_category(self.portal, self.locale, named, by=self.by)
            self.categories[category.slug] = category
        return category


def _open(account_id: int, slug: str, locale: str, by: str) -> Portal:
    try:
        portal = queries.portal(account_id, slug)
    except NotFound:
        return create_portal(account_id, slug, slug, by=by, default_locale=locale, locales=[locale])
    if locale not in portal.locales:
        update_portal(portal, by=by, locales=[*portal.locales, locale])
    return portal


def _take_chunk(shelves: _Shelves, chunk: list[Numbered], seen: dict[str, int], report: Report) -> None:
    told = Report()
    rows: list[tuple[int, dict[str, Any]]] = []
    for number, line in chunk:
        try:
            if line.strip():
                rows.append((number, _row(line, number, seen)))
        except Invalid as problem:
            told.problems.append((number, _reason(problem)))
    shelves.know(row["external_id"] for _number, row in rows)
    for number, row in rows:
        try:
            _take(shelves, row, told)
        except Invalid as problem:
            told.problems.append((number, _reason(problem)))
    # only now: a chunk that the database refuses is neither kept nor counted
    report.created += told.created
    report.updated += told.updated
    report.unchanged += told.unchanged
    report.problems += sorted(told.problems)


def _row(line: str, number: int, seen: dict[str, int]) -> dict[str, Any]:
    try:
        row = json.loads(line.removeprefix("\ufeff"))
    except ValueError:
        raise Invalid("line", _("This is not JSON.")) from None
    if not isinstance(row, dict):
        raise Invalid("line", _("This must be an object."))
    given = row.get("external_id")
    external_id = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    row["external_id"] = checked("external_id", external_id, NAME_LIMIT, required=True)
    first = seen.setdefault(row["external_id"], number)
    if first != number:
        raise Invalid("external_id", _("Line %(number)s has the same one.", number=first))
    return row


def _take(shelves: _Shelves, row: dict[str, Any], report: Report) -> None:
    known = shelves.articles.get(row["external_id"])
    status = _status(row["status"]) if "status" in row else None
    fields = {name: row[name] for name in _FIELDS if name in row}
    if "author" in row:
        fields["author_id"] = _author_id(row["author"])
    if "category" in row or known is None:
        fields["category"] = shelves.category(checked("category", row.get("category"), NAME_LIMIT))
    if known is None:
        title, content = (checked(name, fields.pop(name, None), required=True) for name in ("title", "content"))
        made = {"status": status or ArticleStatus.DRAFT, "external_id": row["external_id"], **fields}
        create_article(shelves.portal, shelves.locale, title, content, by=shelves.by, **made)
        report.created += 1
    elif _change(known, fields, status, shelves.by):
        report.updated += 1
    else:
        report.unchanged += 1


def _change(known: Article, fields: dict[str, Any], status: ArticleStatus | None, by: str) -> bool:
    is_changed = bool(update_article(known, by=by, **fields))
    if status is None or status == known.status:
        return is_changed
    _MOVES[status](known, by=by)
    return True


def _author_id(email: object) -> int | None:
    address = checked("author", email, NAME_LIMIT)
    if not address:
        return None
    author = users.by_email(address)
    if author is None:
        raise Invalid("author", _("There is no such agent."))
    return author.id


def _status(value: object) -> ArticleStatus:
    try:
        return ArticleStatus(str(value))
    except ValueError:
        raise Invalid("status", _("An article is draft, published or archived.")) from None


def _reason(problem: Invalid) -> str:
    return problem.reason if problem.field == "line" else f"{problem.field}: {problem.reason}"


# -- our own articles


def load_seeds(account_id: int, portal: Portal, folder: Path, authors: dict[str, int]) -> int:
    """How many articles of `folder` are new: `<locale>/<slug>.md`, and the shelves of `categories.json`.

    authors: {e-mail: user_id}. The portal learns the languages it lacks. Files have a head of `name: value` lines
    between `---`: external_id, title, description, category, position, status, author, updated_at (a date).
    """
    shelves = json.loads((folder / "categories.json").read_text())
    locales = sorted(path.name for path in folder.iterdir() if path.is_dir())
    with transaction(account_id):
        session().add(portal)
        update_portal(portal, by=IMPORTER, locales=list(dict.fromkeys([*portal.locales, *locales])))
    made = 0
    for locale in locales:
        with transaction(account_id):
            categories = _set_up_shelves(portal, locale, shelves)
            for path in sorted((folder / locale).glob("*.md")):
                made += _load(portal, locale, path, categories, authors)
    return made


def _set_up_shelves(portal: Portal, locale: str, shelves: list[dict[str, Any]]) -> dict[str, Category]:
    known = {found.slug: found for found in queries.categories(portal, locale)}
    for place in shelves:
        said = {"description": place["description"][locale], "icon": place["icon"], "position": place["position"]}
        if place["slug"] in known:
            update_category(known[place["slug"]], by=IMPORTER, name=place["name"][locale], **said)
        else:
            made = create_category(portal, locale, place["name"][locale], by=IMPORTER, slug=place["slug"], **said)
            known[made.slug] = made
    return known


def _load(portal: Portal, locale: str, path: Path, categories: dict[str, Category], authors: dict[str, int]) -> int:
    head, content = _split(path.read_text())
    query = select(Article.id).where(
        col(Article.account_id) == portal.account_id,
        col(Article.portal_id) == portal.id,
        col(Article.locale) == locale,
        col(Article.external_id) == head["external_id"],
    )
    if session().exec(query).first() is not None:
        return 0
    author_id = authors.get(head["author"])
    written_at = datetime.fromisoformat(head["updated_at"]).replace(hour=12, tzinfo=ZoneInfo(portal.timezone))
    # it was written on that day, and so says the log
    with clock.stopped_at(written_at):
        create_article(
            portal,
            locale,
            head["title"],
            content,
            by=IMPORTER if author_id is None else f"user:{author_id}",
            status=head["status"],
            slug=path.stem,
            external_id=head["external_id"],
            category=categories[head["category"]],
            description=head["description"],
            author_id=author_id,
            position=int(head["position"]),
        )
    return 1


def _split(text: str) -> tuple[dict[str, str], str]:
    _start, head, content = text.split("---\n", 2)
    return dict(_pairs(head)), content.strip()


def _pairs(head: str) -> Iterator[tuple[str, str]]:
    for line in head.strip().splitlines():
        name, _colon, value = line.partition(":")
        yield name.strip(), value.strip()
