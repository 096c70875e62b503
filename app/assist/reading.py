"""Reading sources: files, web pages, sitemaps, by the courier and outside of any transaction, with progress.

Addresses go through the guarded client, host by host and page by page; robots.txt is asked first. What has gone from
the site goes from Captain's mind; what the site did not answer for stays as it was read last.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from sqlmodel import col, select

from app import files, outbound
from app.assist import actions, extraction
from app.assist.models import Document, Source, SourceKind
from app.clock import now
from app.database import session, transaction
from app.deliveries.actions import owe
from app.deliveries.courier import Kind as Courier
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError, Invalid, Problem
from app.i18n import _
from app.timers import Timer, set_timer

READ = "captain.read"
REREAD = "captain.reread"
PAGES_LIMIT = 200
SITEMAPS_LIMIT = 20
PAGE_BYTES = 4 * 1024 * 1024
# Between two pages of one site, so that a small one does not feel us
PAUSE_SECONDS = 0.2
CRAWL_SECONDS = 480.0
AGENT = "Kulpunai"


@dataclass(frozen=True)
class Wanted:
    """A source as it is to be read."""

    account_id: int
    source_id: int
    kind: SourceKind
    name: str
    url: str
    path: str | None


@dataclass(frozen=True)
class Page:
    """What an address gave: a text; none when it is gone for good; `is_unknown` when it did not answer this time."""

    url: str
    text: extraction.Text | None
    is_unknown: bool = False


@dataclass(frozen=True)
class Read:
    """All of a source. `is_whole`: every page there is has been looked for, so those not among `pages` are gone."""

    pages: tuple[Page, ...]
    is_whole: bool = True
    error: str | None = None


def owe_reading(source: Source) -> None:
    """Read it soon; reading twice at once is once."""
    ref = f"{source.id}@{now().timestamp():.3f}"
    owe(source.account_id, READ, ref, lane=f"source:{source.id}", source_id=source.id)


def reread(timer: Timer) -> None:
    """Its time has come again."""
    source = session().get(Source, (timer.account_id, int(timer.ref)))
    if source is not None and source.kind != SourceKind.FILE:
        owe_reading(source)


def _prepare(delivery: Delivery) -> Wanted | None:
    found = session().get(Source, (delivery.account_id, delivery.data["source_id"]))
    if found is None:
        return None
    return Wanted(found.account_id, found.id, found.kind, found.name, found.url, found.path)


def _read(wanted: Wanted) -> Read:
    try:
        if wanted.path is not None:
            text = extraction.of_file(files.location(wanted.path).read_bytes(), wanted.name)
            return Read((Page("", text),))
        return _crawled(wanted)
    except Invalid as unreadable:
        return Read((), is_whole=False, error=unreadable.reason)
    except ChannelError as refusal:
        if not refusal.permanent:
            raise
        return Read((), is_whole=False, error=refusal.reason)
    except outbound.CutOff as cut:
        raise ChannelError(cut.reason, permanent=False) from cut


def _crawled(wanted: Wanted) -> Read:
    allowed = _robots(wanted.url)
    wanted_urls, is_all = _listed(wanted) if wanted.kind == SourceKind.SITEMAP else ([wanted.url], True)
    deadline = time.monotonic() + CRAWL_SECONDS
    pages: list[Page] = []
    for count, url in enumerate(wanted_urls):
        if time.monotonic() > deadline:
            return Read(tuple(pages), is_whole=False)
        if not allowed.can_fetch(AGENT, url):
            pages.append(Page(url, None))
        else:
            pages.append(_page(url))
            _tell_progress(wanted, len(wanted_urls), count + 1)
            time.sleep(PAUSE_SECONDS if len(wanted_urls) > 1 else 0)
    if wanted.kind == SourceKind.PAGE and not any(page.text for page in pages):
        return Read(tuple(pages), error=_("There is no text at this address, or it may not be read by programs."))
    return Read(tuple(pages), is_whole=is_all)


def _listed(wanted: Wanted) -> tuple[list[str], bool]:
    """(addresses, whether these are all) that the sitemap and those it leads to name."""
    pages: list[str] = []
    for body, url in _sitemaps(wanted.url):
        pages += extraction.addresses(body, url)[0]
    pages = list(dict.fromkeys(pages))
    if not pages:
        raise Invalid("url", _("This sitemap names no pages of its own site."))
    return pages[:PAGES_LIMIT], len(pages) <= PAGES_LIMIT


def _sitemaps(url: str) -> Iterator[tuple[bytes, str]]:
    waiting, seen = [url], set[str]()
    while waiting and len(seen) < SITEMAPS_LIMIT:
        here = waiting.pop(0)
        if here in seen:
            continue
        seen.add(here)
        answer = outbound.call("GET", here, limit_bytes=PAGE_BYTES, redirects=5)
        if answer.status != 200:
            raise ChannelError(_("The site answers %(status)s.", status=answer.status), permanent=answer.status < 500)
        yield answer.body, here
        waiting += extraction.addresses(answer.body, here)[1]


def _page(url: str) -> Page:
    try:
        answer = outbound.call("GET", url, limit_bytes=PAGE_BYTES, redirects=5, headers={"Accept": "text/html"})
    except Problem:
        return Page(url, None, is_unknown=True)
    if answer.status in {404, 410}:
        return Page(url, None)
    if answer.status != 200:
        return Page(url, None, is_unknown=True)
    kind = answer.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
    if kind in {"text/plain", "text/markdown", "application/pdf"}:
        name = urlsplit(answer.url).path.rpartition("/")[2] if kind != "text/plain" else "page.txt"
        return Page(url, extraction.of_file(answer.body, name or "page.md"))
    return Page(
        url, extraction.of_page(answer.body, answer.url) if kind in {"text/html", "application/xhtml+xml"} else None
    )


def _robots(url: str) -> RobotFileParser:
    """What the site lets programs read; all of it where it says nothing. https://www.rfc-editor.org/rfc/rfc9309"""
    parts, rules = urlsplit(url), RobotFileParser()
    rules.parse([])
    try:
        answer = outbound.call("GET", f"{parts.scheme}://{parts.netloc}/robots.txt", redirects=5)
    except Problem:
        return rules
    if answer.status == 200:
        rules.parse(answer.body.decode("utf-8", "replace").splitlines())
    return rules


def _tell_progress(wanted: Wanted, found: int, read: int) -> None:
    if found > 1 and read % 5 == 0:
        with transaction(wanted.account_id) as current:
            source = current.get(Source, (wanted.account_id, wanted.source_id))
            if source is not None:
                source.found_count, source.read_count = found, read


def _keep(delivery: Delivery, read: Read) -> None:
    """The source's documents as they were read: new and changed ones anew, those that are gone away."""
    source = session().get(Source, (delivery.account_id, delivery.data["source_id"]), with_for_update=True)
    if source is None:
        return
    mine = (col(Document.account_id) == source.account_id, col(Document.source_id) == source.id)
    known = {document.url: document for document in session().exec(select(Document).where(*mine))}
    for page in read.pages:
        document = known.pop(page.url, None)
        if page.text is not None:
            actions.keep_text(source, document, page.url, page.text.title, page.text.content)
        elif document is not None and not page.is_unknown:
            actions.forget_document(document)
    if read.is_whole and read.error is None:
        for gone in known.values():
            actions.forget_document(gone)
    actions.note_reading(
        source, found=len(read.pages), read=sum(p.text is not None for p in read.pages), error=read.error
    )
    if source.kind != SourceKind.FILE:
        set_timer(source.account_id, REREAD, str(source.id), now() + timedelta(hours=source.every_hours))


def _ended(delivery: Delivery, _state: DeliveryState, reason: str) -> None:
    source = session().get(Source, (delivery.account_id, delivery.data["source_id"]))
    if source is not None:
        actions.note_reading(source, found=source.found_count, read=source.read_count, error=reason)
        if source.kind != SourceKind.FILE:
            set_timer(source.account_id, REREAD, str(source.id), now() + timedelta(hours=source.every_hours))


COURIER = Courier(READ, _prepare, _read, _keep, _ended, may_repeat=True, attempts=4)
