"""Other settings for an assistant, tried on the past before they go live: the questions people have answered since, put to
both, and judged by what the people said.

The courier goes through them, a batch at a time, so that it survives any restart and progress shows. What Captain has
learned from these very conversations or from these customers, he does not know here (docs/decisions/0013).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from sqlalchemy import text
from sqlmodel import col, func, select

from app.assist import actions, judging, queries, steps
from app.assist.assistants import assistant, scope_of, served_by
from app.assist.calibrating import UNCORRECTED
from app.assist.judging import Comparison, Evidence, Made, Objection, Outcome
from app.assist.mining import pair_of
from app.assist.models import Assistant, Mode, Trial, TrialQuestion, TrialState
from app.assist.steps import Past
from app.assist.wishes import language
from app.clock import now
from app.config import settings
from app.conversations.models import Conversation, Message
from app.conversations.queries import threads
from app.database import session
from app.deliveries.actions import owe
from app.deliveries.courier import Kind as Courier
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError, Invalid, NotFound
from app.i18n import _, ngettext, speaking
from app.inboxes.queries import inboxes
from captain.client import Captain, CaptainAway
from captain.wire import Reply, Verdict

TRIAL = "captain.trial"
QUESTIONS = 300
LOOKED_AT = 900  # resolved conversations that may hold them
BATCH = 20  # questions a delivery
SECONDS = 10.0  # for one answer
SHOWN = 100  # of the questions that changed
FIELDS = ("mode", "accepted_error", "tone", "instructions", "portal_ids", "category_ids", "locales")
_ARTICLE = re.compile(r"/hc/[\w-]+/([\w-]+)/articles/([\w-]+)")


@dataclass(frozen=True)
class Item:
    """A question of the past with what a person answered."""

    id: int
    question: str
    evidence: Evidence


@dataclass(frozen=True)
class Side:
    """An assistant as he is now, or as he would be."""

    scope: queries.Scope | None
    sure_from: float
    tone: str
    instructions: str


@dataclass(frozen=True)
class Batch:
    """The next questions of a trial, for both sides. without: documents that know too much."""

    items: Sequence[Item]
    sides: tuple[Side, Side]
    without: frozenset[int]
    is_worded: bool


@dataclass(frozen=True)
class Changed:
    """A question that comes out differently."""

    display_id: int
    question: str
    answer: str
    current: Made
    candidate: Made


@dataclass(frozen=True)
class Result:
    """What a trial has shown so far. `objection`: why the candidate may not go live."""

    comparison: Comparison
    objection: Objection | None
    differing: Sequence[tuple[Made, Made, TrialQuestion]]

    @cached_property
    def changed(self) -> list[Changed]:
        """The first SHOWN that come out differently, with their words. Their threads are read, so for a page alone."""
        return _changed(self.differing[:SHOWN])


def settings_of(found: Assistant) -> dict[str, Any]:
    """What may be tried, as JSON."""
    return found.model_dump(mode="json", include=set(FIELDS))


def start(found: Assistant, fields: dict[str, Any], *, by: str) -> Trial:
    """Try these settings; one that is under way stops. Invalid for settings he cannot have, or that change nothing."""
    candidate = settings_of(actions.considered(found, fields))
    if candidate == settings_of(found):
        raise Invalid("candidate", _("Change something first: these are his settings now."))
    trial = actions.start_trial(found, settings_of(found), candidate, by=by)
    _owe(trial)
    return trial


def trial_of(account_id: int, trial_id: int) -> Trial:
    """One of the account. NotFound for any other."""
    found: Trial | None = session().get(Trial, (account_id, trial_id))
    if found is None:
        raise NotFound(_("There is no such trial."))
    return found


def trials(found: Assistant, limit: int = 5) -> list[Trial]:
    """His trials, the newest first."""
    query = select(Trial).where(col(Trial.account_id) == found.account_id, col(Trial.assistant_id) == found.id)
    return list(session().exec(query.order_by(col(Trial.id).desc()).limit(limit)))


def result(trial: Trial) -> Result:
    """What both sides made of the questions so far, and those that come out differently, wrong ones first."""
    rows = _questions(trial, is_done=True)
    made = [(_read(row.current), _read(row.candidate), row) for row in rows]
    pairs = [(current.outcome, candidate.outcome) for current, candidate, _row in made]
    differing = [(now_made, then, row) for now_made, then, row in made if now_made.outcome != then.outcome]
    differing.sort(key=lambda one: (one[1].outcome != Outcome.WRONG, one[0].outcome != Outcome.RIGHT, -one[2].id))
    is_done = trial.state == TrialState.DONE
    objection = judging.objection(pairs, trial.current, trial.candidate) if is_done else None
    return Result(Comparison(pairs), objection, differing)


def switch(trial: Trial, *, by: str, is_for_drafts: bool = False) -> Assistant:
    """Let the candidate be; for drafts alone if wanted, which is never refused. Invalid when it did worse, is not through,
    or the assistant is another one by now."""
    found = assistant(trial.account_id, trial.assistant_id)
    if trial.state != TrialState.DONE:
        raise Invalid("trial", _("The trial is not over yet."))
    if found.version != trial.version:
        raise Invalid("trial", _("The assistant has been changed since. Try again."))
    wanted = {**trial.candidate, "mode": "drafts"} if is_for_drafts else trial.candidate
    refuse_worse(found, wanted)
    actions.change_assistant(found, by=by, **wanted)
    return found


def refuse_worse(found: Assistant, fields: dict[str, Any]) -> None:
    """Invalid, with the reason, when these very settings were tried on him as he is and did worse."""
    wanted = settings_of(actions.considered(found, fields))
    query = select(Trial).where(
        col(Trial.account_id) == found.account_id,
        col(Trial.assistant_id) == found.id,
        col(Trial.state) == TrialState.DONE,
        col(Trial.candidate) == wanted,
        col(Trial.current) == settings_of(found),
    )
    tried = session().exec(query.order_by(col(Trial.id).desc()).limit(1)).first()
    shown = result(tried) if tried else None
    if tried and shown and shown.objection:
        raise Invalid("trial", told(shown, tried.candidate["accepted_error"]))


def told(shown: Result, accepted_error: float) -> str:
    """The objection as a sentence; "" without one."""
    both = shown.comparison
    if shown.objection == Objection.ERRORS:
        return _(
            "With these settings %(wrong)s of %(answered)s answers would have been wrong: more than now, and more than the"
            " accepted %(percent)s %%. He may draft for agents with them.",
            wrong=both.candidate.wrong,
            answered=both.candidate.answered,
            percent=round(accepted_error * 100),
        )
    if shown.objection == Objection.LOSSES:
        return _(
            "With these settings %(lost)s right answers would have been lost and %(gained)s gained, and not one wrong answer"
            " fewer given. He may draft for agents with them.",
            lost=both.ceased(Outcome.RIGHT),
            gained=both.became(Outcome.RIGHT),
        )
    return ""


def doubt(shown: Result, candidate: dict[str, Any]) -> str:
    """What the manager should read before he lets it go live: more wrong answers than he accepts, too few to be beyond chance.
    "" where there is nothing of the kind."""
    would = shown.comparison.candidate
    share, _low, _high = would.share("wrong")
    if candidate["mode"] != Mode.ANSWERS or shown.objection or share <= candidate["accepted_error"]:
        return ""
    return ngettext(
        "Of %(n)s answer with these settings %(wrong)s would have been wrong: more than the accepted %(percent)s %%. That may be"
        " chance with so few. Read them below before you decide.",
        "Of %(n)s answers with these settings %(wrong)s would have been wrong: more than the accepted %(percent)s %%. That may be"
        " chance with so few. Read them below before you decide.",
        would.answered,
        wrong=would.wrong,
        percent=round(candidate["accepted_error"] * 100),
    )


# -- the courier's steps


def _prepare(delivery: Delivery) -> Batch | None:
    trial = session().get(Trial, (delivery.account_id, delivery.data["trial_id"]), with_for_update=True)
    if trial is None or not trial.is_under_way:
        return None
    if trial.state == TrialState.WAITING:
        _choose(trial)
    items = _items(_questions(trial, is_done=False, limit=BATCH))
    found = assistant(trial.account_id, trial.assistant_id)
    sides = _side(found, trial.current), _side(found, trial.candidate)
    # his manner shows only in a model's wording, which costs: without a change there the articles' own words do
    is_worded = (sides[0].tone, sides[0].instructions) != (sides[1].tone, sides[1].instructions)
    return Batch(items, sides, _knowing_too_much(trial), is_worded)


def _choose(trial: Trial) -> None:
    """The newest QUESTIONS resolved conversations in which a person gave an answer."""
    found = assistant(trial.account_id, trial.assistant_id)
    served = served_by(found) or inboxes(trial.account_id)
    values = {"account": trial.account_id, "inboxes": [inbox.id for inbox in served], "limit": LOOKED_AT}
    answered = session().connection().execute(_ANSWERED, values).all()
    chosen = list(islice(_telling(trial.account_id, answered), QUESTIONS))
    for one in reversed(chosen):
        session().add(TrialQuestion(account_id=trial.account_id, trial_id=trial.id, conversation_id=one.id))
    trial.state, trial.question_count = TrialState.RUNNING, len(chosen)
    trial.split_at = min((one.created_at for one in chosen), default=now())
    session().flush()


def _telling(account_id: int, answered: Sequence[Any]) -> Iterator[Any]:
    """Those with a question and an answer; their threads are read a hundred at a time, while somebody wants more."""
    for start in range(0, len(answered), 100):
        told = threads(account_id, [one.id for one in answered[start : start + 100]], limit=60)
        yield from (one for one in answered[start : start + 100] if pair_of(told.get(one.id, [])))


def _side(found: Assistant, wanted: dict[str, Any]) -> Side:
    as_wanted = Assistant(**{**found.model_dump(), **wanted})
    return Side(scope_of(as_wanted), 1 - as_wanted.accepted_error, as_wanted.tone, as_wanted.instructions)


def _knowing_too_much(trial: Trial) -> frozenset[int]:
    """Pairs written after the first of these questions was asked, or learned from one of these customers: as `article_id`."""
    values = {"account": trial.account_id, "trial": trial.id, "split": trial.split_at}
    return frozenset(-row.id for row in session().connection().execute(_LEARNED, values))


def _items(rows: Sequence[TrialQuestion]) -> list[Item]:
    told = threads(rows[0].account_id, [row.conversation_id for row in rows], limit=60) if rows else {}
    pairs = [(row, *_pair(told, row.conversation_id)) for row in rows]
    return [Item(row.id, question, Evidence(answer, _cited(row, answer))) for row, question, answer in pairs]


def _cited(row: TrialQuestion, answer: str) -> frozenset[int]:
    """The articles the person linked to, and those of the draft he sent (at most half rewritten)."""
    values = {"account": row.account_id, "conversation": row.conversation_id}
    sent = session().connection().execute(_SENT, values).scalars()
    slugs = {slug for _locale, slug in _ARTICLE.findall(answer)}
    linked = session().connection().execute(_LINKED, {"account": row.account_id, "slugs": list(slugs)})
    return frozenset(int(number) for number in (*sent, *linked.scalars()))


def _answer(batch: Batch) -> dict[int, tuple[Made, Made]]:
    try:
        return {item.id: (_made(batch, item, 0), _made(batch, item, 1)) for item in batch.items}
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away


def _made(batch: Batch, item: Item, place: int) -> Made:
    side, spoken = batch.sides[place], language(item.question, "ru")
    with speaking(spoken):
        by_words = steps.by_words(item.question, Past(), has_files=False)
    if side.scope is None or by_words is not None or not item.evidence.words:
        return Made(Outcome.HANDED_OVER)
    reply = queries.ask(
        Captain(settings().captain_socket, SECONDS),
        side.scope,
        item.question[:1000],
        sure_from=side.sure_from,
        language=spoken,
        tone=side.tone,
        instructions=side.instructions,
        without=batch.without,
        is_worded=batch.is_worded,
        # what agents made of his drafts came from these very conversations too
        calibration=UNCORRECTED,
    )
    return _judged(reply, item.evidence)


def _judged(reply: Reply, evidence: Evidence) -> Made:
    if reply.verdict == Verdict.ANSWER and reply.text:
        cited = [int(citation.article_id) for citation in reply.citations]
        quoted = "\n".join(citation.quote for citation in reply.citations)
        outcome = Outcome.RIGHT if judging.is_right(cited, quoted, evidence) else Outcome.WRONG
        sources = [(source["title"], source["url"]) for source in queries.cited(reply)]
        return Made(outcome, reply.confidence, reply.text, sources)
    if reply.verdict == Verdict.SUGGEST and reply.alternatives:
        return Made(Outcome.LINKS, reply.confidence, "", [(one.title, one.url or "") for one in reply.alternatives])
    return Made(Outcome.HANDED_OVER, reply.confidence)


def _keep(delivery: Delivery, made: dict[int, tuple[Made, Made]]) -> None:
    trial = session().get(Trial, (delivery.account_id, delivery.data["trial_id"]), with_for_update=True)
    if trial is None or not trial.is_under_way:
        return
    for identifier, (current, candidate) in made.items():
        row = session().get_one(TrialQuestion, (trial.account_id, identifier))
        row.current, row.candidate, row.is_done = asdict(current), asdict(candidate), True
    session().flush()
    trial.done_count = _done(trial)
    if made and trial.done_count < trial.question_count:
        return _owe(trial)
    trial.state = TrialState.DONE
    shown = result(trial)
    actions.finish_trial(trial, shown.comparison, shown.objection)


def _ended(delivery: Delivery, _state: DeliveryState, reason: str) -> None:
    trial = session().get(Trial, (delivery.account_id, delivery.data["trial_id"]), with_for_update=True)
    if trial is not None and trial.is_under_way:
        trial.state, trial.error, trial.finished_at = TrialState.FAILED, reason[:1000], now()


def _owe(trial: Trial) -> None:
    ref = f"{trial.id}@{trial.done_count}"
    owe(trial.account_id, TRIAL, ref, lane=f"trial:{trial.id}", trial_id=trial.id)


def _questions(trial: Trial, *, is_done: bool, limit: int = QUESTIONS) -> list[TrialQuestion]:
    query = select(TrialQuestion).where(
        col(TrialQuestion.account_id) == trial.account_id,
        col(TrialQuestion.trial_id) == trial.id,
        col(TrialQuestion.is_done).is_(is_done),
    )
    return list(session().exec(query.order_by(col(TrialQuestion.id)).limit(limit)))


def _done(trial: Trial) -> int:
    query = (
        select(func.count())
        .select_from(TrialQuestion)
        .where(
            col(TrialQuestion.account_id) == trial.account_id,
            col(TrialQuestion.trial_id) == trial.id,
            col(TrialQuestion.is_done).is_(True),
        )
    )
    return session().exec(query).one()


def _read(row: dict[str, Any]) -> Made:
    return Made(Outcome(row["outcome"]), row["confidence"], row["text"], row["sources"])


def _changed(differing: Sequence[tuple[Made, Made, TrialQuestion]]) -> list[Changed]:
    if not differing:
        return []
    account_id, ids = differing[0][2].account_id, [row.conversation_id for _current, _candidate, row in differing]
    numbers = dict(session().exec(select(Conversation.id, Conversation.display_id).where(
        col(Conversation.account_id) == account_id, col(Conversation.id).in_(ids)
    )).all())  # fmt: skip
    told = threads(account_id, ids, limit=60)
    return [
        Changed(numbers[row.conversation_id], *_pair(told, row.conversation_id), current, candidate)
        for current, candidate, row in differing
    ]


def _pair(told: dict[int, list[Message]], conversation_id: int) -> tuple[str, str]:
    """(question, answer); empty when what was said has been deleted meanwhile."""
    return pair_of(told.get(conversation_id, [])) or ("", "")


_ANSWERED = text("""
    select c.id, c.created_at from conversation c
    where c.account_id = :account and c.inbox_id = any(:inboxes) and c.status = 'resolved' and exists (
        select from message m where m.account_id = :account and m.conversation_id = c.id and m.sender_type = 'user'
            and m.message_type = 'outgoing' and not m.is_private and m.deleted_at is null
    )
    order by c.created_at desc, c.id desc limit :limit
""")
_LEARNED = text("""
    select d.id from document d left join conversation c on c.account_id = d.account_id and c.id = d.conversation_id
    where d.account_id = :account and d.kind = 'faq' and (
        d.created_at >= :split or c.contact_id in (
            select asked.contact_id from trial_question q
            join conversation asked on asked.account_id = :account and asked.id = q.conversation_id
            where q.account_id = :account and q.trial_id = :trial
        )
    )
""")
_SENT = text("""
    select (source->>'article_id')::bigint from draft d cross join jsonb_array_elements(d.citations) source
    where d.account_id = :account and d.conversation_id = :conversation and (
        d.state = 'accepted' or d.state = 'edited' and d.edit_distance <= length(d.content) / 2
    )
""")
_LINKED = text("select id from article where account_id = :account and slug = any(:slugs)")

COURIER = Courier(TRIAL, _prepare, _answer, _keep, _ended, may_repeat=True, attempts=8)
