"""Stories: what happened, told in a few words, as the events the log would hold. Times are seconds after NOON."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from analytics import build, extract
from analytics.lake import account
from analytics.read import Query, answer, current

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = 60, 3600, 86_400
ACCOUNT = 1


@dataclass
class Story:
    """An account's log. Events get their seq in the order in which they are told, whatever their time."""

    events: list[dict[str, Any]] = field(default_factory=list)
    talks: int = 0

    def talk(self, when: float = 0, causation: str | None = None, **facts: Any) -> "Talk":
        """A new conversation; facts: whatever differs from open, in inbox 1, with nobody. causation: “history” if imported."""
        self.talks += 1
        numbers = {"conversation_id": self.talks, "display_id": self.talks, "contact_id": 100 + self.talks}
        talk = Talk(self, numbers | facts, causation=causation)
        talk.tell("conversation.created", when, "contact:1")
        return talk

    def tell(self, name: str, when: float, actor: str, data: dict[str, Any], causation: str | None = None) -> None:
        """One more event."""
        moment_us = round((NOON.timestamp() + when) * 1_000_000)
        self.events.append(
            {
                "seq": len(self.events) + 1,
                "name": name,
                "conversation_id": data.get("conversation_id"),
                "actor": actor,
                "causation_seq": None,
                "causation": causation,
                "schema_version": 1,
                "occurred_us": moment_us,
                "recorded_us": moment_us,
                "data": json.dumps(data, ensure_ascii=False),
            }
        )

    # -- what was agreed on: calendars, promises, who is there

    def calendar(
        self,
        week: list[list[list[str]]],
        number: int = 1,
        timezone: str = "UTC",
        since: float = -400 * DAY,
        holidays: tuple[str, ...] = (),
    ) -> None:
        """A version of a calendar, for inboxes and teams to work by."""
        told = {
            "calendar_id": number,
            "name": "часы",
            "version": 1,
            "since": (NOON + timedelta(seconds=since)).isoformat(),
        }
        self.tell(
            "calendar.versioned", since, "user:1", told | {"timezone": timezone, "week": week, "holidays": [*holidays]}
        )

    def works_by(
        self,
        calendar: int | None,
        inbox: int | None = None,
        team: int | None = None,
        when: float = -400 * DAY,
        causation: str | None = None,
    ) -> None:
        """From `when` on the inbox or the team has this calendar."""
        told = {"calendar_id": calendar, "inbox_id": inbox, "team_id": team}
        self.tell("calendar.assigned", when, "user:1", told, causation)

    def policy(
        self,
        number: int = 1,
        first: float | None = None,
        following: float | None = None,
        resolution: float | None = None,
        *,
        is_business_time: bool = False,
        pause_while: tuple[str, ...] = (),
        when: float = -400 * DAY,
    ) -> None:
        """A version of an SLA policy, in seconds."""
        targets = {
            "first_response_seconds": first,
            "next_response_seconds": following,
            "resolution_seconds": resolution,
        }
        targets |= {"is_business_time": is_business_time, "pause_while": list(pause_while)}
        self.tell("sla_policy.versioned", when, "user:1", {"sla_policy_id": number, "version": 1, "targets": targets})

    def presence(self, when: float, user: int, presence: str) -> None:
        """The agent is online, busy or offline from now on."""
        self.tell("agent.presence_changed", when, f"user:{user}", {"user_id": user, "presence": presence})

    def build(self, lake: Path, account_id: int = ACCOUNT) -> Path:
        """The marts of this story."""
        home = account(lake, account_id)
        with home.writing():
            if (done := home.last_seq()) < len(self.events):
                rows = pl.DataFrame(self.events[done:], schema=extract.ROW)
                extract.add_part(home, rows, done + 1, len(self.events))
        build.build(lake, account_id)
        assert home.problems() is None, home.problems()
        return current(lake, account_id)


@dataclass
class Talk:
    """One conversation of a story."""

    story: Story
    facts: dict[str, Any]
    messages: int = 0
    causation: str | None = None

    def __post_init__(self) -> None:
        usual = {
            "inbox_id": 1,
            "status": "open",
            "held_by": None,
            "assignee_id": None,
            "team_id": None,
            "priority": None,
        }
        self.facts = usual | {"labels": []} | self.facts

    def tell(self, name: str, when: float, actor: str, **data: Any) -> "Talk":
        self.story.tell(name, when, actor, self.facts | {"labels": list(self.facts["labels"])} | data, self.causation)
        return self

    # -- messages

    def customer(self, when: float) -> "Talk":
        return self._message(when, "incoming", "contact", 1)

    def agent(self, when: float, user: int = 7) -> "Talk":
        return self._message(when, "outgoing", "user", user)

    def note(self, when: float, user: int = 7) -> "Talk":
        return self._message(when, "outgoing", "user", user, is_private=True)

    def captain(self, when: float) -> "Talk":
        return self._message(when, "outgoing", "captain", None)

    def bot(self, when: float) -> "Talk":
        return self._message(when, "outgoing", "bot", None)

    def automation(self, when: float) -> "Talk":
        return self._message(when, "outgoing", "automation", None)

    def greeting(self, when: float) -> "Talk":
        return self._message(when, "template", "automation", None)

    def activity(self, when: float) -> "Talk":
        return self._message(when, "activity", "system", None)

    def _message(
        self, when: float, kind: str, sender: str, sender_id: int | None, *, is_private: bool = False
    ) -> "Talk":
        self.messages += 1
        actor = f"{sender}:{sender_id}" if sender_id else sender
        message = {
            "message_id": self.facts["conversation_id"] * 1000 + self.messages,
            "message_type": kind,
            "version": 1,
        }
        return self.tell(
            "message.created", when, actor, **message, is_private=is_private, sender_type=sender, sender_id=sender_id
        )

    # -- changes

    def status(
        self, when: float, status: str, by: str = "user:7", held_by: str | None = None, until: float | None = None
    ) -> "Talk":
        before = self.facts["status"]
        self.facts |= {"status": status, "held_by": held_by}
        stamp = None if until is None else (NOON + timedelta(seconds=until)).isoformat()
        return self.tell("conversation.status_changed", when, by, status_change=[before, status], snoozed_until=stamp)

    def resolve(self, when: float, by: str = "user:7") -> "Talk":
        return self.status(when, "resolved", by)

    def reopen(self, when: float, by: str = "contact:1") -> "Talk":
        return self.status(when, "open", by)

    def hand_off(self, when: float) -> "Talk":
        self.facts |= {"held_by": None, "status": "open"}
        return self.tell("conversation.bot_handoff", when, "captain", reason="asked for a person")

    def assign(self, when: float, user: int | None, by: str = "automation") -> "Talk":
        before = self.facts["assignee_id"]
        self.facts["assignee_id"] = user
        return self.tell("assignee.changed", when, by, assignee_change=[before, user])

    def team(self, when: float, team: int | None) -> "Talk":
        before = self.facts["team_id"]
        self.facts["team_id"] = team
        return self.tell("team.changed", when, "user:7", team_change=[before, team])

    def label(self, when: float, *labels: str) -> "Talk":
        before, self.facts["labels"] = self.facts["labels"], list(labels)
        added, removed = sorted(set(labels) - set(before)), sorted(set(before) - set(labels))
        return self.tell("conversation.labels_changed", when, "user:7", added=added, removed=removed)

    def priority(self, when: float, priority: str | None) -> "Talk":
        before, self.facts["priority"] = self.facts["priority"], priority
        return self.tell("conversation.priority_changed", when, "user:7", priority_change=[before, priority])

    # -- agreements and judgement

    def promise(self, when: float, policy: int = 1) -> "Talk":
        return self.tell("sla.applied", when, "automation", sla_policy_id=policy)

    def release(self, when: float, policy: int = 1) -> "Talk":
        return self.tell("sla.removed", when, "user:7", sla_policy_id=policy)

    def verdict(self, when: float, outcome: str, target: str, due: float) -> "Talk":
        """What the core tells screens; no number is made of it."""
        due_at = (NOON + timedelta(seconds=due)).isoformat()
        return self.tell(f"sla.{outcome}", when, "system", sla_policy_id=1, target=target, due_at=due_at)

    def confirm(self, when: float) -> "Talk":
        return self.tell("captain.confirmed", when, "contact:1", message_id=None)

    def unhelpful(self, when: float) -> "Talk":
        """The customer says that the newest message did not help."""
        newest = self.facts["conversation_id"] * 1000 + self.messages
        return self.tell("captain.feedback", when, "contact:1", message_id=newest, is_helpful=False)

    def look(self, when: float, until: float, user: int = 7) -> "Talk":
        self.tell("conversation.focused", when, f"user:{user}", user_id=user)
        return self.tell("conversation.unfocused", until, f"user:{user}", user_id=user)

    def ask(self, when: float, survey: int, resolver: int | None = 7) -> "Talk":
        return self.tell("csat.sent", when, "system", survey_id=survey, resolver_id=resolver)

    def rate(self, when: float, rating: int, survey: int | None = None, resolver: int | None = 7) -> "Talk":
        return self.tell("csat.answered", when, "contact:1", survey_id=survey, rating=rating, resolver_id=resolver)


def ask(
    marts: Path, metric: str, since: float = -30 * DAY, until: float = 365 * DAY, **more: Any
) -> list[dict[str, Any]]:
    """The rows of a metric over a window given in seconds after NOON."""
    window = NOON + timedelta(seconds=since), NOON + timedelta(seconds=until)
    return answer(marts, Query(metric, *window, **more)).rows


def value(marts: Path, metric: str, **more: Any) -> Any:
    """Its one number, or None when there is nothing to count."""
    rows = ask(marts, metric, **more)
    assert len(rows) <= 1, rows
    return rows[0]["value"] if rows else None


def by(marts: Path, metric: str, group: str, **more: Any) -> dict[Any, Any]:
    """Its number in each group."""
    return {row[group]: row["value"] for row in ask(marts, metric, by=group, **more)}
