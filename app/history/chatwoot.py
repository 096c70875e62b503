"""A running Chatwoot, read through its API into lines of the history format.

What its API does not tell cannot be told here: when somebody was assigned, labelled or given to a team (said to be so from
the beginning), and who moved a status when, unless its English activity lines say so. Files stay there; their links are
kept in the text. Channels that Kulpunai has not yet become API inboxes.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

from app import outbound
from app.errors import ChannelError, Invalid
from app.i18n import _
from app.text import CONTENT_LIMIT, NAME_LIMIT, mended

TRIES = 6
SECONDS = 60.0
LIMIT_BYTES = 32 * 1024 * 1024
BEGINNING = "1970-01-01T00:00:00Z"
_CHANNELS = {"Channel::WebWidget": "website", "Channel::Telegram": "telegram"}
_RESOLVED = re.compile(r"\bresolved\b(?:.*\bby (?P<who>.+?))?\.?$", re.IGNORECASE)
_REOPENED = re.compile(r"\breopened\b(?:.*\bby (?P<who>.+?))?\.?$", re.IGNORECASE)


def lines(url: str, token: str) -> Iterator[dict[str, Any]]:
    """The lines of a history file: who there is, then conversation by conversation, the oldest first.

    url: its address, as `https://chat.example.org` or with `/app/accounts/3` when the token knows several. Problem when it
    cannot be read; what was read before stands.
    """
    there = _There.find(url, token)
    yield from there.directory()
    ratings = there.ratings()
    for conversation in there.pages("conversations", status="all", assignee_type="all", sort_by="created_at_asc"):
        yield from there.strangers(conversation)
        yield _conversation(there, conversation, ratings.get(int(conversation["id"]), []))


@dataclass
class _There:
    """The account over there, and whom we have told of already."""

    base: str
    token: str
    ports: frozenset[int]
    agents: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    @classmethod
    def find(cls, url: str, token: str) -> "_There":
        parts = urlsplit(url)
        port = {parts.port} if parts.port else set()
        there = cls(f"{parts.scheme}://{parts.netloc}", token, outbound.PORTS | port)
        named = re.search(r"/accounts/(\d+)", parts.path)
        number = int(named[1]) if named else there.ask("/api/v1/profile")["account_id"]
        there.base += f"/api/v1/accounts/{int(number)}/"
        return there

    def directory(self) -> Iterator[dict[str, Any]]:
        """Agents, teams, inboxes with their hours, contacts."""
        for agent in self.ask("agents"):
            yield self._agent(agent["id"], agent["name"], agent["email"], agent.get("role") or "agent")
        for team in self.ask("teams"):
            members = self._members(self.ask(f"teams/{int(team['id'])}/team_members"))
            yield {"kind": "team", "external_id": _id(team), "name": team["name"], "members": members}
        for inbox in self.ask("inboxes")["payload"]:
            yield from self._inbox(inbox)
        for contact in self.pages("contacts"):
            yield from self._contact(contact)

    def strangers(self, conversation: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Those in the conversation whom no list named: contacts that are new, agents who have left. It keeps its messages."""
        yield from self._contact(conversation["meta"]["sender"])
        conversation["messages"] = list(self._messages(int(conversation["id"])))
        for message in conversation["messages"]:
            sender = message.get("sender") or {}
            if sender.get("type") == "user" and _id(sender) not in self.agents.values():
                # an address nobody can have: RFC 2606
                yield self._agent(
                    sender["id"], sender.get("name") or "?", f"agent-{sender['id']}@chatwoot.invalid", "agent"
                )

    def ratings(self) -> dict[int, list[dict[str, Any]]]:
        """{conversation: answers to its surveys}."""
        found: dict[int, list[dict[str, Any]]] = {}
        for answer in self.pages("csat_survey_responses", sort="created_at"):
            found.setdefault(int(answer["conversation_id"]), []).append(answer)
        return found

    def pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Everything in a list, page by page, each once: what is written meanwhile moves the pages."""
        seen: set[int] = set()
        for page in count(1):
            answer = self.ask(path, page=page, **query)
            rows = answer if isinstance(answer, list) else answer.get("data", answer)["payload"]
            new = [row for row in rows if row["id"] not in seen]
            if not new:
                return
            seen.update(row["id"] for row in new)
            yield from new

    def ask(self, path: str, **query: object) -> Any:
        """The JSON at that path of the account. Problem when there is none."""
        address = path if path.startswith("/") else f"/{path}"
        url = self.base.rstrip("/") + address + (f"?{urlencode(query)}" if query else "")
        for n in range(TRIES):
            try:
                answer = outbound.call(
                    "GET",
                    url,
                    headers={"api_access_token": self.token},
                    seconds=SECONDS,
                    limit_bytes=LIMIT_BYTES,
                    ports=self.ports,
                )
            except outbound.Refused:
                raise
            except (ChannelError, outbound.CutOff):
                if n == TRIES - 1:
                    raise
            else:
                if answer.status == 200 and not answer.is_cut:
                    return _read(answer.body, url)
                if answer.status != 429 and answer.status < 500:
                    raise Invalid("url", _("%(url)s answers %(status)s.", url=url, status=answer.status))
            time.sleep(min(2**n, 30) * _PATIENCE)
        raise Invalid("url", _("%(url)s does not answer as it should.", url=url))

    def _messages(self, conversation_id: int) -> Iterator[dict[str, Any]]:
        after = 0
        while rows := self.ask(f"conversations/{conversation_id}/messages", after=after)["payload"]:
            newest = max(row["id"] for row in rows)
            if newest <= after:
                return
            yield from (row for row in sorted(rows, key=lambda row: int(row["id"])) if row["id"] > after)
            after = newest

    def _agent(self, number: int, name: str, email: str, role: str) -> dict[str, Any]:
        external_id = f"chatwoot:{number}"
        self.agents[name] = external_id
        role = role if role == "administrator" else "agent"
        return {"kind": "agent", "external_id": external_id, "name": _name(name) or email, "email": email, "role": role}

    def _inbox(self, inbox: dict[str, Any]) -> Iterator[dict[str, Any]]:
        calendar = None
        if inbox.get("working_hours_enabled"):
            calendar = _id(inbox)
            yield {
                "kind": "calendar",
                "external_id": calendar,
                "name": _name(inbox["name"]),
                "timezone": inbox.get("timezone") or "UTC",
                "since": BEGINNING,
                "week": _week(inbox.get("working_hours") or []),
                "holidays": [],
            }
        yield {
            "kind": "inbox",
            "external_id": _id(inbox),
            "name": _name(inbox["name"]),
            "channel": _CHANNELS.get(inbox["channel_type"], "api"),
            "calendar": calendar,
            "members": self._members(self.ask(f"inbox_members/{int(inbox['id'])}")["payload"]),
        }

    def _contact(self, contact: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if _id(contact) in self.told:
            return
        self.told.add(_id(contact))
        yield {
            "kind": "contact",
            "external_id": _id(contact),
            "name": _name(contact.get("name") or ""),
            "email": contact.get("email") or None,
            "phone": contact.get("phone_number") or None,
        }

    def _members(self, people: list[dict[str, Any]]) -> list[str]:
        known = set(self.agents.values())
        return [_id(person) for person in people if _id(person) in known]


# How long to wait between tries, in parts of what is polite; tests are in a hurry
_PATIENCE = 1.0


def _conversation(there: _There, row: dict[str, Any], ratings: list[dict[str, Any]]) -> dict[str, Any]:
    messages = row["messages"]
    began = min([int(row["created_at"]), *(int(message["created_at"]) for message in messages)])
    entries = [*_from_the_beginning(row, began)]
    for message in messages:
        entries += _moves(there, message) if message["message_type"] == 2 else [_said(message)]
    entries += [
        _at(answer["created_at"], "rating", rating=answer["rating"], comment=answer.get("feedback_message") or "")
        for answer in ratings
    ]
    # seconds are all we have: within one of them, what was there first comes first
    entries.sort(key=lambda entry: str(entry.get("sent_at") or entry["occurred_at"]))
    entries += _in_the_end(row, entries, began)
    return {
        "kind": "conversation",
        "external_id": _id(row),
        "inbox": f"chatwoot:{row['inbox_id']}",
        "contact": _id(row["meta"]["sender"]),
        "created_at": _stamp(began),
        "timeline": entries,
    }


def _from_the_beginning(row: dict[str, Any], began: int) -> Iterator[dict[str, Any]]:
    assignee, team = row["meta"].get("assignee"), row["meta"].get("team")
    if assignee:
        yield _at(began, "assignee", to=_id(assignee), by="system")
    if team:
        yield _at(began, "team", to=_id(team), by="system")
    if row.get("labels"):
        yield _at(began, "label", added=row["labels"], removed=[], by="system")
    if row.get("priority"):
        yield _at(began, "priority", to=row["priority"], by="system")


def _moves(there: _There, message: dict[str, Any]) -> list[dict[str, Any]]:
    """What an activity line says of the status."""
    for pattern, status in ((_RESOLVED, "resolved"), (_REOPENED, "open")):
        if found := pattern.search(message.get("content") or ""):
            by = there.agents.get(found["who"] or "", "system")
            return [_at(message["created_at"], "status", to=status, by=by)]
    return []


def _in_the_end(row: dict[str, Any], entries: list[dict[str, Any]], began: int) -> Iterator[dict[str, Any]]:
    """The status as it is, where the lines did not lead there."""
    moved = [entry["to"] for entry in entries if entry["type"] == "status"]
    if row["status"] == (moved[-1] if moved else "open"):
        return
    last = entries[-1].get("sent_at") or entries[-1]["occurred_at"] if entries else _stamp(began)
    until = {"until": _until(row["snoozed_until"])} if row["status"] == "snoozed" and row.get("snoozed_until") else {}
    when = max(last, _stamp(row.get("last_activity_at") or began))
    yield {"type": "status", "occurred_at": when, "to": row["status"], "by": "system", **until}


def _said(message: dict[str, Any]) -> dict[str, Any]:
    sender = message.get("sender") or {}
    links = [found["data_url"] for found in message.get("attachments") or () if found.get("data_url")]
    is_incoming = message["message_type"] == 0
    return {
        "type": "message",
        "external_id": _id(message),
        "sent_at": _stamp(message["created_at"]),
        "direction": "incoming" if is_incoming else "outgoing",
        "sender": {"kind": "contact"} if is_incoming else _sender(message, sender),
        "content": mended("\n".join(filter(None, [message.get("content"), *links])), CONTENT_LIMIT),
        "private": bool(message.get("private")) and not is_incoming,
    }


def _sender(message: dict[str, Any], sender: dict[str, Any]) -> dict[str, Any]:
    kind = str(sender.get("type") or "")
    if kind == "user" and message["message_type"] == 1:
        return {"kind": "agent", "id": _id(sender)}
    if "captain" in kind:
        return {"kind": "captain"}
    if kind == "agent_bot":
        return {"kind": "bot"}
    is_campaign = (message.get("additional_attributes") or {}).get("campaign_id")
    return {"kind": "campaign" if is_campaign else "automation"}


def _week(hours: list[dict[str, Any]]) -> list[list[list[str]]]:
    """Monday first; there Sunday is 0."""
    week: list[list[list[str]]] = [[] for _day in range(7)]
    for day in hours:
        if day.get("open_all_day"):
            week[(day["day_of_week"] - 1) % 7] = [["00:00", "24:00"]]
        elif not day.get("closed_all_day"):
            clocks = [f"{day[f'{what}_hour']:02}:{day.get(f'{what}_minutes') or 0:02}" for what in ("open", "close")]
            week[(day["day_of_week"] - 1) % 7] = [clocks]
    return week


def _at(seconds: float, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "occurred_at": _stamp(seconds), **more}


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def _until(value: str | float) -> str:
    """There it is now a number, now a text."""
    return value if isinstance(value, str) else _stamp(value)


def _id(row: dict[str, Any]) -> str:
    return f"chatwoot:{int(row['id'])}"


def _name(name: str) -> str:
    return mended(name, NAME_LIMIT).strip()


def _read(body: bytes, url: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Invalid("url", _("%(url)s does not answer as it should.", url=url)) from None


def written(told: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """The lines of the file, as bytes."""
    return (json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in told)
