"""What Captain does with a customer's turn: answer, offer links, ask back, hand over, or be silent. No database here.

`by_words` decides what words alone decide; `by_reply` what Captain found. Every text is in the language `speaking` has set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.assist.wishes import Wish, affirms, wish
from app.i18n import N_, _, clock_name, format_date, format_time, to_zone


class Kind(StrEnum):
    ANSWER = "answer"
    SUGGEST = "suggest"
    CLARIFY = "clarify"
    HELLO = "hello"
    THANKS = "thanks"
    SOLVED = "solved"
    HAND_OFF = "hand_off"
    SILENT = "silent"


class Reason(StrEnum):
    """Why Captain gives a conversation to people."""

    ASKED = "customer_asked"
    ANGER = "anger"
    MONEY = "money"
    NOT_SURE = "not_sure"
    FAILED = "failed_twice"
    NO_WORDS = "no_words"
    TOO_MANY = "too_many"
    AWAY = "captain_away"
    OFF = "switched_off"
    MACHINE = "machine"


@dataclass(frozen=True)
class Step:
    """One thing to do. `sources` as `queries.cited` gives them; `found`: titles and addresses for the colleague's note."""

    kind: Kind
    text: str = ""
    reason: Reason | None = None
    sources: Sequence[dict[str, Any]] = ()
    found: Sequence[tuple[str, str]] = ()
    confidence: float = 0.0
    article_ids: Sequence[int] = ()
    scores: Sequence[float] = ()
    features: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Past:
    """What Captain has done in this conversation: the kinds of his messages since a person spoke, the newest first; how
    many there were in the last minute and hour; what the customer asked the last time he was answered; how often he has
    said in a minute what he says now; whether it is what Captain himself has said; all he has told him since then."""

    kinds: Sequence[str] = ()
    in_minute: int = 0
    in_hour: int = 0
    question: str = ""
    repeats: int = 0
    is_echo: bool = False
    told: str = ""

    @property
    def failures(self) -> int:
        """How often in a row he could not answer."""
        count = 0
        for kind in self.kinds:
            if kind == Kind.ANSWER:
                break
            count += kind in {Kind.SUGGEST, Kind.CLARIFY}
        return count


FAILURES = 2
# Of Captain's messages in a conversation, whoever is at the other end; and of the same words in a minute
PER_MINUTE, PER_HOUR = 6, 20
REPEATS = 3


def by_words(text: str, past: Past, *, has_files: bool) -> Step | None:
    """What is to be done whatever the help center says; None when it has to be asked."""
    wanted = _wish(text, past)
    if wanted == Wish.MACHINE or past.is_echo:
        # not a word: whatever is said to a machine, it answers
        return Step(Kind.HAND_OFF, "", Reason.MACHINE)
    if past.in_minute >= PER_MINUTE or past.in_hour >= PER_HOUR or past.repeats >= REPEATS:
        return hand_over(Reason.TOO_MANY)
    if wanted in _TO_PEOPLE:
        return hand_over(_TO_PEOPLE[wanted])
    if wanted == Wish.SOLVED and {Kind.ANSWER, Kind.SUGGEST} & set(past.kinds):
        return Step(Kind.SOLVED, _("Glad I could help! If anything else comes up, just write."))
    if has_files and wanted in {Wish.NOTHING, Wish.THANKS}:
        return hand_over(Reason.NO_WORDS)
    if wanted in {Wish.NOTHING, Wish.FAILED}:
        return hand_over(Reason.FAILED) if past.failures + 1 >= FAILURES else Step(Kind.CLARIFY, _CLARIFY[wanted]())
    if wanted in {Wish.THANKS, Wish.SOLVED}:
        return _to_thanks(past)
    if wanted == Wish.HELLO:
        return Step(Kind.SILENT) if Kind.HELLO in past.kinds else Step(Kind.HELLO, _("How can I help?"))
    if wanted == Wish.WHO:
        return Step(
            Kind.HELLO,
            _(
                "I am an automatic assistant: I look for answers in the help center, and call a person when you ask for one."
            ),
        )
    return hand_over(Reason.FAILED) if past.failures >= FAILURES else None


def hand_over(reason: Reason, **more: Any) -> Step:
    """Give it to people, saying why."""
    return Step(Kind.HAND_OFF, _(_SAID[reason]), reason, **more)


def back_at(opens: datetime | None, moment: datetime) -> str:
    """When people answer, by the clock `speaking` has set, which is named: the customer's may be another.

    opens: when the inbox does, None when it is open.
    """
    if opens is None:
        return _("A person will answer you here.")
    local, today = to_zone(opens), to_zone(moment).date()
    days, time = (local.date() - today).days, f"{format_time(opens)} ({clock_name()})"
    if days == 0:
        return _("We are away just now and will answer you here today after %(time)s.", time=time)
    if days == 1:
        return _("We are away just now and will answer you here tomorrow after %(time)s.", time=time)
    date = format_date(opens)
    return _("We are away just now and will answer you here on %(date)s after %(time)s.", date=date, time=time)


def _wish(text: str, past: Past) -> Wish:
    """The wish of his words; «да» and «нет» answer what Captain asked last."""
    said = affirms(text)
    if said is not None and past.kinds and past.kinds[0] in {Kind.ANSWER, Kind.SUGGEST}:
        return Wish.SOLVED if said else Wish.FAILED
    if past.question and text.strip().casefold() == past.question.strip().casefold():
        return Wish.FAILED
    return wish(text)


def _to_thanks(past: Past) -> Step:
    """One kind word, and no more: thanks for thanks would never end."""
    if not past.kinds:
        return Step(Kind.HELLO, _("How can I help?"))
    if past.kinds[0] not in {Kind.ANSWER, Kind.SUGGEST, Kind.CLARIFY}:
        return Step(Kind.SILENT)
    return Step(Kind.THANKS, _("You are welcome! If it did not help, say so and I will call a person."))


_TO_PEOPLE = {Wish.HUMAN: Reason.ASKED, Wish.ANGER: Reason.ANGER, Wish.MONEY: Reason.MONEY}
_CLARIFY = {
    Wish.NOTHING: lambda: _("Please put your question into words, and I will look for an answer."),
    Wish.FAILED: lambda: _("Sorry it did not help. Tell me in other words what you need, or ask for a person."),
}
_SAID = {
    Reason.ASKED: N_("I am calling a colleague."),
    Reason.ANGER: N_("I am sorry about this. I am passing the conversation to a colleague."),
    Reason.MONEY: N_("Payments and refunds are decided by people. I am passing the conversation to a colleague."),
    Reason.NOT_SURE: N_("I did not find a sure answer, so I am passing your question to a colleague."),
    Reason.FAILED: N_("It seems I could not help. I am passing the conversation to a colleague, who sees all of it."),
    Reason.NO_WORDS: N_("I cannot look at files, so I am passing the conversation to a colleague."),
    Reason.TOO_MANY: N_("I am passing the conversation to a colleague."),
    Reason.AWAY: N_("I am passing the conversation to a colleague."),
    Reason.OFF: N_("I am passing the conversation to a colleague."),
}
WHY = {
    Reason.ASKED: N_("the customer asks for a person"),
    Reason.ANGER: N_("the customer is angry"),
    Reason.MONEY: N_("it is about payments or refunds"),
    Reason.NOT_SURE: N_("no sure answer in the knowledge base"),
    Reason.FAILED: N_("two answers in a row did not help"),
    Reason.NO_WORDS: N_("the message holds no words"),
    Reason.TOO_MANY: N_("too many messages in a short time"),
    Reason.AWAY: N_("Captain did not answer in time"),
    Reason.OFF: N_("Captain was switched off here"),
    Reason.MACHINE: N_("a machine seems to write, not a person"),
}
