"""Every event there is: its name and what its data always holds. A name not in here cannot be recorded.

Names are Chatwoot's where it has one on the wire. All events of a conversation carry `CONVERSATION`, those of a message
`MESSAGE` as well: the small values of that moment, so that a reader can tell the story without asking the present.
"""

from dataclasses import dataclass

CONVERSATION = frozenset(
    {
        "conversation_id",
        "display_id",
        "inbox_id",
        "contact_id",
        "status",
        "held_by",
        "assignee_id",
        "team_id",
        "labels",
        "priority",
    }
)
MESSAGE = CONVERSATION | {"message_id", "message_type", "is_private", "sender_type", "sender_id", "version"}
DRAFT = CONVERSATION | {"draft_id", "message_id", "confidence"}
SUGGESTION = CONVERSATION | {"suggestion_id", "kind", "message_id", "user_id", "confidence"}


@dataclass(frozen=True)
class Entry:
    """What an event's data holds at least, and whether every open workspace is told of it."""

    data: frozenset[str]
    is_live: bool = True


def _conversation(*more: str) -> Entry:
    return Entry(CONVERSATION | set(more))


def _message(*more: str) -> Entry:
    return Entry(MESSAGE | set(more))


def _quiet(*data: str) -> Entry:
    return Entry(frozenset(data), is_live=False)


CATALOG: dict[str, Entry] = {
    # conversations
    "conversation.created": _conversation(),
    "conversation.status_changed": _conversation("status_change", "snoozed_until"),
    "conversation.bot_handoff": _conversation("reason"),
    "conversation.priority_changed": _conversation("priority_change"),
    "conversation.labels_changed": _conversation("added", "removed"),
    "conversation.attributes_changed": _conversation("keys"),
    "conversation.contact_changed": _conversation("contact_change"),
    "conversation.muted": _conversation(),
    "conversation.unmuted": _conversation(),
    "conversation.read": _conversation("message_id"),
    "conversation.contact_read": _conversation("message_id"),
    "conversation.focused": Entry(CONVERSATION | {"user_id"}, is_live=False),
    "conversation.unfocused": Entry(CONVERSATION | {"user_id"}, is_live=False),
    "assignee.changed": _conversation("assignee_change"),
    "team.changed": _conversation("team_change"),
    # messages
    "message.created": _message(),
    "message.updated": _message("changed"),
    "message.deleted": _message(),
    "message.sent": _message(),
    "message.delivered": _message(),
    "message.read": _message(),
    "message.failed": _message("permanent"),
    "message.unknown": _message(),
    # agreements and judgement
    "sla.applied": _conversation("sla_policy_id"),
    "sla.removed": _conversation("sla_policy_id"),
    "sla.warned": _conversation("sla_policy_id", "target", "percent", "due_at"),
    "sla.breached": _conversation("sla_policy_id", "target", "due_at"),
    "sla.met": _conversation("sla_policy_id", "target", "due_at"),
    "csat.sent": _conversation("survey_id", "resolver_id"),
    "csat.reviewed": _conversation("survey_id"),
    "csat.answered": _conversation("survey_id", "rating", "resolver_id"),
    # Captain
    "captain.retrieved": _conversation("message_id", "article_ids", "scores"),
    "captain.drafted": Entry(DRAFT),
    "captain.abstained": _conversation("message_id", "confidence", "reason"),
    "captain.draft_accepted": Entry(DRAFT | {"edit_distance"}),
    "captain.draft_edited": Entry(DRAFT | {"edit_distance"}),
    "captain.draft_rejected": Entry(DRAFT),
    "captain.replied": _conversation("message_id", "reply_id", "kind", "confidence", "article_ids", "assistant_id"),
    "captain.feedback": _conversation("message_id", "is_helpful"),
    "captain.confirmed": _conversation("message_id"),
    "captain.suggested": Entry(SUGGESTION | {"shown"}),
    "captain.suggestion_used": Entry(SUGGESTION),
    "captain.suggestion_edited": Entry(SUGGESTION | {"edit_distance"}),
    "captain.suggestion_dismissed": Entry(SUGGESTION),
    "assistant.versioned": _quiet("assistant_id", "version", "mode", "accepted_error", "inbox_ids"),
    "assistant.deleted": _quiet("assistant_id"),
    "source.added": _quiet("source_id", "assistant_id", "kind"),
    "source.read": _quiet("source_id", "assistant_id", "kind", "state"),
    "source.removed": _quiet("source_id", "assistant_id", "kind"),
    "document.decided": _quiet("document_id", "assistant_id", "kind", "state"),
    "trial.started": _quiet("trial_id", "assistant_id", "version"),
    # current, candidate: how often right, wrong, links, a person
    "trial.finished": _quiet("trial_id", "assistant_id", "questions", "objection", "current", "candidate"),
    # people
    "contact.created": Entry(frozenset({"contact_id"})),
    "contact.updated": Entry(frozenset({"contact_id", "changed"})),
    "contact.identified": Entry(frozenset({"contact_id", "inbox_id"})),
    "contact.merged": Entry(frozenset({"contact_id", "merged_contact_id"})),
    "contact.deleted": Entry(frozenset({"contact_id"})),
    "agent.invited": _quiet("user_id", "role"),
    "agent.added": _quiet("user_id", "role"),
    "agent.removed": _quiet("user_id"),
    "agent.role_changed": _quiet("user_id", "role_change"),
    "agent.availability_changed": Entry(frozenset({"user_id", "availability_change"})),
    "agent.presence_changed": _quiet("user_id", "presence"),
    "session.started": _quiet("user_id"),
    "session.revoked": _quiet("user_id"),
    # set-up, versioned so that any number can be recomputed as it was known
    "account.created": _quiet("name"),
    "account.updated": _quiet("changed"),
    "account.exported": _quiet("with_personal_data"),
    "inbox.created": _quiet("inbox_id", "channel"),
    "inbox.updated": _quiet("inbox_id", "changed"),
    "inbox.deleted": _quiet("inbox_id"),
    "inbox.members_changed": _quiet("inbox_id", "added", "removed"),
    "team.created": _quiet("team_id"),
    "team.updated": _quiet("team_id", "changed"),
    "team.deleted": _quiet("team_id"),
    "team.members_changed": _quiet("team_id", "added", "removed"),
    "label.created": _quiet("label_id"),
    "label.updated": _quiet("label_id", "changed"),
    "label.deleted": _quiet("label_id"),
    "shortcut.created": _quiet("canned_response_id"),
    "shortcut.updated": _quiet("canned_response_id"),
    "shortcut.deleted": _quiet("canned_response_id"),
    "sla_policy.versioned": _quiet("sla_policy_id", "version", "targets"),
    "calendar.versioned": _quiet("calendar_id", "name", "version", "since", "timezone", "week", "holidays"),
    "calendar.assigned": _quiet("calendar_id", "inbox_id", "team_id"),
    # help center
    "portal.created": _quiet("portal_id"),
    "portal.updated": _quiet("portal_id", "changed"),
    "category.created": _quiet("category_id"),
    "category.updated": _quiet("category_id", "changed"),
    "article.created": _quiet("article_id", "status"),
    "article.updated": _quiet("article_id", "changed"),
    "article.published": _quiet("article_id"),
    "article.unpublished": _quiet("article_id", "status"),
    "article.viewed": _quiet("article_id"),
    "article.voted": _quiet("article_id", "is_helpful"),
    "article.searched": _quiet("portal_id", "locale", "hits"),
    "captain.answered": _quiet("portal_id", "article_ids", "confidence"),
    "captain.declined": _quiet("portal_id", "confidence"),
    "captain.answer_rated": _quiet("portal_id", "article_ids", "is_helpful"),
}
