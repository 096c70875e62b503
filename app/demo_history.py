"""The demo shop's last four months as a history file: who wrote when, who answered how fast, what came of it.

Made up from the words in data/seeds, always the same for the same `end`: days have their rhythm, sales and holidays show,
Captain joins half-way, colleagues differ, and some customers wait too long or come back.
"""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from slugify import slugify

from app.config import ROOT

SEEDS = ROOT / "data" / "seeds"
DAYS = 120
# The newest conversation; it is written last, so that whoever finds it finds them all
NEWEST = "demo-1"
CONVERSATIONS_A_DAY = 27.0
REGULARS = 900
# Monday first, in parts of an ordinary day
WEEKDAYS = (1.25, 1.15, 1.1, 1.05, 1.0, 0.8, 0.55)
HOURS = (1, 1, 0, 0, 0, 1, 2, 4, 8, 14, 17, 18, 16, 14, 14, 14, 13, 12, 11, 12, 13, 10, 6, 3)
# A sale: many more people write, and they wait longer
SALES = {78: 2.1, 77: 1.9, 76: 1.6, 31: 1.8, 30: 2.2, 29: 1.5}
CAPTAIN_SINCE_DAYS = 62
# How fast each colleague answers (1 is usual) and how content customers are with him
SPEED = {"marat": 0.8, "alsu": 0.7, "darya": 1.0, "kirill": 1.9, "nurgul": 1.3, "timur": 1.5}


def lines(end: datetime) -> Iterator[dict[str, Any]]:
    """The lines of the file, up to `end`; what is going on then is simply not finished."""
    shop = _Shop.read(end)
    yield from shop.directory()
    yield from shop.customers
    told = [_conversation(shop, moment, n) for n, moment in enumerate(_moments(shop))]
    # what we wanted to begin in the morning may not have begun yet
    told = [line for line in told if line["timeline"]]
    told.sort(key=lambda line: str(line["created_at"]))
    for line, number in zip(told, range(len(told), 0, -1), strict=True):
        yield line | {"external_id": f"demo-{number}"}


@dataclass
class _Shop:
    """The shop: its people, hours and words, and the dice."""

    end: datetime
    plan: dict[str, Any]
    words: dict[str, Any]
    zone: ZoneInfo
    dice: random.Random
    customers: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, end: datetime) -> "_Shop":
        plan, words = _read("team.json"), _read("history.json")
        shop = cls(end, plan, words, ZoneInfo(plan["inboxes"][0]["time_zone"]), random.Random(words["seed"]))  # noqa: S311
        known = _read("conversations.json")["contacts"]
        shop.customers = [*map(_known_customer, known), *(_customer(shop, n) for n in range(REGULARS))]
        return shop

    def directory(self) -> Iterator[dict[str, Any]]:
        """The people, teams, inbox and promise that the demo world has already."""
        for person in self.plan["people"]:
            told = {name: person[name] for name in ("name", "email", "role")}
            yield {"kind": "agent", "external_id": person["email"].partition("@")[0], **told}
        for team in self.plan["teams"]:
            members = [email.partition("@")[0] for email in team["members"]]
            yield {"kind": "team", "external_id": team["name"], "name": team["name"], "members": members}
        inbox, policy = self.plan["inboxes"][0], self.plan["sla_policies"][0]
        members = [email.partition("@")[0] for email in inbox["members"]]
        yield {
            "kind": "inbox",
            "external_id": "site",
            "name": inbox["name"],
            "channel": inbox["channel"],
            "members": members,
        }
        promised = {name: value for name, value in policy.items() if name != "description"}
        yield {"kind": "sla_policy", "external_id": "usual", **promised}

    def some(self, what: str) -> str:
        return str(self.dice.choice(self.words[what]))

    def happens(self, probability: float) -> bool:
        return self.dice.random() < probability

    def minutes(self, median: float, spread: float = 0.8) -> timedelta:
        """About so many minutes; sometimes many more."""
        return timedelta(minutes=median * math.exp(self.dice.gauss(0, spread)))

    def opens(self, moment: datetime) -> datetime:
        """The moment, or when somebody is there again."""
        inbox = self.plan["inboxes"][0]
        local = moment.astimezone(self.zone)
        for days in range(10):
            day = local.date() + timedelta(days=days)
            if day.isoformat() in inbox["holidays"]:
                continue
            for opens, closes in inbox["week"][day.weekday()]:
                start, finish = (
                    datetime.combine(day, time.fromisoformat(clock), self.zone) for clock in (opens, closes)
                )
                if local < finish:
                    return max(moment, start)
        return moment

    def load(self, moment: datetime) -> float:
        """How busy that day was; 1 is usual."""
        return SALES.get((self.end - moment).days, 1.0)


def _moments(shop: _Shop) -> list[datetime]:
    """When each conversation began."""
    moments = []
    first = (shop.end - timedelta(days=DAYS)).astimezone(shop.zone).date()
    for n in range(DAYS + 1):
        day = first + timedelta(days=n)
        expected = CONVERSATIONS_A_DAY * WEEKDAYS[day.weekday()] * (0.85 + 0.3 * n / DAYS) * _sale(shop, day)
        for _ in range(max(0, round(shop.dice.gauss(expected, math.sqrt(expected))))):
            hour = shop.dice.choices(range(24), HOURS)[0]
            clock = time(hour, shop.dice.randrange(60), shop.dice.randrange(60), shop.dice.randrange(1_000_000))
            moments.append(datetime.combine(day, clock, shop.zone))
    return [moment for moment in moments if moment < shop.end]


def _sale(shop: _Shop, day: date) -> float:
    is_holiday = day.isoformat() in shop.plan["inboxes"][0]["holidays"]
    return 0.4 if is_holiday else SALES.get((shop.end.astimezone(shop.zone).date() - day).days, 1.0)


# -- people


def _known_customer(person: dict[str, Any]) -> dict[str, Any]:
    told = {name: person.get(name) for name in ("name", "email", "phone")}
    return {"kind": "contact", "external_id": person["key"], **told}


def _customer(shop: _Shop, n: int) -> dict[str, Any]:
    kind = "f" if shop.happens(0.6) else "m"
    first, last = shop.dice.choice(shop.words["first_names"][kind]), shop.dice.choice(shop.words["last_names"])
    name = f"{first} {last[kind == 'm']}"
    email = f"{slugify(name, separator='.')}.{n}@{shop.dice.choice(['example.com', 'example.net'])}"
    phone = f"+99655502{n:04}" if shop.happens(0.5) else None
    return {"kind": "contact", "external_id": f"regular-{n}", "name": name, "email": email, "phone": phone}


# -- one conversation


class _Talk:
    """A conversation while it is made up: `now` only moves on."""

    def __init__(self, shop: _Shop, began: datetime, n: int) -> None:
        self.shop, self.began, self.now, self.n = shop, began, began, n
        self.timeline: list[dict[str, Any]] = []
        self.scenario = shop.dice.choices(shop.words["scenarios"], [s["weight"] for s in shop.words["scenarios"]])[0]
        # a few people write often, most seldom
        self.customer = shop.customers[int(len(shop.customers) * shop.dice.random() ** 2.2)]
        self.agent = self.colleague(self.scenario["team"])
        self.is_slow = shop.load(began) > 1.4
        self.facts = {
            "name": self.customer["name"].split()[0],
            "order": str(204000 - (shop.end - began).days * 31 - shop.dice.randrange(30)),
            "product": shop.some("products"),
            "jar": shop.some("jars"),
            "frozen": shop.some("frozen"),
            "city": shop.some("cities"),
            "day": shop.some("days"),
            "hours": shop.some("hours"),
            "sum": f"{shop.dice.randrange(35, 480) * 10:,}".replace(",", " "),
            "kg": str(shop.dice.choice([10, 15, 20, 30])),
            "four": f"{shop.dice.randrange(10_000):04}",
            "ticket": str(shop.dice.randrange(10_000, 99_999)),
        }

    def wait(self, length: timedelta) -> None:
        self.now += length

    def say(self, who: str, words: str, *, private: bool = False) -> None:
        sender = {"kind": "agent", "id": self.agent} if who == "agent" else {"kind": who}
        self.timeline.append(
            {
                "type": "message",
                "external_id": f"demo-{self.n}-{len(self.timeline)}",
                "sent_at": _stamp(self.now),
                "direction": "incoming" if who == "contact" else "outgoing",
                "sender": sender,
                "content": words.format(**self.facts),
                "private": private,
            }
        )

    def happen(self, kind: str, **more: Any) -> None:
        self.timeline.append({"type": kind, "occurred_at": _stamp(self.now), **more})

    def move(self, to: str, by: str | None = None, until: datetime | None = None) -> None:
        self.happen("status", to=to, by=by or self.agent, **({"until": _stamp(until)} if until else {}))

    def ask(self) -> None:
        self.say("contact", self.shop.dice.choice(self.scenario["open"]))

    def told(self) -> dict[str, Any]:
        """The line: nothing of it lies after the end."""
        end = _stamp(self.shop.end)
        return {
            "kind": "conversation",
            "external_id": "",
            "inbox": "site",
            "contact": self.customer["external_id"],
            "created_at": _stamp(self.began),
            "timeline": [entry for entry in self.timeline if (entry.get("sent_at") or entry["occurred_at"]) <= end],
        }

    def colleague(self, team: str) -> str:
        """Somebody of the team; who is quick has more to do."""
        emails = next(each["members"] for each in self.shop.plan["teams"] if each["name"] == team)
        names = [email.partition("@")[0] for email in emails]
        return str(self.shop.dice.choices(names, [1 / SPEED[name] for name in names])[0])


def _conversation(shop: _Shop, moment: datetime, n: int) -> dict[str, Any]:
    talk = _Talk(shop, moment, n)
    has_captain = (shop.end - moment).days < CAPTAIN_SINCE_DAYS and talk.scenario["captain"] and shop.happens(0.8)
    if shop.happens(0.03):
        _we_begin(talk)
    elif not has_captain or not _captain_holds(talk):
        _customer_asks(talk)
        _agents_help(talk)
    if shop.happens(0.09):
        _comes_back(talk)
    return talk.told()


def _we_begin(talk: _Talk) -> None:
    """We have something to say, and say it first."""
    talk.now = talk.began = talk.shop.opens(talk.began)
    talk.happen("assignee", to=talk.agent, by=talk.agent)
    talk.say("agent", talk.shop.some("proactive"))
    talk.happen("label", added=["доставка"], removed=[], by=talk.agent)
    if talk.shop.happens(0.75):
        talk.wait(talk.shop.minutes(50))
        talk.say("contact", talk.shop.some("proactive_replies"))
        _answer_after(talk, 8)
        talk.say("agent", talk.shop.some("welcome"))
    talk.wait(talk.shop.minutes(20))
    _resolve(talk)


def _captain_holds(talk: _Talk) -> bool:
    """Captain answers; True when that was all. Otherwise people have it now."""
    shop = talk.shop
    talk.move("pending", "captain")
    talk.ask()
    talk.wait(timedelta(seconds=shop.dice.uniform(2, 7)))
    talk.say("captain", shop.dice.choice(talk.scenario["captain"]))
    talk.wait(shop.minutes(3))
    fate = shop.dice.random()
    if fate < 0.42:
        talk.say("contact", shop.some("captain_thanks"))
        talk.wait(timedelta(seconds=shop.dice.uniform(5, 40)))
        talk.move("resolved", "captain")
        _rate(talk, 0.35, 0.9, "captain_comments")
        return True
    if fate < 0.62:
        # nobody says a word any more
        talk.wait(timedelta(hours=24))
        talk.move("resolved", "automation")
        return True
    talk.say("contact", shop.some("want_human"))
    talk.wait(timedelta(seconds=shop.dice.uniform(1, 5)))
    talk.say("captain", shop.some("captain_handoff"))
    talk.happen("handoff")
    _sort(talk)
    _away(talk)
    _agents_help(talk)
    return True


def _customer_asks(talk: _Talk) -> None:
    talk.ask()
    talk.wait(timedelta(seconds=2))
    _sort(talk)
    _away(talk)


def _sort(talk: _Talk) -> None:
    """What the rules do with a new one: team, promise, often an agent."""
    talk.happen("team", to=talk.scenario["team"], by="automation")
    talk.happen("sla", policy="usual", by="automation")
    if talk.shop.happens(0.7):
        talk.happen("assignee", to=talk.agent, by="automation")
    if talk.scenario["priority"] and talk.shop.happens(0.7):
        talk.happen("priority", to=talk.scenario["priority"], by="automation")


def _away(talk: _Talk) -> None:
    if talk.shop.opens(talk.now) > talk.now:
        talk.say("automation", talk.shop.words["out_of_office"])


def _agents_help(talk: _Talk) -> None:
    """Turn by turn, as the scenario has it; then it is done."""
    shop, scenario = talk.shop, talk.scenario
    asked_at = talk.now
    _answer_after(talk, 7)
    if talk.now - asked_at > timedelta(minutes=25) and shop.happens(0.3):
        _grow_impatient(talk, asked_at)
    talk.happen("assignee", to=talk.agent, by=talk.agent)
    greeting = shop.some("apologies" if talk.now - asked_at > timedelta(minutes=40) else "greetings")
    talk.say("agent", greeting + shop.dice.choice(scenario["agent"][0]))
    talk.wait(timedelta(seconds=shop.dice.uniform(4, 90)))
    talk.happen("label", added=scenario["labels"], removed=[], by=talk.agent)
    if shop.happens(0.15):
        talk.say("agent", shop.some("notes"), private=True)
    if shop.happens(0.05):
        _pass_on(talk)
    for n, replies in enumerate(scenario["customer"], start=1):
        if not shop.happens(0.75):
            break
        _customer_replies(talk, shop.dice.choice(replies))
        _answer_after(talk, 6)
        talk.say(
            "agent", shop.dice.choice(scenario["agent"][n]) if n < len(scenario["agent"]) else shop.some("welcome")
        )
    if shop.happens(0.5):
        talk.wait(shop.minutes(4))
        talk.say("contact", shop.some("thanks"))
        if shop.happens(0.6):
            _answer_after(talk, 3)
            talk.say("agent", shop.some("welcome"))
    talk.wait(shop.minutes(15, 1.2))
    if shop.happens(0.05):
        talk.wait(timedelta(days=3))
        talk.move("resolved", "system")
    else:
        talk.now = shop.opens(talk.now)
        _resolve(talk)


def _answer_after(talk: _Talk, minutes: float) -> None:
    """The next time somebody gets to it: in working hours, later on busy days, and now and then very late."""
    shop = talk.shop
    factor = SPEED[talk.agent] * (3.5 if talk.is_slow else 1.0) * (6.0 if shop.happens(0.06) else 1.0)
    opened = shop.opens(talk.now)
    # in the morning there is a queue
    queue = shop.minutes(14) if opened > talk.now else timedelta()
    talk.now = shop.opens(opened + queue + shop.minutes(minutes * factor))


def _grow_impatient(talk: _Talk, asked_at: datetime) -> None:
    answer_at, talk.now = talk.now, asked_at + (talk.now - asked_at) * talk.shop.dice.uniform(0.4, 0.9)
    talk.say("contact", talk.shop.some("impatient"))
    talk.now = answer_at


def _customer_replies(talk: _Talk, words: str) -> None:
    """Soon, or after we waited for him, or after we put it off."""
    shop, fate = talk.shop, talk.shop.dice.random()
    if fate < 0.12:
        talk.wait(shop.minutes(2))
        talk.move("pending")
        talk.wait(shop.minutes(400))
        talk.say("contact", words)
        talk.move("open", "contact")
    elif fate < 0.17:
        until = shop.opens(talk.now + timedelta(hours=shop.dice.choice([3, 18, 42])))
        talk.move("snoozed", until=until)
        talk.now = until
        talk.move("open", "system")
        talk.say("agent", "{name}, возвращаемся к вашему вопросу: всё ли получилось?")
        talk.wait(shop.minutes(30))
        talk.say("contact", words)
    else:
        talk.wait(shop.minutes(6))
        talk.say("contact", words)


def _pass_on(talk: _Talk) -> None:
    """It is rather somebody else's."""
    other = "оплата" if talk.scenario["team"] == "поддержка" else "поддержка"
    talk.say("agent", talk.shop.some("transfers"), private=True)
    before, talk.agent = talk.agent, talk.colleague(other)
    talk.happen("team", to=other, by=before)
    talk.happen("assignee", to=talk.agent, by=before)


def _resolve(talk: _Talk) -> None:
    talk.move("resolved")
    first = next((entry for entry in talk.timeline if entry.get("sender", {}).get("kind") == "agent"), None)
    waited = datetime.fromisoformat(first["sent_at"]) - talk.began if first else timedelta()
    # whoever waits long is less content, whatever was answered
    content = 0.93 - min(0.5, waited / timedelta(hours=9)) - (SPEED[talk.agent] - 1) * 0.08
    _rate(talk, 0.4, content, "comments")


def _rate(talk: _Talk, answers: float, content: float, comments: str) -> None:
    shop = talk.shop
    if not shop.happens(answers):
        return
    is_content = shop.happens(content)
    rating = shop.dice.choices([5, 4], [3, 1])[0] if is_content else shop.dice.choices([3, 2, 1], [3, 2, 3])[0]
    talk.wait(shop.minutes(25, 1.6))
    talk.happen("rating", rating=rating, comment=shop.dice.choice(shop.words[comments][str(rating)]))


def _comes_back(talk: _Talk) -> None:
    """It was not the end of it."""
    shop = talk.shop
    talk.wait(timedelta(hours=shop.dice.uniform(1, 110)))
    talk.say("contact", shop.some("back"))
    talk.move("open", "contact")
    _answer_after(talk, 9)
    talk.say("agent", shop.some("back_answers"))
    talk.wait(shop.minutes(12))
    talk.now = shop.opens(talk.now)
    talk.move("resolved")


def _stamp(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo("UTC")).isoformat()


def _read(name: str) -> Any:
    return json.loads((SEEDS / name).read_text(encoding="utf-8"))
