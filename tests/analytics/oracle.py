"""The metrics a second time, in plain Python, one conversation after another: slow, obvious, and nothing shared with the SQL.

Written from the settled definitions alone. `rows()` answers what `analytics.read.answer` answers.
"""

import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEK_US = 7 * 86_400 * 1_000_000
SPANS = {"first_response_human", "first_response_any", "first_resolution", "full_resolution", "episode_resolution"}
RATIOS = {"reopen_rate", "sla_compliance", "csat", "response_rate"}


@dataclass
class State:
    agent: int | None = None
    team: int | None = None
    labels: tuple[str, ...] = ()
    priority: str | None = None
    status: str | None = None
    holder: str | None = None
    inbox: int | None = None

    def dimensions(self, **other: Any) -> dict[str, Any]:
        mine = {"inbox": self.inbox, "agent": self.agent, "team": self.team, "labels": self.labels}
        return mine | {"priority": self.priority} | other


@dataclass
class Resolve:
    dated: int
    place: int
    created: int
    started: int
    ordinal: int
    who: dict[str, Any]
    reopened: int | None = None


@dataclass
class Told:
    """What one conversation gives to count."""

    units: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    resolves: list[Resolve] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    moments: list[tuple[int, dict[str, Any]]] = field(default_factory=list)


def told(events: list[dict[str, Any]]) -> list[Told]:
    """What each conversation of the log gives to count."""
    return [_told(talk) for talk in _talks(events)]


def rows(
    talks: list[Told],
    metric: str,
    since: datetime,
    until: datetime,
    by: str | None = None,
    timezone: str = "UTC",
    **filters: tuple[Any, ...],
) -> list[dict[str, Any]]:
    """What the metric says, group by group."""
    begin, end = _us(since), _us(until)
    if metric == "backlog":
        return _backlog(talks, begin, end, by, ZoneInfo(timezone), filters)
    units = [unit for talk in talks for unit in _units(talk, metric, end)]
    chosen = [unit for unit in units if begin <= unit["dated"] < end and _passes(unit, filters)]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for unit in chosen:
        for key in _keys(unit, by, ZoneInfo(timezone)):
            groups[key].append(unit)
    names = ("weekday", "hour") if by == "weekday_hour" else (by,) if by else ()
    ordered = sorted(groups, key=lambda key: [(part is None, part) for part in key])
    return [dict(zip(names, key, strict=True)) | _numbers(metric, groups[key]) for key in ordered]


def _talks(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Conversations, each as its events in the order things happened; none before the conversation's creation."""
    talks: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event["conversation_id"] is not None:
            talks[event["conversation_id"]].append(event | {"data": json.loads(event["data"])})
    for talk in talks.values():
        born = next(event["occurred_us"] for event in talk if event["name"] == "conversation.created")
        for event in talk:
            event["occurred_us"] = max(event["occurred_us"], born)
        talk.sort(key=lambda event: (event["occurred_us"], event["seq"]))
    return list(talks.values())


def _told(talk: list[dict[str, Any]]) -> Told:
    told, state = Told(), State()
    created, handed_off = 0, 0
    customer_wrote = person_wrote = someone_wrote = False
    episode = 0
    for place, event in enumerate(talk):
        name, data, now, actor = event["name"], event["data"], event["occurred_us"], event["actor"]
        state.inbox = data["inbox_id"]
        if name == "conversation.created":
            created = handed_off = episode = now
        if name == "message.created" and not data["is_private"]:
            sender, kind = data["sender_type"], data["message_type"]
            writer = data["sender_id"] if sender == "user" else None
            if kind == "incoming":
                customer_wrote = True
                told.units["messages_incoming"].append(state.dimensions(dated=now))
            elif kind in ("outgoing", "template"):
                told.units["messages_outgoing"].append(state.dimensions(dated=now, agent=writer))
            if kind == "outgoing" and sender == "user" and not person_wrote:
                person_wrote = True
                if customer_wrote:
                    unit = state.dimensions(dated=now, agent=writer, span=now - max(created, handed_off))
                    told.units["first_response_human"].append(unit)
            if kind == "outgoing" and sender in ("user", "captain", "bot") and not someone_wrote:
                someone_wrote = True
                if customer_wrote:
                    told.units["first_response_any"].append(
                        state.dimensions(dated=now, agent=writer, span=now - created)
                    )
        if name == "conversation.bot_handoff":
            handed_off = now
        if name == "conversation.status_changed":
            new = data["status_change"][1]
            if new == "open" and state.holder and actor.split(":")[0] in ("captain", "bot"):
                handed_off = now
            if new == "resolved" and state.status != "resolved":
                who = int(actor[5:]) if actor.startswith("user:") else None
                attributed = state.dimensions(agent=who)
                told.resolves.append(Resolve(now, place, created, episode, len(told.resolves) + 1, attributed))
            if new != "resolved" and state.status == "resolved":
                episode = now
                if told.resolves:
                    told.resolves[-1].reopened = now
        if name in ("sla.met", "sla.breached"):
            due = _us(datetime.fromisoformat(data["due_at"]))
            unit = state.dimensions(hit=name == "sla.met", dated=now if name == "sla.met" else due)
            told.units["sla_compliance"].append(unit | {"key": (data["target"], due), "seq": event["seq"]})
        if name == "csat.sent":
            judged = told.resolves[-1] if told.resolves else None
            who_then = judged.who if judged else state.dimensions(agent=data["resolver_id"])
            told.units["response_rate"].append(who_then | {"dated": now, "survey": data["survey_id"], "judged": judged})
        if name == "csat.answered":
            told.answers.append(
                {"dated": now, "place": place, "seq": event["seq"]} | data | {"state": state.dimensions()}
            )
        _apply(state, name, data)
        told.moments.append((now, state.dimensions(status=state.status)))
    born_as = [moment for at, moment in told.moments if at <= created][-1]
    told.units["conversations"].append(born_as | {"dated": created})
    first_settled: dict[Any, dict[str, Any]] = {}
    for unit in sorted(told.units["sla_compliance"], key=lambda unit: unit["seq"]):
        first_settled.setdefault(unit["key"], unit)
    told.units["sla_compliance"] = list(first_settled.values())
    return told


def _apply(state: State, name: str, data: dict[str, Any]) -> None:
    is_new = name == "conversation.created"
    if is_new or name == "assignee.changed":
        state.agent = data["assignee_id"]
    if is_new or name == "team.changed":
        state.team = data["team_id"]
    if is_new or name == "conversation.labels_changed":
        state.labels = tuple(data["labels"])
    if is_new or name == "conversation.priority_changed":
        state.priority = data["priority"]
    if is_new:
        state.status = data["status"]
    if name == "conversation.status_changed":
        state.status = data["status_change"][1]
    if is_new or name in ("conversation.status_changed", "conversation.bot_handoff"):
        state.holder = data["held_by"]


def _units(told: Told, metric: str, end: int) -> list[dict[str, Any]]:
    resolves = told.resolves
    match metric:
        case "first_resolution":
            return [r.who | {"dated": r.dated, "span": r.dated - r.created} for r in resolves[:1]]
        case "full_resolution":
            before = [r for r in resolves if r.dated < end]
            return [r.who | {"dated": r.dated, "span": r.dated - r.created} for r in before[-1:]]
        case "episode_resolution":
            return [r.who | {"dated": r.dated, "span": r.dated - r.started} for r in resolves]
        case "reopen_rate":
            old = [r for r in resolves[:1] if end - r.dated >= WEEK_US]
            soon = [r.reopened is not None and r.reopened - r.dated <= WEEK_US for r in old]
            return [r.who | {"dated": r.dated, "hit": hit} for r, hit in zip(old, soon, strict=True)]
        case "csat":
            return _last_answers(told, end)
        case "response_rate":
            firsts: dict[int, int] = {}
            for answer in told.answers:
                firsts.setdefault(answer["survey_id"], answer["dated"])
            return [u | {"hit": firsts.get(u["survey"], end) < end} for u in told.units["response_rate"]]
    return told.units[metric]


def _last_answers(told: Told, end: int) -> list[dict[str, Any]]:
    surveys = {unit["survey"]: unit["judged"] for unit in told.units["response_rate"]}
    last: dict[Any, dict[str, Any]] = {}
    for answer in told.answers:
        if answer["dated"] >= end:
            continue
        before = [r for r in told.resolves if r.place < answer["place"]]
        judged = (
            surveys.get(answer["survey_id"]) if answer["survey_id"] in surveys else (before[-1] if before else None)
        )
        who = judged.who if judged else answer["state"] | {"agent": answer["resolver_id"]}
        key = judged.place if judged else -answer["seq"]
        last[key] = who | {"dated": answer["dated"], "hit": answer["rating"] >= 4}
    return list(last.values())


def _backlog(
    talks: list[Told], begin: int, end: int, by: str | None, zone: ZoneInfo, filters: dict[str, tuple[Any, ...]]
) -> list[dict[str, Any]]:
    calendar = ("day", "hour", "week", "month")
    if by not in calendar:
        groups: dict[tuple[Any, ...], int] = defaultdict(int)
        for unit in _open_at(talks, end, filters):
            for key in _keys(unit, by, zone):
                groups[key] += 1
        ordered = sorted(groups, key=lambda key: [(part is None, part) for part in key])
        return [({by: key[0]} if by else {}) | _counted(groups[key]) for key in ordered]
    ends: dict[str, int] = {}
    step = 15 * 60 * 1_000_000
    for quarter in range(begin // step, -(-end // step)):
        (key,) = _keys({"dated": quarter * step}, by, zone)
        ends[key[0]] = min((quarter + 1) * step, end)
    stocks = {key: len(_open_at(talks, moment, filters)) for key, moment in ends.items()}
    return [{by: key} | _counted(n) for key, n in sorted(stocks.items()) if n]


def _open_at(talks: list[Told], moment: int, filters: dict[str, tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Unresolved conversations after everything that happened at `moment`."""
    found = []
    for talk in talks:
        past = [state for at, state in talk.moments if at <= moment]
        if past and past[-1]["status"] != "resolved" and _passes(past[-1], filters):
            found.append(past[-1])
    return found


def _passes(unit: dict[str, Any], filters: dict[str, tuple[Any, ...]]) -> bool:
    single = {"inbox_ids": "inbox", "agent_ids": "agent", "team_ids": "team"}
    return all(unit[single[name]] in allowed for name, allowed in filters.items() if name in single) and (
        "labels" not in filters or bool(set(filters["labels"]) & set(unit["labels"]))
    )


def _keys(unit: dict[str, Any], by: str | None, zone: ZoneInfo) -> list[tuple[Any, ...]]:
    if by is None:
        return [()]
    if by == "label":
        return [(label,) for label in unit["labels"]] or [(None,)]
    if by in ("inbox", "agent", "team", "priority", "status"):
        return [(unit[by],)]
    local = (EPOCH + timedelta(microseconds=unit["dated"])).astimezone(zone)
    monday = local.date() - timedelta(days=local.weekday())
    return {
        "day": [(f"{local:%Y-%m-%d}",)],
        "hour": [(f"{local:%Y-%m-%dT%H}:00",)],
        "week": [(str(monday),)],
        "month": [(f"{local:%Y-%m}",)],
        "weekday_hour": [(local.isoweekday(), local.hour)],
    }[by]


def _numbers(metric: str, units: list[dict[str, Any]]) -> dict[str, Any]:
    n = len(units)
    if metric in SPANS:
        spans = sorted(unit["span"] for unit in units)
        mean = math.fsum(spans) / n / 1e6
        return {"n": n, "mean": mean, "p50": _quantile(spans, 0.5), "p90": _quantile(spans, 0.9), "value": mean}
    if metric not in RATIOS:
        return _counted(n)
    share = sum(unit["hit"] for unit in units) / n
    if metric != "csat":
        return _counted(n) | {"value": share}
    z2 = 1.96**2
    root = 1.96 * math.sqrt((share * (1 - share) + z2 / (4 * n)) / n)
    low, high = ((share + z2 / (2 * n) + sign * root) / (1 + z2 / n) for sign in (-1, 1))
    return _counted(n) | {"value": share, "low": max(low, 0.0), "high": min(high, 1.0)}


def _counted(n: int) -> dict[str, Any]:
    return {"n": n, "mean": None, "p50": None, "p90": None, "value": n}


def _quantile(ordered: list[int], q: float) -> float:
    place = (len(ordered) - 1) * q
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return (ordered[below] + (ordered[above] - ordered[below]) * (place - below)) / 1e6


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
