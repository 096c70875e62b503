"""What the log says happened in a conversation, in a sentence, in the reader's language."""

from dataclasses import dataclass
from datetime import datetime

from app.conversations.models import Priority, Status
from app.conversations.queries import Row
from app.events import log
from app.i18n import N_, _, format_moment
from app.users.models import User
from app.users.queries import team_name

NAMES = frozenset({
    "conversation.created", "conversation.status_changed", "conversation.bot_handoff", "conversation.priority_changed",
    "conversation.labels_changed", "conversation.muted", "conversation.unmuted", "assignee.changed", "team.changed",
    "csat.answered", "sla.breached", "contact.merged",
})  # fmt: skip

STATUS_NAMES = {
    Status.OPEN: N_("Open"),
    Status.PENDING: N_("Pending"),
    Status.SNOOZED: N_("Snoozed"),
    Status.RESOLVED: N_("Resolved"),
}
PRIORITY_NAMES = {
    Priority.URGENT: N_("Urgent"),
    Priority.HIGH: N_("High"),
    Priority.MEDIUM: N_("Medium"),
    Priority.LOW: N_("Low"),
}
TARGET_NAMES = {
    "first_response": N_("first response"),
    "next_response": N_("next response"),
    "resolution": N_("resolution"),
}
_ICONS = {
    "conversation.created": "message-plus",
    "conversation.bot_handoff": "arrow-right",
    "conversation.priority_changed": "flag",
    "conversation.labels_changed": "tag",
    "conversation.muted": "bell-off",
    "conversation.unmuted": "bell",
    "assignee.changed": "user-check",
    "team.changed": "users-group",
    "csat.answered": "star",
    "sla.breached": "alert-triangle",
}
_STATUS_ICONS = {"resolved": "circle-check", "open": "circle", "pending": "circle-half-2", "snoozed": "alarm"}


@dataclass(frozen=True)
class Activity:
    """A small line in the thread."""

    seq: int
    icon: str
    words: str
    moment: datetime
    kind: str = "activity"


def told(event: log.Event, row: Row, people: dict[int, User]) -> Activity | None:
    """The line for this event; None when it needs none."""
    if event.name not in NAMES:
        return None
    words = _sentence(event, row, people)
    if words is None:
        return None
    icon = _ICONS.get(event.name, _STATUS_ICONS.get(event.data["status"], "circle"))
    return Activity(event.seq, icon, words, event.occurred_at)


def who(actor: str, row: Row, people: dict[int, User]) -> str:
    """The name of whoever the log says did it."""
    kind, _sep, identifier = actor.partition(":")
    if kind == "user":
        person = people.get(int(identifier))
        return person.available_name if person else _("Former agent")
    names = {"contact": row.contact.name or _("the customer"), "captain": _("Captain"), "automation": _("Automation")}
    return names.get(kind, "Kulpunai")


def _sentence(event: log.Event, row: Row, people: dict[int, User]) -> str | None:
    by = who(event.actor, row, people)
    data = event.data
    match event.name:
        case "conversation.created":
            return _("Conversation began · %(inbox)s", inbox=row.inbox.name)
        case "conversation.status_changed":
            return _status(event, by)
        case "conversation.bot_handoff":
            return _("Handed over to people · %(who)s", who=by)
        case "conversation.priority_changed":
            level = _(PRIORITY_NAMES[Priority(data["priority"])]) if data["priority"] else _("none")
            return _("Priority: %(level)s · %(who)s", level=level.lower(), who=by)
        case "conversation.labels_changed":
            marks = [f"+{title}" for title in data["added"]] + [f"−{title}" for title in data["removed"]]
            return _("Labels: %(labels)s · %(who)s", labels=" ".join(marks), who=by)
        case "conversation.muted":
            return _("Muted · %(who)s", who=by)
        case "conversation.unmuted":
            return _("No longer muted · %(who)s", who=by)
        case "assignee.changed":
            return _assignee(event, by, people)
        case "team.changed":
            name = team_name(event.account_id, data["team_id"])
            return _("Team: %(name)s · %(who)s", name=name, who=by) if name else _("No team · %(who)s", who=by)
        case "csat.answered":
            return _("Rated %(rating)s of 5", rating=data["rating"])
        case "sla.breached":
            return _("SLA missed: %(target)s", target=_(TARGET_NAMES[data["target"]]))
    return None


def _status(event: log.Event, by: str) -> str:
    match event.data["status"]:
        case Status.RESOLVED:
            return _("Resolved · %(who)s", who=by)
        case Status.PENDING if event.data["held_by"]:
            return _("Captain answers · %(who)s", who=by)
        case Status.PENDING:
            return _("Waiting for the customer · %(who)s", who=by)
        case Status.SNOOZED if event.data["snoozed_until"]:
            moment = format_moment(datetime.fromisoformat(event.data["snoozed_until"]))
            return _("Snoozed until %(moment)s · %(who)s", moment=moment, who=by)
        case Status.SNOOZED:
            return _("Snoozed until the customer replies · %(who)s", who=by)
    return _("Open again · %(who)s", who=by)


def _assignee(event: log.Event, by: str, people: dict[int, User]) -> str:
    person = people.get(event.data["assignee_id"] or 0)
    if person is None:
        return _("Nobody assigned · %(who)s", who=by)
    if event.actor == person.actor:
        return _("Taken · %(who)s", who=by)
    return _("Assigned to %(name)s · %(who)s", name=person.available_name, who=by)
