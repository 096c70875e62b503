"""A help center in memory: the same retrieval as in PostgreSQL, for evaluation, notebooks and tests. Not for service.

Articles are Markdown files with a front matter (external_id, title), or lines of JSON (external_id, title, markdown).
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from captain.embedder import Embedder, Vectors
from captain.index import nearest
from captain.passages import Passage, passages
from captain.text import content, similarity, stems
from captain.wire import Candidate

DEPTH = 40  # candidates from each side, by vectors and by words
TITLED = DEPTH // 4  # articles by their titles
TITLE_WEIGHT, TEXT_WEIGHT = 1.0, 0.1  # PostgreSQL's defaults for the labels A and D
LEXEMES = 6  # the rarest words of a question that full text looks for


@dataclass(frozen=True)
class Article:
    external_id: str
    title: str
    markdown: str
    locale: str = "ru"
    is_published: bool = True


@dataclass(frozen=True)
class Entry:
    """One passage on the shelf."""

    article: Article
    passage: Passage
    title_stems: tuple[str, ...]
    text_stems: tuple[str, ...]


def articles(path: Path) -> list[Article]:
    """The published articles of a folder (`<locale>/*.md`) or of one file of JSON lines."""
    found = _folder(path) if path.is_dir() else _lines(path)
    return [article for article in found if article.is_published]


class Shelf:
    """Articles, embedded. `candidates()` gives what PostgreSQL would."""

    def __init__(self, articles: Iterable[Article], embedder: Embedder) -> None:
        self.entries = [
            Entry(article, passage, stems(article.title), stems(f"{passage.heading} {passage.text}"))
            for article in articles
            for passage in passages(article.title, article.markdown)
        ]
        titles = sorted({entry.article.title for entry in self.entries})
        places = {title: i for i, title in enumerate(titles)}
        self.embedder = embedder
        self._vectors = embedder.encode_document([entry.passage.embedded for entry in self.entries])
        self._titles = embedder.encode_document(titles)[[places[entry.article.title] for entry in self.entries]]
        single = [text for entry in self.entries for text in entry.passage.in_place]
        self._sentences = embedder.encode_document(single)
        self._ends = np.cumsum([0, *(len(entry.passage.in_place) for entry in self.entries)])
        owners: dict[str, int] = {}
        self._owners = np.array([owners.setdefault(_owner(entry.article), len(owners)) for entry in self.entries])
        self._frequency = _frequency(self.entries)

    def candidates(
        self, question: str, vector: Vectors | None = None, without: frozenset[str] = frozenset()
    ) -> list[Candidate]:
        """The DEPTH best by vectors, the DEPTH best by words, and the TITLED nearest titles' two best passages each.

        `without`: external ids taken off the shelf.
        """
        if vector is None:
            vector = self.embedder.encode_query([question])[0]
        shown = [i for i, entry in enumerate(self.entries) if entry.article.external_id not in without]
        if not shown:
            return []
        cosines = self._vectors @ vector
        by_vector = {shown[row] for row, _ in nearest(vector, self._vectors[shown], DEPTH)}
        known = (stem for stem in content(question) if stem in self._frequency)
        lexemes = sorted(known, key=lambda stem: self._frequency[stem])[:LEXEMES]
        ranks = {i: rank(lexemes, self.entries[i]) for i in shown}
        by_words = {i for i in sorted(shown, key=lambda i: -ranks[i])[:DEPTH] if ranks[i] > 0}
        title_cosines, single = self._titles @ vector, self._sentences @ vector
        wholes = np.bincount(self._owners, cosines) / np.bincount(self._owners)
        return [
            replace(
                self._candidate(i, question),
                cosine=float(cosines[i]),
                title_cosine=float(title_cosines[i]) if self.entries[i].article.title else None,
                article_cosine=float(wholes[self._owners[i]]),
                sentence_cosines=tuple(single[self._ends[i] : self._ends[i + 1]].tolist()),
                lexical=ranks[i],
            )
            for i in sorted(by_vector | by_words | self._titled(shown, cosines, title_cosines))
        ]

    def _titled(self, shown: Sequence[int], cosines: Vectors, title_cosines: Vectors) -> set[int]:
        by_title: dict[int, list[int]] = {}
        for i in sorted(shown, key=lambda i: -title_cosines[i]):
            by_title.setdefault(int(self._owners[i]), []).append(i)
        named = list(by_title.values())[:TITLED]
        return {i for own in named for i in sorted(own, key=lambda i: -cosines[i])[:2]}

    def _candidate(self, i: int, question: str) -> Candidate:
        article, passage = self.entries[i].article, self.entries[i].passage
        return Candidate(
            passage_id=i,
            article_id=_owner(article),
            external_id=article.external_id,
            title=article.title,
            text=passage.text,
            heading=passage.heading,
            locale=article.locale,
            title_similarity=similarity(question, article.title),
            is_whole=passage.is_whole,
            position=passage.position,
        )


def _owner(article: Article) -> str:
    return f"{article.locale}:{article.external_id}"


def rank(lexemes: Sequence[str], entry: Entry) -> float:
    """What `ts_rank(setweight(title, 'A') || text, lexemes joined by |, 1)` gives.

    https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/tsrank.c, calc_rank_or
    """
    if not lexemes:
        return 0.0
    found = sum(_weight(lexeme, entry) for lexeme in lexemes) / len(lexemes)
    return found / math.log2(len(entry.title_stems) + len(entry.text_stems) + 1)


def _weight(lexeme: str, entry: Entry) -> float:
    weights = [TITLE_WEIGHT] * entry.title_stems.count(lexeme) + [TEXT_WEIGHT] * entry.text_stems.count(lexeme)
    if not weights:
        return 0.0
    # The first occurrence of the greatest weight counts whole, every other one by its place: 1/4, 1/9 …
    return (weights[0] + sum(weight / (i + 1) ** 2 for i, weight in enumerate(weights) if i)) / (math.pi**2 / 6)


def _frequency(entries: Sequence[Entry]) -> dict[str, int]:
    frequency: dict[str, int] = {}
    for entry in entries:
        for stem in {*entry.title_stems, *entry.text_stems}:
            frequency[stem] = frequency.get(stem, 0) + 1
    return frequency


def _folder(path: Path) -> Iterator[Article]:
    for file in sorted(path.rglob("*.md")):
        _, front, markdown = file.read_text("utf-8").split("---\n", 2)
        field = dict(line.split(": ", 1) for line in front.splitlines() if ": " in line)
        status = field.get("status", "published").strip()
        yield Article(
            field["external_id"].strip(), field["title"].strip(), markdown, file.parent.name, status == "published"
        )


def _lines(path: Path) -> Iterator[Article]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        yield Article(row["external_id"], row["title"], row["markdown"])
