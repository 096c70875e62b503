"""What crosses the socket: candidates in, a reply out. Standard library only, so that the web process can import it."""

from dataclasses import dataclass
from enum import StrEnum

PATH_LIMIT = 107  # bytes of a socket's path: sun_path holds 108, the last is NUL
REQUEST_LIMIT = 2 * 1024 * 1024  # bytes of a request

Key = int | str  # ids are the application's: numbers or text, given back as they came


class Verdict(StrEnum):
    ANSWER = "answer"  # sure enough to say it
    SUGGEST = "suggest"  # "perhaps this helps": links, and a human stays near
    ABSTAIN = "abstain"  # hand over


@dataclass(frozen=True)
class Candidate:
    """A passage the database found, with what each way of searching thinks of it.

    A score that was not computed is None and counts as the lowest among the candidates.
    """

    passage_id: Key
    article_id: Key
    title: str
    text: str
    external_id: str | None = None
    url: str | None = None
    heading: str = ""
    locale: str | None = None
    cosine: float | None = None  # question and passage (title and heading included), in [-1, 1]
    title_cosine: float | None = None  # question and title alone
    article_cosine: float | None = None  # mean cosine of all passages of the article
    sentence_cosines: tuple[
        float, ...
    ] = ()  # of the text's sentences by themselves, in order; none where they have no vectors
    lexical: float | None = None  # full-text rank, any scale ≥ 0
    title_similarity: float | None = None  # trigram similarity of question and title, in [0, 1]
    is_whole: bool = False  # the passage is the whole article
    position: int | None = None  # in the article: 0, 1, 2 …

    @property
    def subject(self) -> Key:
        """One for an article and its translations, which share an `external_id`."""
        return self.article_id if self.external_id is None else self.external_id


@dataclass(frozen=True)
class Thresholds:
    """From which probability to answer, and from which to suggest links. Below: hand over.

    Strict until an account's own accepted and rejected drafts say otherwise: of answers above `answer` nine in ten were
    right on each development corpus, by coefficients that had not seen that corpus.
    """

    answer: float = 0.9
    suggest: float = 0.35

    def __post_init__(self) -> None:
        if not 0 <= self.suggest <= self.answer <= 1:
            raise ValueError("thresholds: 0 ≤ suggest ≤ answer ≤ 1")


@dataclass(frozen=True)
class Calibration:
    """An account's own correction of the probability: `slope · logit + intercept`. See `calibration.recalibration`."""

    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True)
class Citation:
    """Where `[n]` in the text comes from. `quote` is the passage's own words; ` … ` stands where some are left out."""

    n: int
    passage_id: Key
    article_id: Key
    external_id: str | None
    title: str
    url: str | None
    quote: str


@dataclass(frozen=True)
class Alternative:
    """Another article worth a look."""

    article_id: Key
    passage_id: Key
    external_id: str | None
    title: str
    url: str | None
    score: float


@dataclass(frozen=True)
class Ranked:
    """A hit without its text. Scores in standard deviations among the candidates: 0 is average."""

    passage_id: Key
    article_id: Key
    external_id: str | None
    title: str
    url: str | None
    score: float  # the weighted sum of the seven, by which hits are ordered
    chunk: float
    title_score: float
    title_similarity: float
    lexical: float
    either: float = 0.0
    sentence: float = 0.0
    article: float = 0.0
    cosine: float | None = None  # as the candidate had them, before they were compared
    title_cosine: float | None = None
    matched: tuple[str, ...] = ()  # stems of the question that it says, in these or in other words


@dataclass(frozen=True)
class Ranking:
    """The hits, best first. `confidence`: probability in [0, 1] that the first one answers the question."""

    question: str  # as it was understood: repaired, with context when it leaned on it
    hits: tuple[Ranked, ...]
    confidence: float
    features: dict[str, float]  # what the confidence rests on; empty without hits


@dataclass(frozen=True)
class Reply:
    """What Captain would say, and to what of the ranking it holds."""

    text: str
    citations: tuple[Citation, ...]  # of an answer; none otherwise
    confidence: float
    verdict: Verdict
    alternatives: tuple[Alternative, ...]  # other articles, at most three; none when abstaining
    language: str  # `ru` or `en`
    ranking: Ranking


@dataclass(frozen=True)
class Understood:
    """A question made ready to search with."""

    text: str  # search with these words, not with those typed
    language: str
    vector: tuple[float, ...]
    embedder: str  # compare only with vectors of the same


class Wish(StrEnum):
    """How an agent wants his words."""

    SHORTER = "shorter"
    FRIENDLIER = "friendlier"
    FORMAL = "formal"
    FIX = "fix"
    TRANSLATE = "translate"


@dataclass(frozen=True)
class Rewritten:
    """A text worded anew. by: `model`, `rules`, or `nobody`: then it is as it was, and `lost` names what a model changed."""

    text: str
    by: str
    lost: tuple[str, ...] = ()


class Part(StrEnum):
    """Of a summary."""

    WANTS = "wants"
    ANSWERED = "answered"
    OPEN = "open"


@dataclass(frozen=True)
class Line:
    """A message of a thread. who: `customer` or `agent`."""

    id: Key
    who: str
    text: str


@dataclass(frozen=True)
class Point:
    """What a summary says, with the message that says it."""

    part: Part
    text: str
    id: Key


@dataclass(frozen=True)
class Summary:
    """The points in order. by: `model`, or `nobody`: they are quoted."""

    points: tuple[Point, ...]
    by: str
