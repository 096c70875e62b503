"""How long a promise has run, from the log: the open time of whose calendar it went by, without what it was paused for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from app.calendars.hours import HORIZON, Span, openings
from app.calendars.queries import assignments, hours_of
from app.conversations.models import Status
from app.events import log
from app.sla.models import SlaTarget, TargetKind

_NAMES = frozenset({"conversation.created", "conversation.status_changed", "team.changed"})


def moments(target: SlaTarget, percents: Sequence[int]) -> dict[int, datetime]:
    """When each part of the promised time, in ascending percents, is used up: the last instant at which no more is.

    What is never used up, as things stand, is left out: the promise is paused, or its calendar does not open again.
    """
    found: dict[int, datetime] = {}
    waiting, used = [(percent, timedelta(seconds=target.seconds * percent / 100)) for percent in percents], timedelta()
    for opens, closes in _spans(target):
        while waiting and used + (closes - opens) > waiting[0][1]:
            percent, share = waiting.pop(0)
            found[percent] = opens + (share - used)
        if not waiting:
            break
        used += closes - opens
    return found


def is_plain(target: SlaTarget) -> bool:
    """Whether nothing but the wall clock moves it."""
    return not target.is_business_time and not _pauses(target)


@dataclass(frozen=True)
class _State:
    """What of the conversation decides about its clock, from a moment on."""

    since: datetime
    team_id: int | None
    is_paused: bool


def _spans(target: SlaTarget) -> Iterator[Span]:
    """The stretches in which the promise's time runs, from its start on."""
    begin, end = target.started_at, target.started_at + HORIZON
    if is_plain(target):
        yield begin, end
        return
    told = log.of_conversation(target.account_id, target.conversation_id, names=_NAMES)
    states = _states(told, target)
    inbox_id = told[0].data["inbox_id"]
    given = [event for event in assignments(target.account_id) if target.is_business_time]
    hours = hours_of(target.account_id, {event.data["calendar_id"] for event in given})
    edges = {state.since for state in states} | {event.occurred_at for event in given}
    for start, finish in pairwise([begin, *sorted(edge for edge in edges if begin < edge < end), end]):
        state = _at(states, start)
        if state.is_paused:
            continue
        chosen = hours[_calendar_id(given, start, inbox_id, state.team_id)]
        yield from [(start, finish)] if chosen is None else openings(chosen, start, finish)


def _states(told: Sequence[log.Event], target: SlaTarget) -> list[_State]:
    """In the order things happened; nothing of a conversation comes before its creation."""
    born = told[0].occurred_at
    ordered = sorted(((max(event.occurred_at, born), event) for event in told), key=lambda pair: (pair[0], pair[1].seq))
    states, is_paused = [], False
    for since, event in ordered:
        if event.name != "team.changed":
            is_paused = _is_paused(event, _pauses(target))
        states.append(_State(since, event.data["team_id"], is_paused))
    return states


def _pauses(target: SlaTarget) -> Sequence[str]:
    """Only the resolution may wait for the customer."""
    return target.pause_while if target.kind == TargetKind.RESOLUTION else ()


def _is_paused(event: log.Event, pause_while: Sequence[str]) -> bool:
    """Whether we wait for the customer; not while a bot has it, nor until a time that we chose."""
    if event.data["status"] not in pause_while or event.data["held_by"] is not None:
        return False
    return event.data["status"] != Status.SNOOZED or event.data.get("snoozed_until") is None


def _at(states: Sequence[_State], moment: datetime) -> _State:
    return next((state for state in reversed(states) if state.since <= moment), states[0])


def _calendar_id(given: Iterable[log.Event], moment: datetime, inbox_id: int, team_id: int | None) -> int | None:
    """The team's calendar, if it had one then; else the inbox's."""
    mine: dict[str, int | None] = {}
    for event in given:
        is_team = team_id is not None and event.data["team_id"] == team_id
        place = "team" if is_team else "inbox" if event.data["inbox_id"] == inbox_id else ""
        # an import says which calendar somebody had, not since when
        is_from_of_old = event.causation == log.HISTORY and place not in mine
        if place and (event.occurred_at <= moment or is_from_of_old):
            mine[place] = event.data["calendar_id"]
    return mine.get("team") or mine.get("inbox")
