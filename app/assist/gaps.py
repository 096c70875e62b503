"""What customers asked and Captain could not answer: alike questions together, those asked most first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from app.assist.mining import cosine, pair_of
from app.clock import now
from app.config import settings
from app.conversations.models import Conversation
from app.conversations.queries import thread
from app.database import session, transaction
from captain.client import Captain, CaptainAway

DAYS = 30
LIMIT = 120  # questions looked at
# Of two questions; nearer ones stand together. On the development set three pairs of four that come so near are one question
TOGETHER = 0.53
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


def gaps(account_id: int) -> list[Gap]:
    """Of the last DAYS days. Opens its own transactions: Captain is asked outside of any; without him nothing is grouped."""
    with transaction(account_id):
        found = _unanswered(account_id)
    captain = Captain(settings().captain_socket, SECONDS)
    groups: list[tuple[list[float], list[Unanswered]]] = []
    for one in found:
        try:
            mine = captain.embed_query(one.question)
        except CaptainAway:
            return [Gap([each]) for each in found]
        near = max(groups, key=lambda group: cosine(group[0], mine), default=None)
        if near is not None and cosine(near[0], mine) >= TOGETHER:
            near[1].append(one)
        else:
            groups.append((mine, [one]))
    return sorted((Gap(questions) for _vector, questions in groups), key=lambda gap: -len(gap.questions))


def _unanswered(account_id: int) -> list[Unanswered]:
    values = {"account": account_id, "since": now() - timedelta(days=DAYS), "limit": LIMIT}
    rows = session().connection().execute(_ABSTAINED, values).all()
    return [
        Unanswered(row.content, row.display_id, row.created_at, _answer(account_id, row.conversation_id))
        for row in rows
    ]


def _answer(account_id: int, conversation_id: int) -> str:
    conversation = session().get_one(Conversation, (account_id, conversation_id))
    pair = pair_of(thread(conversation, limit=60, public_only=True))
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
