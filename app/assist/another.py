"""Another draft, when an agent wants one: from other sources than before, never in the same words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.assist import actions
from app.assist.courier import proposal_for, question_of
from app.assist.models import Draft, DraftState
from app.conversations.models import Conversation, Message
from app.conversations.queries import locked
from app.database import transaction
from app.users.models import User
from captain.wire import Candidate, Understood

# A person asks for it, and sees how sure it is; below this it has nothing to do with the question
SURE_FROM = 0.2
TRIES = 3  # to find other words


def another_now(
    account_id: int, conversation_id: int, draft_id: int, budget_seconds: float, *, by: User
) -> Draft | None:
    """The next best answer to the same message, from sources that no draft to it has cited, in the draft's place; None
    when there is none. CaptainAway when one of his answers takes longer than the budget. Opens its own transactions.
    """
    with transaction(account_id) as current:
        conversation = current.get_one(Conversation, (account_id, conversation_id))
        old = actions.draft(conversation, draft_id)
        question = question_of(current.get_one(Message, (account_id, old.message_id)))
        drafts = actions.drafts_of(old)
    if question is None or old.state != DraftState.SHOWN:
        return None
    cited = Cited.by(drafts)
    # an article and its translation, or two documents of one text, say the same words
    for _try in range(TRIES):
        proposal = proposal_for(question, budget_seconds, sure_from=SURE_FROM, arrange=cited.others)
        if not proposal.is_answer or not cited.says(proposal):
            break
        cited = cited.besides(proposal)
    if not proposal.is_answer or cited.says(proposal):
        return None
    with transaction(account_id):
        return actions.propose_another(locked(account_id, conversation_id), draft_id, proposal, by=by)


@dataclass(frozen=True)
class Cited:
    """What drafts to one message have cited: whole articles, passages of documents, for those may be long as a book; and
    their words."""

    articles: frozenset[str]
    passages: frozenset[int]
    words: frozenset[str]

    @classmethod
    def by(cls, drafts: Sequence[Draft]) -> "Cited":
        sources = [source for draft in drafts for source in draft.citations]
        return cls(
            articles=frozenset(_subject(source) for source in sources if not _is_long(source)),
            passages=frozenset(source["passage_id"] for source in sources if _is_long(source)),
            words=frozenset(_plain(draft.content) for draft in drafts),
        )

    def besides(self, proposal: actions.Proposal) -> "Cited":
        more = frozenset(_subject(source) for source in proposal.citations)
        return Cited(self.articles | more, self.passages, self.words)

    def says(self, proposal: actions.Proposal) -> bool:
        return _plain(proposal.text) in self.words

    def others(self, _understood: Understood, found: list[Candidate]) -> list[Candidate]:
        return [one for one in found if str(one.subject) not in self.articles and one.passage_id not in self.passages]


def _is_long(source: dict[str, Any]) -> bool:
    """A passage of a document, whose number is negative."""
    return bool(source.get("passage_id")) and source.get("article_id", 0) < 0


def _subject(source: dict[str, Any]) -> str:
    return str(source.get("external_id") or source.get("article_id"))


def _plain(words: str) -> str:
    return " ".join(re.findall(r"\w+", re.sub(r"\[\d+\]", "", words.lower())))
