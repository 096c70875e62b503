"""The metrics a second time, in plain Python, one conversation after another: slow, obvious, and nothing shared with the SQL.

Written from the settled definitions alone. `rows()` answers what `analytics.read.answer` answers. What depends on the end of
the window is asked of the story cut off there.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400 * 1_000_000
WEEK_US = 7 * DAY_US
HORIZON_US = 2100 * DAY_US
SPANS = {
    "first_response_human", "first_response_any", "next_response", "requester_wait", "agent_wait",
    "first_resolution", "full_resolution", "episode_resolution", "handle_time",
}  # fmt: skip
# What Captain did, and what agents made of his drafts
WORK = {
    "captain_drafts": ("draft",), "captain_drafts_used": ("accepted", "edited", "rejected"),
    "captain_drafts_accepted": ("accepted",), "captain_drafts_edited": ("edited",),
    "captain_drafts_rejected": ("rejected",), "captain_answers": ("answer",), "captain_abstentions": ("abstained",),
    "captain_handoffs": ("handed_off",),
}  # fmt: skip
COUNTS = {"conversations", "messages_incoming", "messages_outgoing", "backlog", "sla_unfinished"}
COUNTS |= WORK.keys() - {"captain_drafts_used"}
# Which channel an inbox has; others have none
CHANNELS = {1: "website", 2: "api"}
ANSWERERS = ("user", "captain", "bot")

Dict = dict[str, Any]


@dataclass(frozen=True)
class State:
    agent: int | None = None
    team: int | None = None
    labels: tuple[str, ...] = ()
    priority: str | None = None
    status: str | None = None
    holder: str | None = None
    until: str | None = None
    inbox: int | None = None
    has_captain_written: bool = False
    is_unanswered: bool = False

    def dimensions(self, **other: Any) -> Dict:
        mine = {"inbox": self.inbox, "agent": self.agent, "team": self.team, "labels": self.labels}
        took_part = self.has_captain_written or self.holder == "captain"
        return mine | {"priority": self.priority, "captain": "captain" if took_part else "human"} | other


@dataclass(frozen=True)
class Row:
    """One event, with the state before and after it."""

    place: int
    now: int
    seq: int
    name: str
    actor: str
    data: Dict
    before: State
    after: State
    is_imported: bool

    @property
    def kind(self) -> str:
        """customer, user, captain, bot: who wrote publicly; other: automation; "" when nobody did."""
        if self.name != "message.created" or self.data["is_private"]:
            return ""
        kind, sender = self.data["message_type"], self.data["sender_type"]
        if kind == "incoming":
            return "customer"
        if kind not in ("outgoing", "template"):
            return ""
        return sender if kind == "outgoing" and sender in ANSWERERS else "other"

    @property
    def is_resolve(self) -> bool:
        return self.after.status == "resolved" and self.before.status not in (None, "resolved")

    @property
    def is_reopening(self) -> bool:
        return self.before.status == "resolved" and self.after.status != "resolved"

    @property
    def is_handoff(self) -> bool:
        who = self.actor.split(":")[0]
        if self.name == "conversation.bot_handoff":
            return who != "user"
        opened = self.name == "conversation.status_changed" and self.after.status == "open"
        return opened and who in ("captain", "bot") and self.before.holder == who

    @property
    def resolver(self) -> Dict:
        return self.before.dimensions(agent=int(self.actor[5:]) if self.actor.startswith("user:") else None)


@dataclass
class World:
    """What holds for the whole account."""

    calendars: dict[int, list[Dict]] = field(default_factory=lambda: defaultdict(list))
    given: list[tuple[int, str, int, int | None]] = field(default_factory=list)
    policies: dict[int, list[tuple[int, Dict]]] = field(default_factory=lambda: defaultdict(list))
    captains_inboxes: set[int] = field(default_factory=set)
    presence: dict[int, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    now: int = 0

    def calendar_at(self, moment: int, inbox: int, team: int | None) -> int | None:
        found: dict[str, int | None] = {}
        for since, what, number, calendar in self.given:
            if since <= moment and (what, number) in (("inbox", inbox), ("team", team)):
                found[what] = calendar
        return found.get("team") or found.get("inbox")

    def edges(self, begin: int, end: int) -> list[int]:
        return sorted({begin, end, *(since for since, *_ in self.given if begin < since < end)})

    def open_stretches(self, calendar: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """In order. Zones of these stories never change their clocks."""
        versions: dict[int, Dict] = {}
        for told in self.calendars[calendar]:
            versions[_us(datetime.fromisoformat(told["since"]))] = told
        order = sorted(versions)
        for place, since in enumerate(order):
            start = begin if place == 0 else max(begin, since)
            stop = min(end, order[place + 1]) if place + 1 < len(order) else end
            if start < stop:
                yield from self._open_in(versions[since], start, stop)

    def _open_in(self, told: Dict, begin: int, end: int) -> Iterator[tuple[int, int]]:
        where = ZoneInfo(told["timezone"])
        day = (_moment(begin).astimezone(where)).date()
        while (midnight := _us(datetime(day.year, day.month, day.day, tzinfo=where))) < end:
            for opens, closes in told["week"][day.weekday()] if str(day) not in told["holidays"] else ():
                start, stop = max(begin, midnight + _clock(opens)), min(end, midnight + _clock(closes))
                if start < stop:
                    yield start, stop
            day = date.fromordinal(day.toordinal() + 1)

    def policy_at(self, number: int, moment: int) -> Dict | None:
        versions = self.policies[number]
        held = [told for since, told in versions if since <= moment]
        # before the first, the first; of two told for one instant the later
        return held[-1] if held else next((told for since, told in reversed(versions) if since == versions[0][0]), None)


@dataclass
class Talk:
    rows: list[Row]
    world: World
    contact: int
    is_imported: bool

    @property
    def created(self) -> Row:
        return next(row for row in self.rows if row.name == "conversation.created")

    def cut(self, end: int) -> "Talk":
        """As known before `end`."""
        return replace(self, rows=[row for row in self.rows if row.now < end])

    def stretches(self, start: Row, end: int | None = None) -> Iterator[tuple[int, int, State]]:
        """(begin, end, state) of what follows the row, up to `end` or as far as one looks."""
        following = self.rows[start.place - 1 :]
        last = end if end is not None else max(self.world.now, following[-1].now) + HORIZON_US
        edges = [row.now for row in following[1:]] + [last]
        for row, until in zip(following, edges, strict=True):
            yield row.now, min(until, last), row.after

    def open(self, begin: int, end: int, state: State) -> Iterator[tuple[int, int]]:
        """The working hours in it."""
        assert state.inbox is not None
        for start, stop in pairwise(self.world.edges(begin, end)):
            calendar = self.world.calendar_at(start, state.inbox, state.team)
            yield from [(start, stop)] if calendar is None else self.world.open_stretches(calendar, start, stop)

    def worked(self, start: Row, end: Row, turns: tuple[str, ...] | None = None) -> int:
        """Working time between two rows; of the turns given alone, if any are."""
        total = 0
        for row, following in pairwise(self.rows[start.place - 1 : end.place]):
            if turns is None or turn(row.after) in turns:
                total += sum(stop - begin for begin, stop in self.open(row.now, following.now, row.after))
        return total

    def elapsed(self, start: Row, end: Row, turns: tuple[str, ...]) -> int:
        """Time between two rows in these turns."""
        rows = pairwise(self.rows[start.place - 1 : end.place])
        return sum(following.now - row.now for row, following in rows if turn(row.after) in turns)

    def span(self, start: Row, end: Row) -> Dict:
        return {"span": end.now - start.now, "worked": self.worked(start, end)}


def turn(state: State) -> str | None:
    """Whose turn it is."""
    if state.status == "open" or (state.status == "snoozed" and state.until is not None):
        return "ours"
    if state.status == "snoozed":
        return "snoozed"
    if state.status == "pending":
        return "pending" if state.holder is None else "ours" if state.is_unanswered else "held"
    return None


def told(events: list[Dict], now: datetime) -> list[Talk]:
    """What each conversation of the log was, on a clock that shows `now`."""
    world, talks = World(now=_us(now)), defaultdict(list)
    ordered = sorted((event | {"data": json.loads(event["data"])} for event in events), key=_place)
    for event in ordered:
        data = event["data"]
        if event["conversation_id"] is not None:
            talks[event["conversation_id"]].append(event)
        elif event["name"] == "calendar.assigned":
            what = "inbox" if data["inbox_id"] is not None else "team"
            world.given.append((event["occurred_us"], what, data[f"{what}_id"], data["calendar_id"]))
        elif event["name"] == "agent.presence_changed":
            world.presence[data["user_id"]].append((event["occurred_us"], data["presence"]))
        elif event["name"] == "sla_policy.versioned":
            world.policies[data["sla_policy_id"]].append((event["occurred_us"], data["targets"]))
    for event in sorted(ordered, key=lambda event: event["seq"]):
        if event["name"] == "calendar.versioned":
            world.calendars[event["data"]["calendar_id"]].append(event["data"])
    found = [_talk(told, world) for told in talks.values()]
    for talk in found:
        if talk.is_imported and any(row.kind == "captain" for row in talk.rows):
            world.captains_inboxes.add(talk.created.data["inbox_id"])
    return found


def _talk(events: list[Dict], world: World) -> Talk:
    born = next(event for event in events if event["name"] == "conversation.created")
    for event in events:
        event["occurred_us"] = max(event["occurred_us"], born["occurred_us"])
    rows, state = [], State()
    for place, event in enumerate(sorted(events, key=_place), start=1):
        blank = Row(
            place, event["occurred_us"], event["seq"], event["name"], event["actor"], event["data"],
            replace(state, inbox=event["data"]["inbox_id"]), state, event["causation"] == "history",
        )  # fmt: skip
        state = _after(blank)
        rows.append(replace(blank, after=state))
    return Talk(rows, world, born["data"]["contact_id"], born["causation"] == "history")


def _after(row: Row) -> State:
    data, change, is_new = row.data, Dict(), row.name == "conversation.created"
    if is_new or row.name == "assignee.changed":
        change["agent"] = data["assignee_id"]
    if is_new or row.name == "team.changed":
        change["team"] = data["team_id"]
    if is_new or row.name == "conversation.labels_changed":
        change["labels"] = tuple(data["labels"])
    if is_new or row.name == "conversation.priority_changed":
        change["priority"] = data["priority"]
    if is_new or row.name in ("conversation.status_changed", "conversation.bot_handoff"):
        status = data["status_change"][1] if row.name == "conversation.status_changed" else data["status"]
        change |= {"status": status, "holder": data["held_by"] if status == "pending" else None}
        if row.name != "conversation.bot_handoff" or status != "snoozed":
            change["until"] = data.get("snoozed_until")
    if row.kind == "customer":
        change["is_unanswered"] = True
    if row.kind in ANSWERERS:
        change["is_unanswered"] = False
    if row.kind == "captain":
        change["has_captain_written"] = True
    return replace(row.before, **change)


# -- what each metric counts


def units(talks: list[Talk], metric: str, begin: int, end: int) -> list[Dict]:
    """One for each thing counted, dated; begin and end: of the window."""
    name = f"_{metric}" if not metric.startswith("captain_resolution") else "_captain_resolution"
    if metric == "full_resolution":
        name = "_full"
    if metric in ("requester_wait", "agent_wait"):
        name = "_wait"
    if metric.startswith("first_response"):
        name = "_first_response"
    if metric.startswith("messages"):
        name = "_messages"
    if metric.startswith("sla"):
        name = "_sla"
    if metric in WORK:
        name = "_captain_work"
    found = []
    for talk in talks:
        for unit in globals()[name](talk, metric, begin, end, talks):
            today = talk.rows[-1].after.dimensions()
            found.append(unit | {"today": today} | (today if metric == "sla_unfinished" else {}))
    return found


def _first_response(talk: Talk, metric: str, *_: Any) -> list[Dict]:
    who = ("user",) if metric.endswith("human") else ANSWERERS
    answer = next((row for row in talk.rows if row.kind in who), None)
    asked = next((row for row in talk.rows if row.kind == "customer"), None)
    if answer is None or asked is None or answer.place < asked.place:
        return []
    handed = [row for row in talk.rows if row.is_handoff and row.place < answer.place]
    start = handed[-1] if handed and metric.endswith("human") else talk.created
    return [_written(answer) | talk.span(start, answer)]


def _written(row: Row) -> Dict:
    writer = row.data["sender_id"] if row.kind == "user" else None
    took_part = row.after.dimensions()["captain"]
    return row.before.dimensions(agent=writer, dated=row.now, captain=took_part)


def _next_response(talk: Talk, *_: Any) -> list[Dict]:
    waits = [(start, end) for start, end, how in _waits(talk) if end is not None and how == "answered"]
    return [_written(end) | talk.span(start, end) for start, end in waits]


def _waits(talk: Talk) -> list[tuple[Row, Row | None, str]]:
    found, since, owes_person = [], None, False
    for row in talk.rows:
        ends = {"user": "answered", "captain": "bot", "bot": "bot"}.get(row.kind) or (
            "handed_off" if row.is_handoff else "resolved" if row.is_resolve else None
        )
        if ends and since is not None:
            found.append((since, row, ends))
        if ends:
            since = row if row.is_handoff and owes_person else None
        if row.kind == "customer":
            since, owes_person = since or row, True
        if row.kind == "user" or row.is_resolve:
            owes_person = False
    return found + ([(since, None, "")] if since is not None else [])


def _messages(talk: Talk, metric: str, *_: Any) -> list[Dict]:
    if metric == "messages_incoming":
        return [row.before.dimensions(dated=row.now) for row in talk.rows if row.kind == "customer"]
    return [
        _written(row) | {"captain": "captain" if row.kind == "captain" else "human"}
        for row in talk.rows
        if row.kind in (*ANSWERERS, "other")
    ]


def _resolves(talk: Talk) -> list[Row]:
    return [row for row in talk.rows if row.is_resolve]


def _first_resolution(talk: Talk, *_: Any) -> list[Dict]:
    return [row.resolver | {"dated": row.now} | talk.span(talk.created, row) for row in _resolves(talk)[:1]]


def _full(talk: Talk, _metric: str, _begin: int, end: int, _talks: Any) -> list[Dict]:
    last = _resolves(talk.cut(end))[-1:]
    return [row.resolver | {"dated": row.now} | talk.span(talk.created, row) for row in last]


def _episode_resolution(talk: Talk, *_: Any) -> list[Dict]:
    found, start = [], talk.created
    for row in talk.rows:
        if row.is_resolve:
            found.append(row.resolver | {"dated": row.now} | talk.span(start, row))
        if row.is_reopening:
            start = row
    return found


def _wait(talk: Talk, metric: str, _begin: int, end: int, _talks: Any) -> list[Dict]:
    turns = ("ours",) if metric == "requester_wait" else ("pending", "snoozed", "held")
    return [
        row.resolver
        | {"dated": row.now, "span": talk.elapsed(talk.created, row, turns)}
        | {"worked": talk.worked(talk.created, row, turns)}
        for row in _resolves(talk.cut(end))[-1:]
    ]


def _reopen_rate(talk: Talk, _metric: str, _begin: int, end: int, _talks: Any) -> list[Dict]:
    first = next(iter(_resolves(talk)), None)
    if first is None or end - first.now < WEEK_US:
        return []
    later = [row for row in talk.rows if row.is_reopening and row.place > first.place]
    return [first.resolver | {"dated": first.now, "hit": bool(later) and later[0].now - first.now <= WEEK_US}]


def _one_touch(talk: Talk, _metric: str, _begin: int, end: int, _talks: Any) -> list[Dict]:
    last = next(reversed(_resolves(talk.cut(end))), None)
    written = len([row for row in talk.rows if row.kind == "user" and last and row.place < last.place])
    return [last.resolver | {"dated": last.now, "hit": written == 1}] if last and written else []


def _csat(talk: Talk, _metric: str, _begin: int, end: int, _talks: Any) -> list[Dict]:
    last: dict[Any, Dict] = {}
    for row in talk.cut(end).rows:
        if row.name == "csat.answered":
            judged = _judged(talk, row)
            who = judged.resolver if judged else row.before.dimensions(agent=row.data["resolver_id"])
            key = judged.place if judged else -row.place
            last[key] = who | {"dated": row.now, "hit": row.data["rating"] >= 4, "rating": row.data["rating"]}
    return list(last.values())


def _judged(talk: Talk, answer: Row) -> Row | None:
    """The resolve that a rating judges."""
    asked = [row for row in talk.rows if row.name == "csat.sent" and row.data["survey_id"] == answer.data["survey_id"]]
    place = asked[0].place if asked else answer.place
    return next((row for row in reversed(talk.rows) if row.is_resolve and row.place < place), None)


def _response_rate(talk: Talk, _metric: str, _begin: int, end: int, _talks: Any) -> list[Dict]:
    found, answers = [], [row for row in talk.rows if row.name == "csat.answered"]
    for row in talk.rows:
        if row.name == "csat.sent":
            judged = next((r for r in reversed(talk.rows) if r.is_resolve and r.place < row.place), None)
            who = judged.resolver if judged else row.before.dimensions(agent=row.data["resolver_id"])
            mine = [answer.now for answer in answers if answer.data["survey_id"] == row.data["survey_id"]]
            found.append(who | {"dated": row.now, "hit": bool(mine) and min(mine) < end})
        if row.is_resolve and row.is_imported:
            if not any(r.kind in ("user", "captain") and r.place < row.place for r in talk.rows):
                continue
            mine = [answer.now for answer in answers if _judged(talk, answer) == row]
            found.append(row.resolver | {"dated": row.now, "hit": bool(mine) and min(mine) < end})
    return found


def _conversations(talk: Talk, *_: Any) -> list[Dict]:
    return [_as_born(talk)]


def _as_born(talk: Talk) -> Dict:
    born_as = [row.after for row in talk.rows if row.now <= talk.created.now][-1]
    return born_as.dimensions(dated=talk.created.now)


def _captain_involvement(talk: Talk, _metric: str, _begin: int, end: int, _talks: Any) -> list[Dict]:
    is_held = _as_born(talk)["captain"] == "captain" and not talk.is_imported
    is_his = is_held or any(row.kind == "captain" for row in talk.rows)
    if not is_his and not (talk.is_imported and talk.created.data["inbox_id"] in talk.world.captains_inboxes):
        return []
    return [_as_born(talk) | {"hit": any(row.kind == "captain" for row in talk.cut(end).rows)}]


def _captain_resolution(talk: Talk, metric: str, _begin: int, end: int, talks: list[Talk]) -> list[Dict]:
    known = talk.cut(end).rows
    words = [row for row in known if row.kind == "captain"]
    if not words:
        return []
    unit = _as_born(talk)
    if metric.endswith("confirmed"):
        return [unit | {"hit": any(row.name == "captain.confirmed" for row in known)}]
    is_left_alone = not any(row.kind == "user" and row.place > words[-1].place for row in known)
    # a conversation that was born resolved was resolved by nobody
    resolves = [row for row in known if row.is_resolve]
    hit = is_left_alone and known[-1].after.status == "resolved" and bool(resolves)
    if hit and "durable" in metric:
        days = 30 if metric.endswith("30") else 7
        since = resolves[-1].now
        hit = not any(
            row.kind == "user" and since < row.now <= since + days * DAY_US
            for other in talks
            if other.contact == talk.contact
            for row in other.cut(end).rows
        )
    return [unit | {"hit": hit}]


def _captain_harm(talk: Talk, _metric: str, _begin: int, end: int, _talks: Any) -> list[Dict]:
    found, known = [], talk.cut(end).rows
    unhelpful = {
        row.data["message_id"] for row in known if row.name == "captain.feedback" and not row.data["is_helpful"]
    }
    for row in known:
        if row.kind != "captain":
            continue
        is_bad = row.data["message_id"] in unhelpful
        for later in known[row.place :]:
            if later.kind == "user":
                break
            if later.name == "csat.answered":
                is_bad = is_bad or later.data["rating"] <= 2
                break
        found.append(row.after.dimensions(dated=row.now, agent=None, hit=is_bad) | {"team": row.before.team})
    return found


def _captain_work(talk: Talk, metric: str, *_: Any) -> list[Dict]:
    found = []
    for row in talk.rows:
        what = row.name.removeprefix("captain.").removeprefix("draft_").replace("drafted", "draft")
        if row.kind == "captain":
            what = "answer"
        if row.is_handoff and row.actor == "captain":
            what = "handed_off"
        is_his = row.name.startswith("captain.") or what in ("answer", "handed_off")
        reason = row.data.get("reason") if row.name in ("captain.abstained", "conversation.bot_handoff") else None
        if not is_his or what not in WORK[metric] or (what, reason) == ("abstained", "went_on"):
            continue
        decided = row.name.startswith("captain.draft_") and row.actor.startswith("user:")
        agent = int(row.actor[5:]) if decided else row.after.agent
        found.append(row.after.dimensions(agent=agent, dated=row.now, reason=reason, hit=what != "rejected"))
    return found


def _looks(talk: Talk) -> Iterator[tuple[int, Row, Row]]:
    """(agent, begin, end): he has it before his eyes until he turns away, or turns to it anew."""
    looking: dict[int, Row] = {}
    for row in talk.rows:
        if row.name in ("conversation.focused", "conversation.unfocused"):
            user = row.data["user_id"]
            if user in looking:
                yield user, looking.pop(user), row
            if row.name == "conversation.focused":
                looking[user] = row


def _handle_time(talk: Talk, _metric: str, begin: int, end: int, _talks: Any) -> list[Dict]:
    looks: dict[int, list[tuple[Row, Row]]] = defaultdict(list)
    for user, start, stop in _looks(talk):
        if begin <= stop.now < end:
            looks[user].append((start, stop))
    found = []
    for user, mine in looks.items():
        start, last = max(mine, key=lambda look: (look[1].now, look[0].seq))
        spent = {"span": sum(b.now - a.now for a, b in mine), "worked": sum(talk.worked(a, b) for a, b in mine)}
        found.append(start.before.dimensions(agent=user, dated=last.now) | spent)
    return found


# -- SLA


def _sla(talk: Talk, metric: str, _begin: int, end: int, _talks: Any) -> list[Dict]:
    """Judged as it was at the end of the window, or now if that is earlier."""
    moment = min(end, talk.world.now)
    known = talk.cut(end)
    found = []
    if not known.rows:
        return []
    for target, start, stop, how in _promises(known):
        if target == "first_response" and any(unit["target"] == target for unit in found):
            continue  # settled under a policy that was replaced
        outcome = _outcome(known, target, start, stop, how, moment)
        if outcome is not None:
            found.append(outcome | {"target": target})
    if metric == "sla_unfinished":
        return [unit | {"dated": end - 1} for unit in found if unit["state"] == "running"]
    return [unit | {"hit": unit["state"] == "met"} for unit in found if unit["state"] != "running"]


def _promises(talk: Talk) -> Iterator[tuple[str, Row, Row | None, str]]:
    first_resolve = next((row for row in talk.rows if row.is_resolve), None)
    human = next((row for row in talk.rows if row.kind == "user"), None)
    asked = next((row for row in talk.rows if row.kind == "customer"), None)
    if asked is not None and (human is None or asked.place < human.place):
        over = min((row for row in (human, first_resolve) if row is not None), key=lambda row: row.place, default=None)
        starts = [talk.created]
        starts += [row for row in talk.rows if row.is_handoff and (over is None or row.place < over.place)]
        for start, following in zip(starts, [*starts[1:], over], strict=True):
            how = "handed_off" if following is not over else "answered" if over is human else "resolved"
            yield "first_response", start, following, how
    for start, stop, how in _waits(talk):
        yield "next_response", start, stop, how
    yield "resolution", talk.created, first_resolve, "answered"


def _outcome(talk: Talk, target: str, start: Row, end: Row | None, how: str, moment: int) -> Dict | None:
    """What became of a promise: its first policy that settles it does so for good."""
    reigns = [row for row in talk.rows if row.name in ("sla.applied", "sla.removed")]
    for reign, following in pairwise([*reigns, None]):
        assert reign is not None
        if reign.name == "sla.removed" or (end is not None and end.place < reign.place):
            continue
        if following is not None and following.place < start.place:
            continue
        asked = [row.now for row in talk.rows if row.kind == "customer"] if target == "first_response" else []
        promised = max(start.now, reign.now, *asked[:1])
        policy = talk.world.policy_at(reign.data["sla_policy_id"], promised)
        if policy is None or policy[f"{target}_seconds"] is None:
            continue
        due = _due(talk, target, start, policy)
        is_replaced = following is not None and (end is None or following.place < end.place)
        stop = following if is_replaced else end
        is_late = due is not None and due < (stop.now if stop else moment)
        if not is_late and stop is None:
            return talk.rows[-1].after.dimensions(state="running", policy=reign.data["sla_policy_id"])
        if is_late and not (how == "handed_off" and not is_replaced):
            assert due is not None
            outcome = max(due, promised)
            state = [row for row in talk.rows if row.now <= outcome][-1].after
            if outcome < moment:
                return state.dimensions(state="missed", dated=outcome, policy=reign.data["sla_policy_id"])
            return None
        if not is_late and not is_replaced and how == "answered":
            assert stop is not None
            # who held it until it was resolved took part, and so does who writes the answer
            sides = {state.dimensions()["captain"] for state in (stop.before, stop.after)}
            took_part = "captain" if "captain" in sides else "human"
            return stop.before.dimensions(
                state="met", dated=stop.now, captain=took_part, policy=reign.data["sla_policy_id"]
            )
        if not is_replaced:
            return None
    return None


def _due(talk: Talk, target: str, start: Row, policy: Dict) -> int | None:
    """The last instant at which no more than was promised is used up."""
    promised, used = round(policy[f"{target}_seconds"] * 1_000_000), 0
    for begin, end, state in talk.stretches(start):
        if target == "resolution" and turn(state) in policy["pause_while"]:
            continue
        for opens, closes in talk.open(begin, end, state) if policy["is_business_time"] else [(begin, end)]:
            if used + closes - opens > promised:
                return opens + promised - used
            used += closes - opens
    return None


# -- groups and numbers


def rows(
    talks: list[Talk],
    metric: str,
    since: datetime,
    until: datetime,
    by: str | None = None,
    timezone: str = "UTC",
    time: str = "calendar",
    attribution: str = "event",
    **filters: tuple[Any, ...],
) -> list[Dict]:
    """What the metric says, group by group."""
    begin, end = _us(since), _us(until)
    if metric == "occupancy":
        return _occupancy(talks, begin, end, by, ZoneInfo(timezone), filters)
    if metric == "backlog":
        return _backlog(talks, begin, end, by, ZoneInfo(timezone), attribution, filters)
    found = units(talks, metric, begin, end)
    if attribution == "current":
        found = [unit | {key: unit["today"][key] for key in _TODAY} for unit in found]
    chosen = [unit for unit in found if begin <= unit["dated"] < end and _passes(unit, filters)]
    groups: dict[tuple[Any, ...], list[Dict]] = defaultdict(list)
    for unit in chosen:
        for key in _keys(unit, by, ZoneInfo(timezone)):
            groups[key].append(unit)
    names = ("weekday", "hour") if by == "weekday_hour" else (by,) if by else ()
    ordered = sorted(groups, key=lambda key: [(part is None, part) for part in key])
    return [dict(zip(names, key, strict=True)) | _numbers(metric, groups[key], time) for key in ordered]


def _occupancy(
    talks: list[Talk], begin: int, end: int, by: str | None, zone: ZoneInfo, filters: dict[str, tuple[Any, ...]]
) -> list[Dict]:
    """Time with a conversation before one's eyes ÷ time online or busy, quarter of an hour by quarter of an hour."""
    world, stretches = talks[0].world, []
    for talk in talks:
        stretches += [(user, True, start.now, stop.now) for user, start, stop in _looks(talk)]
    for user, changes in world.presence.items():
        for (since, presence), (until, _) in pairwise([*changes, (world.now, "")]):
            if presence in ("online", "busy"):
                stretches.append((user, False, since, until))
    parts: dict[tuple[Any, ...], int] = defaultdict(int)
    wholes: dict[tuple[Any, ...], int] = defaultdict(int)
    step = 15 * 60 * 1_000_000
    for user, is_look, start, stop in stretches:
        place, stop = max(start, begin), min(stop, end, world.now)
        while place < stop:
            following = min(stop, (place // step + 1) * step)
            unit = {"dated": place, "agent": user, "inbox": None, "team": None, "labels": ()}
            if _passes(unit, filters):
                (key,) = _keys(unit, by, zone)
                (parts if is_look else wholes)[key] += following - place
            place = following
    names = ("weekday", "hour") if by == "weekday_hour" else (by,) if by else ()
    return [
        dict(zip(names, key, strict=True)) | _counted(1) | {"n": wholes[key] / 1e6, "value": parts[key] / wholes[key]}
        for key in sorted(wholes)
    ]


_TODAY = ("agent", "team", "labels", "captain")


def _backlog(
    talks: list[Talk],
    begin: int,
    end: int,
    by: str | None,
    zone: ZoneInfo,
    attribution: str,
    filters: dict[str, tuple[Any, ...]],
) -> list[Dict]:
    def open_at(moment: int) -> list[Dict]:
        found = []
        for talk in talks:
            past = [row.after for row in talk.rows if row.now <= moment]
            today = talk.rows[-1].after.dimensions() if attribution == "current" else {}
            if past and past[-1].status != "resolved":
                found.append(past[-1].dimensions(status=past[-1].status) | {key: today[key] for key in _TODAY if today})
        return [unit for unit in found if _passes(unit, filters)]

    if by not in ("day", "hour", "week", "month"):
        groups: dict[tuple[Any, ...], int] = defaultdict(int)
        for unit in open_at(end):
            for key in _keys(unit, by, zone):
                groups[key] += 1
        ordered = sorted(groups, key=lambda key: [(part is None, part) for part in key])
        return [({by: key[0]} if by else {}) | _counted(groups[key]) for key in ordered]
    ends: dict[str, int] = {}
    step = 15 * 60 * 1_000_000
    for quarter in range(begin // step, -(-end // step)):
        (key,) = _keys({"dated": quarter * step}, by, zone)
        ends[key[0]] = min((quarter + 1) * step, end)
    stocks = {key: len(open_at(moment)) for key, moment in ends.items()}
    return [{by: key} | _counted(n) for key, n in sorted(stocks.items()) if n]


def _passes(unit: Dict, filters: dict[str, tuple[Any, ...]]) -> bool:
    single = {"inbox_ids": "inbox", "agent_ids": "agent", "team_ids": "team"}
    return all(unit[single[name]] in allowed for name, allowed in filters.items() if name in single) and (
        "labels" not in filters or bool(set(filters["labels"]) & set(unit["labels"]))
    )


def _keys(unit: Dict, by: str | None, zone: ZoneInfo) -> list[tuple[Any, ...]]:
    if by is None:
        return [()]
    if by == "label":
        return [(label,) for label in unit["labels"]] or [(None,)]
    if by == "channel":
        return [(CHANNELS.get(unit["inbox"]),)]
    if by in ("inbox", "agent", "team", "priority", "status", "captain", "target", "policy", "reason", "rating"):
        return [(unit[by],)]
    local = _moment(unit["dated"]).astimezone(zone)
    monday = local.date() - timedelta(days=local.weekday())
    return {
        "day": [(f"{local:%Y-%m-%d}",)],
        "hour": [(f"{local:%Y-%m-%dT%H}:00",)],
        "week": [(str(monday),)],
        "month": [(f"{local:%Y-%m}",)],
        "weekday_hour": [(local.isoweekday(), local.hour)],
    }[by]


def _numbers(metric: str, found: list[Dict], time: str) -> Dict:
    n = len(found)
    if metric in SPANS:
        spans = sorted(unit["worked" if time == "business" else "span"] for unit in found)
        mean = math.fsum(spans) / n / 1e6
        return {"n": n, "mean": mean, "p50": _quantile(spans, 0.5), "p90": _quantile(spans, 0.9), "value": mean}
    if metric in COUNTS:
        return _counted(n)
    share = sum(unit["hit"] for unit in found) / n
    if metric != "csat":
        return _counted(n) | {"value": share}
    z2 = 1.96**2
    root = 1.96 * math.sqrt((share * (1 - share) + z2 / (4 * n)) / n)
    low, high = ((share + z2 / (2 * n) + sign * root) / (1 + z2 / n) for sign in (-1, 1))
    return _counted(n) | {"value": share, "low": max(low, 0.0), "high": min(high, 1.0)}


def _counted(n: int) -> Dict:
    return {"n": n, "mean": None, "p50": None, "p90": None, "value": n}


def _quantile(ordered: list[int], q: float) -> float:
    place = (len(ordered) - 1) * q
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return (ordered[below] + (ordered[above] - ordered[below]) * (place - below)) / 1e6


def _place(event: Dict) -> tuple[int, int]:
    return event["occurred_us"], event["seq"]


def _clock(text: str) -> int:
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000_000


def _moment(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
