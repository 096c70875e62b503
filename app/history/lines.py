"""One line of a history file, read and judged by itself: docs/history.md says what may stand in it.

The shapes below are that format, key by key; a key that is not there is refused by name.
"""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic import ValidationError as Refusal
from pydantic_core import CoreSchema
from pydantic_core.core_schema import chain_schema, custom_error_schema, datetime_schema, str_schema

from app.conversations.models import Priority, Status
from app.errors import Invalid
from app.i18n import _
from app.inboxes.models import Channel
from app.text import CONTENT_LIMIT, NAME_LIMIT
from app.users.models import Role

# So many bytes a line may have: a conversation of thousands of messages, and no file without line ends
LINE_LIMIT_BYTES = 32 * 1024 * 1024
_RFC3339 = (
    r"^(19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)


class _Rfc3339:
    """A time as RFC 3339 writes it. What else is taken for one, such as a number, would be one by chance.

    As a schema of pydantic's own: a validator in Python took a fifth of the time of reading a file.
    """

    @staticmethod
    def __get_pydantic_core_schema__(_source: Any, _handler: Any) -> CoreSchema:
        written = custom_error_schema(str_schema(pattern=_RFC3339, strict=True), "time", custom_error_message="time")
        return chain_schema([written, datetime_schema(tz_constraint="aware", strict=False)])


Id = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LIMIT)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=NAME_LIMIT)]
GivenName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LIMIT)]
Words = Annotated[str, StringConstraints(max_length=CONTENT_LIMIT)]
Instant = Annotated[datetime, _Rfc3339]
Seconds = Annotated[int, Field(ge=1, le=366 * 86_400)]
Clock = Annotated[str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


# -- what happened in a conversation


class Sender(_Part):
    kind: Literal["contact", "agent", "captain", "bot", "automation", "campaign"]
    id: Id | None = None


class Said(_Part):
    type: Literal["message"]
    external_id: Id | None = None
    sent_at: Instant
    direction: Literal["incoming", "outgoing"]
    sender: Sender
    content: Words | None = ""
    private: bool = False

    @property
    def moment(self) -> datetime:
        return self.sent_at


class _Happened(_Part):
    occurred_at: Instant

    @property
    def moment(self) -> datetime:
        return self.occurred_at


class HandedOff(_Happened):
    type: Literal["handoff"]


class Assigned(_Happened):
    type: Literal["assignee"]
    to: Id | None
    by: Id


class GivenToTeam(_Happened):
    type: Literal["team"]
    to: Id | None
    by: Id


class Labelled(_Happened):
    type: Literal["label"]
    added: list[GivenName] = []
    removed: list[GivenName] = []
    by: Id


class Prioritized(_Happened):
    type: Literal["priority"]
    to: Priority | None
    by: Id


class Promised(_Happened):
    type: Literal["sla"]
    policy: Id | None
    by: Id


class Moved(_Happened):
    type: Literal["status"]
    to: Status
    until: Instant | None = None
    by: Id


class Rated(_Happened):
    type: Literal["rating"]
    rating: Annotated[int, Field(ge=1, le=5)]
    comment: Words | None = ""


Entry = Said | HandedOff | Assigned | GivenToTeam | Labelled | Prioritized | Promised | Moved | Rated


# -- lines


class Agent(_Part):
    kind: Literal["agent"]
    external_id: Id
    name: GivenName
    email: GivenName
    role: Role = Role.AGENT


class Team(_Part):
    kind: Literal["team"]
    external_id: Id
    name: GivenName
    members: list[Id] = []


class Calendar(_Part):
    kind: Literal["calendar"]
    external_id: Id
    name: GivenName
    timezone: GivenName
    since: Instant
    week: Annotated[
        list[list[Annotated[list[Clock], Field(min_length=2, max_length=2)]]], Field(min_length=7, max_length=7)
    ]
    holidays: list[date] = []


class Inbox(_Part):
    kind: Literal["inbox"]
    external_id: Id
    name: GivenName
    channel: Channel
    calendar: Id | None = None
    members: list[Id] = []


class SlaPolicy(_Part):
    kind: Literal["sla_policy"]
    external_id: Id
    name: GivenName
    first_response_seconds: Seconds | None = None
    next_response_seconds: Seconds | None = None
    resolution_seconds: Seconds | None = None
    business_time: bool = False
    pause_while: list[Literal["pending", "snoozed"]] = []


class Contact(_Part):
    kind: Literal["contact"]
    external_id: Id
    name: Name | None = ""
    email: Name | None = None
    phone: Name | None = None


class Conversation(_Part):
    kind: Literal["conversation"]
    external_id: Id
    inbox: Id
    contact: Id
    created_at: Instant
    timeline: list[Annotated[Entry, Field(discriminator="type")]] = []


Line = Agent | Team | Calendar | Inbox | SlaPolicy | Contact | Conversation
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def read(line: bytes) -> Line:
    """The line. Invalid, with the place in it and what is wrong there, when it is none or contradicts itself."""
    if len(line) > LINE_LIMIT_BYTES:
        raise Invalid("", _("This line is too long."))
    try:
        found = _LINE.validate_json(line.removeprefix(b"\xef\xbb\xbf"))
    except Refusal as refusal:
        raise Invalid("", _reason(refusal)) from None
    # seldom, and only then worth a walk through all of it
    if b"\\u0000" in line and _holds_nul(json.loads(line)):
        raise Invalid("", _("This text holds characters that cannot be stored."))
    if isinstance(found, Conversation):
        _check(found)
    return found


def _check(found: Conversation) -> None:
    """What a shape cannot say of a timeline."""
    before = found.created_at
    for place, entry in enumerate(found.timeline, start=1):
        if entry.moment < before:
            raise Invalid("", _("timeline %(place)s: it is earlier than what stands before it.", place=place))
        before = entry.moment
        match entry:
            case Said():
                _check_sender(entry, place)
            case Moved(to=status, until=until) if until is not None and status != Status.SNOOZED:
                raise Invalid("", _("timeline %(place)s: only a snooze has “until”.", place=place))


def _check_sender(said: Said, place: int) -> None:
    is_customer = said.sender.kind == "contact"
    if is_customer != (said.direction == "incoming"):
        raise Invalid(
            "", _("timeline %(place)s: contacts write incoming messages, all others outgoing ones.", place=place)
        )
    if is_customer and said.private:
        raise Invalid("", _("timeline %(place)s: a contact's message is never private.", place=place))
    if (said.sender.kind == "agent") != (said.sender.id is not None):
        raise Invalid("", _("timeline %(place)s: an agent, and nobody else, is named by “id”.", place=place))


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_nul, value.values()))
    return any(map(_holds_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\x00" in value


def stamp(moment: datetime) -> str:
    """For the database, in whatever zone it came: turning all of them would take a tenth of an import's time."""
    return moment.isoformat()


# -- in words


def _reason(refusal: Refusal) -> str:
    """The first thing wrong with the line, for a person with an editor."""
    error = refusal.errors(include_url=False, include_input=False)[0]
    kind, context = error["type"], error.get("ctx", {})
    *_where, key = error["loc"] or ("",)
    where = _place(error["loc"])
    if kind == "extra_forbidden":
        return _place(error["loc"][:-1], _("there is no key “%(key)s”.", key=key))
    if kind == "missing":
        return _place(error["loc"][:-1], _("“%(key)s” is missing.", key=key))
    if kind == "json_invalid":
        return _("This is not JSON.")
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        named = str(context.get("discriminator", "")).strip("'")
        wanted = str(context.get("expected_tags", ""))
        if not wanted:
            return _place(error["loc"], _("“%(key)s” is missing.", key=named))
        return _place((*error["loc"], named), _("it must be one of %(wanted)s.", wanted=wanted))
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return _place(error["loc"], _("it must be an object."))
    if kind in {"enum", "literal_error"}:
        return f"{where}: " + _("it must be one of %(wanted)s.", wanted=context.get("expected", ""))
    if kind.startswith(("datetime", "timezone")) or kind == "time":
        return f"{where}: " + _("it must be a time with a zone, such as 2026-03-02T04:55:00Z.")
    if kind.startswith("date"):
        return f"{where}: " + _("it must be a day, such as 2026-03-02.")
    if kind == "string_type":
        return f"{where}: " + _("it must be text.")
    if kind == "string_too_short":
        return f"{where}: " + _("it must not be empty.")
    if kind == "string_too_long":
        return f"{where}: " + _("it is too long.")
    if kind == "string_pattern_mismatch":
        return f"{where}: " + _("it must be a time of day, such as 09:00 or 24:00.")
    return f"{where}: " + _("it cannot be this.")


def _place(where: tuple[str | int, ...], words: str = "") -> str:
    """`timeline 3: sent_at`: positions from 1, without the names of kinds that stand in between."""
    said: list[str] = []
    for before, part in zip(("", *where), where, strict=False):
        if isinstance(part, int) and said:
            said[-1] = f"{said[-1]} {part + 1}"
        elif part not in _KINDS or not (before == "" or isinstance(before, int)):
            said.append(str(part))
    return ": ".join([*said, words] if words else said)


_KINDS = {
    "agent", "team", "calendar", "inbox", "sla_policy", "contact", "conversation",
    "message", "handoff", "assignee", "label", "priority", "sla", "status", "rating",
}  # fmt: skip
