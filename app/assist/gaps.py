"""What customers asked and Captain could not answer: alike questions together, those asked most first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from app.assist.judging import Evidence, is_right
from app.assist.mining import cosine, pair_of, without_names
from app.assist.wishes import Wish, says_the_same, wish
from app.clock import now
from app.config import settings
from app.conversations.models import Message
from app.conversations.queries import threads
from app.database import session, transaction
from app.i18n import _
from captain.client import Captain, CaptainAway
from captain.text import content

DAYS = 30
LIMIT = 120  # questions looked at
# Of two questions; nearer ones stand together. Of 23 help centers' questions (data/captain: 6,790, worded as unlike each
# other as can be) two pairs of three that come so near are about one thing; mixing in common words found no more of them
TOGETHER = 0.65
HEADINGS = 6  # of a draft
MEANING = 2  # words of a question that say something, at least
_COURTESY = re.compile(
    r"\b(спасибо|благодарю|супер|отлично|хорошо|понятно|ясно|жду|ок|thanks?|thank you|great|ok|okay)\b", re.IGNORECASE
)
SECONDS = 20.0


@dataclass(frozen=True)
class Unanswered:
    """One customer's question, the conversation it stands in, and what a person answered to it, if anybody has."""

    question: str
    display_id: int
    asked_at: datetime
    answer: str


@dataclass(frozen=True)
class Gap:
    """Questions that are alike, the newest first."""

    questions: Sequence[Unanswered]

    @property
    def question(self) -> str:
        """The one that stands for all: the shortest is the plainest."""
        return min((one.question for one in self.questions), key=len)

    @property
    def answer(self) -> str:
        """What a person said to it, the newest."""
        return next((one.answer for one in self.questions if one.answer), "")

    @property
    def outline(self) -> "Outline":
        """An article that would close it: what people answered, each thing once, and what is still to be answered."""
        told: list[Unanswered] = []
        for one in self.questions:
            if one.answer and not any(_say_the_same(one.answer, other.answer) for other in told):
                told.append(one)
        known = [self.question, *(one.question for one in told)]
        left: list[str] = []
        for one in self.questions:
            if not one.answer and not any(says_the_same(one.question, other) for other in [*known, *left]):
                left.append(one.question)
        return Outline(self.question, told[:HEADINGS], left[:HEADINGS])


@dataclass(frozen=True)
class Outline:
    """A draft of an article: a heading for each question that was answered, and for each that was not."""

    title: str
    answered: Sequence[Unanswered]
    unanswered: Sequence[str]

    @property
    def markdown(self) -> str:
        """As an editor finds it: people's own words, to be worded for everybody."""
        first = [one.answer for one in self.answered[:1]]
        others = [f"## {_headed(one.question)}\n\n{one.answer}" for one in self.answered[1:]]
        nobody = _("Nobody has answered this yet.")
        missing = [f"## {_headed(question)}\n\n{nobody}" for question in self.unanswered]
        return "\n\n".join([*first, *others, *missing])


def _headed(question: str) -> str:
    words = " ".join(question.split())
    return words[:1].upper() + words[1:160]


def _say_the_same(one: str, other: str) -> bool:
    return is_right((), one, Evidence(other))


def gaps(account_id: int) -> list[Gap]:
    """Of the last DAYS days. Opens its own transactions: Captain is asked outside of any; without him nothing is grouped."""
    with transaction(account_id):
        found = _unanswered(account_id)
    try:
        vectors = Captain(settings().captain_socket, SECONDS).embed_queries([one.question for one in found])
    except CaptainAway:
        return [Gap([each]) for each in found]
    groups: list[tuple[list[float], list[Unanswered]]] = []
    for one, mine in zip(found, vectors, strict=True):
        near = max(groups, key=lambda group: _nearness(group, one, mine), default=None)
        if near is not None and _nearness(near, one, mine) >= TOGETHER:
            near[1].append(one)
        else:
            groups.append((mine, [one]))
    return sorted((Gap(questions) for _vector, questions in groups), key=lambda gap: -len(gap.questions))


def _nearness(group: tuple[list[float], list[Unanswered]], one: Unanswered, vector: list[float]) -> float:
    """Of the question to those together already; whose answers say the same asked the same, however they put it."""
    is_same = one.answer and any(other.answer and _say_the_same(one.answer, other.answer) for other in group[1])
    return 1.0 if is_same else cosine(group[0], vector)


def _unanswered(account_id: int) -> list[Unanswered]:
    values = {"account": account_id, "since": now() - timedelta(days=DAYS), "limit": LIMIT}
    rows = [row for row in session().connection().execute(_ABSTAINED, values) if _asks(row.content)]
    told = threads(account_id, {row.conversation_id for row in rows}, limit=60)
    return [
        Unanswered(without_names(row.content), row.display_id, row.created_at, _answer(told[row.conversation_id]))
        for row in rows
    ]


def _asks(words: str) -> bool:
    """Whether something is asked there: not thanks with a smile, nor the end of a sentence begun before."""
    return wish(words) in {Wish.QUESTION, Wish.MONEY} and len(content(_COURTESY.sub("", words))) >= MEANING


def _answer(messages: Sequence[Message]) -> str:
    pair = pair_of(messages)
    return pair[1] if pair else ""


_ABSTAINED = text("""
    select m.content, m.created_at, m.conversation_id, c.display_id
    from (
        select (data->>'message_id')::bigint as message_id from event
        where account_id = :account and name = 'captain.abstained' and recorded_at >= :since
            and data->>'reason' in ('not_sure', 'failed_twice')
        group by 1 order by max(seq) desc limit :limit
    ) e
    join message m on m.account_id = :account and m.id = e.message_id
    join conversation c on c.account_id = :account and c.id = m.conversation_id
    where length(m.content) between 12 and 400 and m.deleted_at is null
    order by m.id desc
""")
