"""What a conversation of a history file was, told again: the rows it becomes, and the events as they would have been told.

Every event carries the conversation as it was at that moment, because it is told by the same `Conversation.facts()` as
live ones, of one that goes through its life once more. Nothing here asks or writes the database.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.conversations.models import Conversation, Holder, MessageType, Priority, SenderType, Status
from app.errors import Invalid
from app.history import lines
from app.history.lines import Entry, stamp
from app.i18n import _

_SENDERS = {
    "contact": SenderType.CONTACT,
    "agent": SenderType.USER,
    "captain": SenderType.CAPTAIN,
    "bot": SenderType.BOT,
    "automation": SenderType.AUTOMATION,
    "campaign": SenderType.AUTOMATION,
}
_ACTORS = frozenset({"captain", "bot", "automation", "system"})
_HOLDERS = {"captain": Holder.CAPTAIN, "bot": Holder.BOT}
_ANSWERERS = frozenset({SenderType.USER, SenderType.CAPTAIN, SenderType.BOT})
HANDOFF_REASON = "history"


@dataclass
class Names:
    """Whose number is whose: {external id: ours}."""

    agents: dict[str, int] = field(default_factory=dict)
    teams: dict[str, int] = field(default_factory=dict)
    inboxes: dict[str, int] = field(default_factory=dict)
    policies: dict[str, int] = field(default_factory=dict)
    calendars: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Life:
    """A conversation at one moment of its life: the columns of its row, without the row's machinery, which costs a
    millisecond each time."""

    id: int
    display_id: int
    external_id: str
    inbox_id: int
    contact_id: int
    contact_inbox_id: int
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime
    status: Status = Status.OPEN
    held_by: Holder | None = None
    priority: Priority | None = None
    assignee_id: int | None = None
    team_id: int | None = None
    labels: list[str] = field(default_factory=list)
    snoozed_until: datetime | None = None
    sla_policy_id: int | None = None
    waiting_since: datetime | None = None
    first_replied_at: datetime | None = None
    agent_last_seen_at: datetime | None = None
    contact_last_seen_at: datetime | None = None
    unread_count: int = 0
    thread_version: int = 0
    last_message_id: int | None = None

    def facts(self) -> dict[str, Any]:
        """In the words of live ones."""
        return Conversation.facts(self)  # type: ignore[arg-type]


@dataclass
class Rating:
    """A survey that was answered: which resolve it judges, by its place in `Story.facts`; None without one."""

    id: int
    resolve: int | None
    resolver_id: int | None
    team_id: int | None
    sent_at: datetime
    rating: int
    comment: str
    answered_at: datetime


@dataclass
class Story:
    """A conversation with all that goes with it, ready to be written. facts: as `append_history` takes them."""

    conversation: Life
    messages: list[dict[str, Any]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    customer_wrote_at: datetime | None = None


def check(line: lines.Conversation, names: Names) -> None:
    """Invalid when the line speaks of somebody or something that no line before it made known."""
    _known(names.inboxes, line.inbox, "inbox", 0)
    for place, entry in enumerate(line.timeline, start=1):
        match entry:
            case lines.Said(sender=sender) if sender.id is not None:
                _known(names.agents, sender.id, "agent", place)
            case lines.Assigned(to=to) if to is not None:
                _known(names.agents, to, "agent", place)
            case lines.GivenToTeam(to=to) if to is not None:
                _known(names.teams, to, "team", place)
            case lines.Promised(policy=policy) if policy is not None:
                _known(names.policies, policy, "sla_policy", place)
        by = getattr(entry, "by", None)
        if by is not None and by != "contact" and by not in _ACTORS:
            _known(names.agents, by, "agent", place)


def _known(known: dict[str, int], name: str, kind: str, place: int) -> None:
    if name not in known:
        words = unknown(kind, name)
        raise Invalid("", f"timeline {place}: {words}" if place else words)


def unknown(kind: str, name: str) -> str:
    """That a line speaks of something that no line before it made known."""
    return _("there is no %(kind)s “%(name)s”: its line must stand before this one.", kind=kind, name=name)


def tell(line: lines.Conversation, names: Names, conversation: Life, number: Callable[[str], int]) -> Story:
    """The story of a line that was checked.

    conversation: as it is created; it is brought to where the timeline leaves it. number: the next id of `message` or `survey`.
    """
    teller = _Teller(names, conversation, number)
    teller.begin(line)
    for entry in teller.rest:
        teller.go_on(entry)
    return teller.end()


class _Teller:
    """The conversation at one moment of its life, and what was told up to then."""

    def __init__(self, names: Names, conversation: Life, number: Callable[[str], int]) -> None:
        self.names, self.now, self.number = names, conversation, number
        self.story = Story(conversation)
        self.rest: list[Entry] = []
        self.resolved: tuple[int, datetime, int | None, int | None] | None = None

    def begin(self, line: lines.Conversation) -> None:
        """It is created, in the status that the first entries of that instant say."""
        now, first = self.now, 0
        for entry in line.timeline:
            if not isinstance(entry, lines.Moved) or entry.to != Status.PENDING or entry.moment != line.created_at:
                break
            now.status, now.held_by, first = Status.PENDING, _HOLDERS.get(entry.by), first + 1
        self.rest = line.timeline[first:]
        by = f"contact:{now.contact_id}"
        if self.rest and isinstance(self.rest[0], lines.Said):
            by = self._author(self.rest[0])[2]
        self._record("conversation.created", by, line.created_at)

    def go_on(self, entry: Entry) -> None:
        """One thing happens. What would change nothing tells nothing, as in life."""
        self.now.updated_at = entry.moment
        match entry:
            case lines.Said():
                self._say(entry)
            case lines.HandedOff():
                self._hand_off(entry.moment)
            case lines.Assigned():
                self._change(
                    "assignee_id", self._id(self.names.agents, entry.to), "assignee.changed", "assignee_change", entry
                )
            case lines.GivenToTeam():
                self._change("team_id", self._id(self.names.teams, entry.to), "team.changed", "team_change", entry)
            case lines.Prioritized():
                self._change("priority", entry.to, "conversation.priority_changed", "priority_change", entry)
            case lines.Labelled():
                self._label(entry)
            case lines.Promised():
                self._promise(entry)
            case lines.Moved():
                self._move(entry.to, self._actor(entry.by), entry.moment, entry.until, _holder(entry))
            case lines.Rated():
                self._rate(entry)

    def end(self) -> Story:
        """Nothing of the past waits to be seen by the customer, and to agents only what nobody answered."""
        self.now.contact_last_seen_at = self.now.last_activity_at
        return self.story

    # -- what can happen

    def _say(self, said: lines.Said) -> None:
        now = self.now
        sender_type, sender_id, actor = self._author(said)
        message_type = MessageType.INCOMING if said.direction == "incoming" else MessageType.OUTGOING
        message_id = now.last_message_id = self.number("message")
        now.last_activity_at = said.sent_at
        self._hear(sender_type, said)
        self.story.messages.append(
            {
                "id": message_id,
                "conversation_id": now.id,
                "inbox_id": now.inbox_id,
                "message_type": message_type,
                "sender_type": sender_type,
                "sender_id": sender_id,
                "content": said.content or "",
                "is_private": said.private,
                "external_id": said.external_id,
                "additional_attributes": {"campaign": True} if said.sender.kind == "campaign" else {},
                "created_at": stamp(said.sent_at),
            }
        )
        self._record(
            "message.created", actor, said.sent_at, message_id=message_id, message_type=message_type,
            is_private=said.private, sender_type=sender_type, sender_id=sender_id, version=1, content_type="text",
        )  # fmt: skip

    def _hear(self, sender_type: SenderType, said: lines.Said) -> None:
        """Who waits since when, what is unread, how far the thread has grown: as `conversations.actions` has it."""
        now = self.now
        if sender_type == SenderType.USER:
            now.unread_count, now.agent_last_seen_at = 0, said.sent_at
        if said.private:
            return
        now.thread_version += 1
        if sender_type == SenderType.CONTACT:
            self.story.customer_wrote_at = said.sent_at
            now.unread_count += 1
            now.waiting_since = now.waiting_since or said.sent_at
        elif sender_type in _ANSWERERS:
            now.waiting_since = None
            if sender_type == SenderType.USER:
                now.first_replied_at = now.first_replied_at or said.sent_at

    def _hand_off(self, moment: datetime) -> None:
        by = str(self.now.held_by or self._last_bot())
        if self.now.held_by is not None:
            # from now on the customer waits for people
            self.now.waiting_since = self.now.waiting_since or moment
            self._move(Status.OPEN, by, moment)
        self._record("conversation.bot_handoff", by, moment, reason=HANDOFF_REASON)

    def _change(self, column: str, value: Any, name: str, pair: str, entry: Any) -> None:
        before = getattr(self.now, column)
        if before != value:
            setattr(self.now, column, value)
            self._record(name, self._actor(entry.by), entry.moment, **{pair: [before, value]})

    def _label(self, entry: lines.Labelled) -> None:
        before = set(self.now.labels)
        after = (before | {label.lower() for label in entry.added}) - {label.lower() for label in entry.removed}
        if after != before:
            self.now.labels = sorted(after)
            added, removed = sorted(after - before), sorted(before - after)
            self._record(
                "conversation.labels_changed", self._actor(entry.by), entry.moment, added=added, removed=removed
            )

    def _promise(self, entry: lines.Promised) -> None:
        before, chosen = self.now.sla_policy_id, self._id(self.names.policies, entry.policy)
        if before != chosen:
            self.now.sla_policy_id = chosen
            name = "sla.applied" if chosen is not None else "sla.removed"
            self._record(name, self._actor(entry.by), entry.moment, sla_policy_id=before if chosen is None else chosen)

    def _move(
        self, status: Status, by: str, moment: datetime, until: datetime | None = None, held_by: Holder | None = None
    ) -> None:
        now, before = self.now, self.now.status
        is_same_snooze = status != Status.SNOOZED or now.snoozed_until == until
        if before == status and now.held_by == held_by and is_same_snooze:
            return
        now.status, now.held_by = status, held_by
        now.snoozed_until = until if status == Status.SNOOZED else None
        now.last_activity_at = moment
        if status == Status.RESOLVED:
            now.waiting_since, now.unread_count = None, 0
        snoozed_until = now.snoozed_until.astimezone(UTC).isoformat() if now.snoozed_until else None
        self._record(
            "conversation.status_changed", by, moment, status_change=[before, status], snoozed_until=snoozed_until
        )
        if status == Status.RESOLVED:
            who, _colon, number = by.partition(":")
            resolver_id = int(number) if who == "user" else None
            self.resolved = len(self.story.facts) - 1, moment, resolver_id, now.team_id

    def _rate(self, entry: lines.Rated) -> None:
        """The answer judges the last resolve before it; one that judges the same resolve again takes its place."""
        place, sent_at, resolver_id, team_id = self.resolved or (None, entry.moment, None, self.now.team_id)
        known = next((rating for rating in self.story.ratings if rating.resolve == place), None)
        if known is None:
            known = Rating(self.number("survey"), place, resolver_id, team_id, sent_at, 0, "", entry.moment)
            self.story.ratings.append(known)
        known.rating, known.comment, known.answered_at = entry.rating, entry.comment or "", entry.moment
        self._record(
            "csat.answered", f"contact:{self.now.contact_id}", entry.moment, survey_id=known.id, rating=entry.rating,
            resolver_id=resolver_id, resolver_team_id=team_id,
        )  # fmt: skip

    # -- who and what

    def _record(self, name: str, by: str, moment: datetime, **data: Any) -> None:
        self.story.facts.append(
            {
                "name": name,
                "conversation_id": self.now.id,
                "actor": by,
                "occurred_at": stamp(moment),
                "data": {**self.now.facts(), **data},
            }
        )

    def _author(self, said: lines.Said) -> tuple[SenderType, int | None, str]:
        sender_type = _SENDERS[said.sender.kind]
        if sender_type == SenderType.USER:
            sender_id = self.names.agents[str(said.sender.id)]
            return sender_type, sender_id, f"user:{sender_id}"
        if sender_type == SenderType.CONTACT:
            return sender_type, self.now.contact_id, f"contact:{self.now.contact_id}"
        return sender_type, None, sender_type.value

    def _actor(self, by: str) -> str:
        if by == "contact":
            return f"contact:{self.now.contact_id}"
        return by if by in _ACTORS else f"user:{self.names.agents[by]}"

    def _last_bot(self) -> str:
        """Which of the two it was that handed off without having held it: the one who wrote last."""
        wrote = (message["sender_type"] for message in reversed(self.story.messages))
        return next((str(who.value) for who in wrote if who in {SenderType.CAPTAIN, SenderType.BOT}), "captain")

    def _id(self, known: dict[str, int], name: str | None) -> int | None:
        return None if name is None else known[name]


def _holder(entry: lines.Moved) -> Holder | None:
    return _HOLDERS.get(entry.by) if entry.to == Status.PENDING else None
