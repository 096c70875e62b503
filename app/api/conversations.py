"""Conversations: lists, one of them, and what agents do with it."""

from collections.abc import Callable
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app import realtime
from app.api.agents import assignable
from app.api.contacts import known_in
from app.api.door import bp, change
from app.api.inboxes import visible
from app.api.messages import write
from app.api.params import Params, params, stored
from app.contacts import queries as contact_queries
from app.contacts.models import ContactInbox
from app.conversations import actions, queries, wire
from app.conversations.models import Conversation, Priority, Status
from app.conversations.queries import Filter, Sort, Tab
from app.doors import own_account, viewer
from app.errors import Invalid, NotFound
from app.i18n import _
from app.inboxes.models import Inbox
from app.policies import policy
from app.sla import actions as sla
from app.sla import queries as sla_queries
from app.users import queries as user_queries
from app.users import wire as user_wire
from app.wire import epoch, iso

AT = "/api/v1/accounts/<int:account_id>/conversations"
ONE = f"{AT}/<int:display_id>"
TABS = {"me": Tab.MINE, "unassigned": Tab.UNASSIGNED, "assigned": Tab.ASSIGNED, "all": Tab.ALL, "": Tab.ALL}
ATTACHMENTS_PER_PAGE = 100


# -- lists


@bp.get(AT)
@policy("api_agent")
def list_conversations(account_id: int) -> ResponseReturnValue:
    """25 a page, with the counts of each tab. A page beyond the end is empty."""
    sent = params()
    with own_account():
        wanted = _filter(sent)
        found = queries.page(wanted, offset=(sent.page() - 1) * queries.PAGE, sort=_sort(sent))
        return jsonify(data={"meta": _counts(wanted), "payload": _cards(found)})


@bp.get(f"{AT}/meta")
@policy("api_agent")
def count_conversations(account_id: int) -> ResponseReturnValue:
    """The counts alone."""
    with own_account():
        return jsonify(meta=_counts(_filter(params())))


@bp.get(f"{AT}/search")
@policy("api_agent")
def search_conversations(account_id: int) -> ResponseReturnValue:
    """Conversations of whatever status that have `q` in a message, or in the contact's name, e-mail or phone."""
    sent = params()
    words = sent.text("q", required=True)
    with own_account():
        wanted = _filter(sent, words)
        found = queries.page(wanted, offset=(sent.page() - 1) * queries.PAGE)
        return jsonify(meta=_counts(wanted), payload=_cards(found))


# -- one


@bp.get(ONE)
@policy("api_agent")
def show_conversation(account_id: int, display_id: int) -> ResponseReturnValue:
    """The conversation."""
    with own_account():
        return _show(_visible(display_id))


@bp.post(AT)
@policy("api_agent")
def create_conversation(account_id: int) -> ResponseReturnValue:
    """A new conversation with a contact in an inbox, by `inbox_id` and `contact_id` or by `source_id`; `message` begins it."""
    sent = params()
    first = sent.inner("message") if "message" in sent else None
    kept = stored(account_id, sent.uploads("message[attachments]"))
    with own_account():
        found = _start(sent)
        if first:
            write(found, first, kept)
        return _show(found)


@change(ONE)
@policy("api_agent")
def update_conversation(account_id: int, display_id: int) -> ResponseReturnValue:
    """Another priority or SLA policy."""
    sent = params()
    with own_account():
        found = _visible(display_id, lock=True)
        if "priority" in sent:
            actions.set_priority(found, _priority(sent), by=viewer().user.actor)
        if "sla_policy_id" in sent:
            policy_id = sent.number("sla_policy_id")
            sla.apply(found, sla_queries.policy(account_id, policy_id) if policy_id else None, by=viewer().user.actor)
        return _show(found)


@bp.post(f"{ONE}/toggle_status")
@policy("api_agent")
def toggle_status(account_id: int, display_id: int) -> ResponseReturnValue:
    """To `status`, or without one from open to resolved, and from all others to open."""
    sent = params()
    with own_account():
        found = _visible(display_id, lock=True)
        before, wanted = found.status, _status(sent)
        if wanted is None:
            wanted = Status.RESOLVED if found.status == Status.OPEN else Status.OPEN
        actions.change_status(found, wanted, by=viewer().user.actor, until=sent.moment("snoozed_until"))
        if wanted == Status.OPEN and before != Status.OPEN and not viewer().is_administrator:
            # who opens it means to answer it
            actions.assign(found, viewer().user.id, by=viewer().user.actor)
    payload = {
        "success": True,
        "conversation_id": found.display_id,
        "current_status": found.status,
        "snoozed_until": iso(found.snoozed_until),
    }
    return jsonify(meta={}, payload=payload)


@bp.post(f"{ONE}/toggle_priority")
@policy("api_agent")
def toggle_priority(account_id: int, display_id: int) -> ResponseReturnValue:
    """Another priority, or none."""
    return _change(display_id, lambda found, sent: actions.set_priority(found, _priority(sent), by=viewer().user.actor))


@bp.post(f"{ONE}/mute")
@policy("api_agent")
def mute(account_id: int, display_id: int) -> ResponseReturnValue:
    """No alerts about it."""
    return _change(display_id, lambda found, _sent: actions.mute(found, True, by=viewer().user.actor))


@bp.post(f"{ONE}/unmute")
@policy("api_agent")
def unmute(account_id: int, display_id: int) -> ResponseReturnValue:
    """Alerts again."""
    return _change(display_id, lambda found, _sent: actions.mute(found, False, by=viewer().user.actor))


@bp.post(f"{ONE}/assignments")
@policy("api_agent")
def assign(account_id: int, display_id: int) -> ResponseReturnValue:
    """To the agent `assignee_id`, or the team `team_id`; 0 or null takes it away. The answer is who has it now, or null."""
    sent = params()
    with own_account():
        found = _visible(display_id, lock=True)
        if "assignee_id" in sent:
            person = _assignee(account_id, found.inbox_id, sent.number("assignee_id"))
            actions.assign(found, person[0].id if person else None, by=viewer().user.actor)
            return jsonify(user_wire.agent(person) if person else None)
        if "team_id" not in sent:
            raise Invalid("assignee_id", _("Say assignee_id or team_id."))
        team_id = sent.number("team_id")
        team = user_queries.team(account_id, team_id) if team_id else None
        actions.assign_team(found, team, by=viewer().user.actor)
        return jsonify(user_wire.raw_team(team) if team else None)


@bp.get(f"{ONE}/labels")
@policy("api_agent")
def list_conversation_labels(account_id: int, display_id: int) -> ResponseReturnValue:
    """The labels it carries."""
    with own_account():
        return jsonify(payload=_visible(display_id).labels)


@bp.post(f"{ONE}/labels")
@policy("api_agent")
def set_conversation_labels(account_id: int, display_id: int) -> ResponseReturnValue:
    """Let it carry exactly these labels."""
    labels = params().texts("labels")
    with own_account():
        found = _visible(display_id, lock=True)
        actions.set_labels(found, labels, by=viewer().user.actor)
    return jsonify(payload=found.labels)


@bp.post(f"{ONE}/custom_attributes")
@policy("api_agent")
def set_custom_attributes(account_id: int, display_id: int) -> ResponseReturnValue:
    """Let it have exactly these attributes."""
    wanted = params().record("custom_attributes")
    if wanted is None:
        raise Invalid("custom_attributes", _("This must not be empty."))
    with own_account():
        found = _visible(display_id, lock=True)
        gone = dict.fromkeys(found.custom_attributes.keys() - wanted.keys())
        actions.set_custom_attributes(found, {**gone, **wanted}, by=viewer().user.actor)
    return jsonify(custom_attributes=found.custom_attributes)


@bp.post(f"{ONE}/update_last_seen")
@policy("api_agent")
def update_last_seen(account_id: int, display_id: int) -> ResponseReturnValue:
    """The caller has looked at it."""
    with own_account():
        found = _visible(display_id, lock=True)
        actions.mark_seen(found, viewer().user)
        return _show(found)


@bp.post(f"{ONE}/unread")
@policy("api_agent")
def mark_unread(account_id: int, display_id: int) -> ResponseReturnValue:
    """Unread again."""
    with own_account():
        found = _visible(display_id, lock=True)
        actions.mark_unread(found, viewer().user)
        return _show(found)


@bp.post(f"{ONE}/toggle_typing_status")
@policy("api_agent")
def toggle_typing_status(account_id: int, display_id: int) -> ResponseReturnValue:
    """The caller writes, or no longer; told to open screens and kept nowhere."""
    sent = params()
    with own_account():
        found = _visible(display_id)
    user = viewer().user
    realtime.whisper(
        account_id,
        "presence",
        display_id=found.display_id,
        inbox_id=found.inbox_id,
        conversation_id=found.id,
        user_id=user.id,
        name=user.available_name,
        doing="typing" if is_typing(sent) else "left",
        is_private=bool(sent.flag("is_private")),
    )
    return ""


@bp.get(f"{ONE}/attachments")
@policy("api_agent")
def list_conversation_attachments(account_id: int, display_id: int) -> ResponseReturnValue:
    """What was sent along in it, newest first."""
    page = params().page()
    with own_account():
        found = _visible(display_id)
        total, pairs = queries.attached(found, ATTACHMENTS_PER_PAGE, (page - 1) * ATTACHMENTS_PER_PAGE)
        known = queries.lines([message for _attachment, message in pairs])
    payload = [
        wire.attachment(attachment)
        | {"created_at": epoch(attachment.created_at), "sender": wire.sender(known[message.id])}
        for attachment, message in pairs
    ]
    return jsonify(meta={"total_count": total}, payload=payload)


# -- below


def is_typing(sent: Params) -> bool:
    """What `typing_status` says, on or off."""
    status = sent.text("typing_status", required=True)
    if status not in {"on", "off"}:
        raise Invalid("typing_status", _("Choose on or off."))
    return status == "on"


def _visible(display_id: int, *, lock: bool = False) -> Conversation:
    return queries.visible_to(viewer().member, display_id, lock=lock)


def _start(sent: Params) -> Conversation:
    inbox, identity = _identity(sent)
    if inbox.lock_to_single_conversation:
        earlier = queries.of_contact_inbox(inbox.account_id, identity.id, limit=1)
        if earlier:
            return earlier[0]
    status, team_id = _status(sent) or Status.OPEN, sent.number("team_id")
    assignee = _assignee(inbox.account_id, inbox.id, sent.number("assignee_id"))
    found = actions.start(
        inbox,
        identity,
        by=viewer().user.actor,
        status=Status.OPEN if status == Status.SNOOZED else status,
        assignee_id=assignee[0].id if assignee else None,
        team_id=user_queries.team(inbox.account_id, team_id, is_kept=True).id if team_id else None,
        additional_attributes=sent.record("additional_attributes"),
        custom_attributes=sent.record("custom_attributes"),
    )
    if status == Status.SNOOZED:
        actions.snooze(found, sent.moment("snoozed_until"), by=viewer().user.actor)
    return found


def _identity(sent: Params) -> tuple[Inbox, ContactInbox]:
    """Whom to talk with, and where; an identity is made where the channel lets us."""
    account_id, source_id = viewer().account_id, sent.text("source_id")
    inbox_id, contact_id = sent.number("inbox_id"), sent.number("contact_id")
    if inbox_id is None:
        if not source_id:
            raise Invalid("inbox_id", _("This must not be empty."))
        allowed = queries.visible_inbox_ids(viewer().member)
        known = [
            i for i in contact_queries.by_source(account_id, source_id) if allowed is None or i.inbox_id in allowed
        ]
        if not known:
            raise NotFound
        return visible(known[0].inbox_id), known[0]
    inbox = visible(inbox_id)
    identity = contact_queries.contact_inbox(account_id, inbox.id, source_id) if source_id else None
    if identity is None and contact_id is None:
        raise NotFound if source_id else Invalid("contact_id", _("This must not be empty."))
    if identity is None or contact_id is not None:
        identity = known_in(inbox, contact_queries.contact(account_id, contact_id or 0), source_id)
    return inbox, identity


def _show(found: Conversation) -> ResponseReturnValue:
    return jsonify(_cards([found])[0])


def _cards(found: list[Conversation]) -> list[dict[str, Any]]:
    cards = queries.cards(found)
    mine = user_queries.team_ids(viewer().member) if any(card.row.team for card in cards) else set()
    return [wire.conversation(card, mine) for card in cards]


def _change(display_id: int, do: Callable[[Conversation, Params], None]) -> ResponseReturnValue:
    sent = params()
    with own_account():
        do(_visible(display_id, lock=True), sent)
    return ""


def _counts(wanted: Filter) -> dict[str, int]:
    counted = queries.counts(wanted)
    return {
        "mine_count": counted.mine,
        "assigned_count": counted.assigned,
        "unassigned_count": counted.unassigned,
        "all_count": counted.all,
    }


def _filter(sent: Params, words: str | None = None) -> Filter:
    """What the list shows; with `words`, whatever has them in any status."""
    is_search, words = words is not None, words or sent.text("q")
    tab = sent.text("assignee_type")
    if tab not in TABS:
        raise Invalid("assignee_type", _("Choose me, unassigned, assigned or all."))
    return Filter(
        account_id=viewer().account_id,
        viewer_id=viewer().user.id,
        status=None if is_search or sent.get("status") == "all" else _status(sent) or Status.OPEN,
        tab=TABS[tab],
        inbox_ids=queries.visible_inbox_ids(viewer().member),
        inbox_id=sent.number("inbox_id"),
        team_id=sent.number("team_id"),
        labels=tuple(label.lower() for label in sent.texts("labels")),
        is_any_label_enough=True,
        words=words,
        heard_in=queries.holding(viewer().account_id, words) if words else (),
    )


def _sort(sent: Params) -> Sort:
    wanted = sent.text("sort_by") or Sort.LAST_ACTIVITY_DESC
    if wanted not in set(Sort):
        raise Invalid("sort_by", _("There is no such order."))
    return Sort(wanted)


def _status(sent: Params) -> Status | None:
    wanted = sent.text("status")
    if wanted and wanted not in set(Status):
        raise Invalid("status", _("Choose open, pending, snoozed or resolved."))
    return Status(wanted) if wanted else None


def _priority(sent: Params) -> Priority | None:
    wanted = sent.text("priority")
    if wanted in {"", "none", "nil"}:
        return None
    if wanted not in set(Priority):
        raise Invalid("priority", _("Choose low, medium, high, urgent or none."))
    return Priority(wanted)


def _assignee(account_id: int, inbox_id: int, assignee_id: int | None) -> user_queries.Person | None:
    if not assignee_id:
        return None
    user_queries.agent(account_id, assignee_id)
    for person in assignable(account_id, {inbox_id}):
        if person[0].id == assignee_id:
            return person
    raise Invalid("assignee_id", _("This agent does not answer in this inbox."))
