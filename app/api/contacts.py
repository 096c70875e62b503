"""Contacts."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app import security
from app.api.door import bp, change
from app.api.inboxes import visible
from app.api.params import Params, params
from app.contacts import actions, queries, wire
from app.contacts.models import Contact, ContactInbox
from app.conversations import queries as conversation_queries
from app.conversations import wire as conversation_wire
from app.doors import own_account, viewer
from app.erasure.actions import erase
from app.errors import Invalid
from app.i18n import _
from app.inboxes import queries as inbox_queries
from app.inboxes import wire as inbox_wire
from app.inboxes.models import Channel, Inbox
from app.policies import policy
from app.users import queries as user_queries

AT = "/api/v1/accounts/<int:account_id>/contacts"
ONE = f"{AT}/<int:contact_id>"
PAGE = 15
TEXTS = ("name", "email", "phone_number", "identifier")
RECORDS = ("additional_attributes", "custom_attributes")


@bp.get(AT)
@policy("api_agent")
def list_contacts(account_id: int) -> ResponseReturnValue:
    """15 a page, in the order of `sort`."""
    return _page(params(), "")


@bp.get(f"{AT}/search")
@policy("api_agent")
def search_contacts(account_id: int) -> ResponseReturnValue:
    """Those with `q` in name, e-mail or phone."""
    sent = params()
    words = sent.text("q")
    if not words:
        raise Invalid("q", _("Say in q what to look for."))
    return _page(sent, words)


@bp.get(ONE)
@policy("api_agent")
def show_contact(account_id: int, contact_id: int) -> ResponseReturnValue:
    """The contact, with the inboxes that know him."""
    with own_account():
        return jsonify(payload=_one(queries.contact(account_id, contact_id)))


@bp.post(AT)
@policy("api_agent")
def create_contact(account_id: int) -> ResponseReturnValue:
    """A new contact, known in `inbox_id` if one is named."""
    sent = params()
    inbox_id = sent.number("inbox_id")
    with own_account():
        inbox = visible(inbox_id) if inbox_id else None
        made = actions.create_contact(account_id, by=viewer().user.actor, **fields_of(sent, is_agent=True))
        identity = known_in(inbox, made, sent.text("source_id")) if inbox else None
        contact_inbox = {
            "inbox": inbox_wire.raw(inbox, inbox_queries.times(account_id, [inbox])[inbox.id]) if inbox else None,
            "source_id": identity.source_id if identity else None,
        }
        return jsonify(payload={"contact": _one(made), "contact_inbox": contact_inbox})


@change(ONE)
@policy("api_agent")
def update_contact(account_id: int, contact_id: int) -> ResponseReturnValue:
    """Change what is named; attributes are merged key by key."""
    sent = params("contact")
    with own_account():
        found = queries.contact(account_id, contact_id)
        actions.update_contact(found, by=viewer().user.actor, **fields_of(sent, is_agent=True))
        return jsonify(payload=_one(found))


@bp.delete(ONE)
@policy("api_administrator")
def delete_contact(account_id: int, contact_id: int) -> ResponseReturnValue:
    """Take him out of everything: see app/erasure."""
    with own_account():
        erase(queries.contact(account_id, contact_id), by=viewer().user.actor)
    return ""


@bp.get(f"{ONE}/labels")
@policy("api_agent")
def list_contact_labels(account_id: int, contact_id: int) -> ResponseReturnValue:
    """The labels he carries."""
    with own_account():
        return jsonify(payload=queries.contact(account_id, contact_id).labels)


@bp.post(f"{ONE}/labels")
@policy("api_agent")
def set_contact_labels(account_id: int, contact_id: int) -> ResponseReturnValue:
    """Let him carry exactly these labels."""
    labels = params().texts("labels")
    with own_account():
        found = queries.contact(account_id, contact_id)
        actions.set_labels(found, labels, by=viewer().user.actor)
    return jsonify(payload=found.labels)


@bp.get(f"{ONE}/conversations")
@policy("api_agent")
def list_contact_conversations(account_id: int, contact_id: int) -> ResponseReturnValue:
    """His conversations that the caller may see, newest first."""
    with own_account():
        found = queries.contact(account_id, contact_id)
        inbox_ids = conversation_queries.visible_inbox_ids(viewer().member)
        listed = conversation_queries.of_contact(account_id, found.id, inbox_ids=inbox_ids)
        cards = conversation_queries.cards(listed)
        mine = user_queries.team_ids(viewer().member) if any(card.row.team for card in cards) else set()
    return jsonify(payload=[conversation_wire.conversation(card, mine) for card in cards])


@bp.post(f"{ONE}/contact_inboxes")
@policy("api_agent")
def create_contact_inbox(account_id: int, contact_id: int) -> ResponseReturnValue:
    """Let an inbox know him, by `source_id` or by one that is made."""
    sent = params()
    with own_account():
        found = queries.contact(account_id, contact_id)
        inbox = visible(sent.number("inbox_id") or 0)
        identity = known_in(inbox, found, sent.text("source_id"), is_new=True)
    return jsonify(wire.contact_inbox(identity, inbox))


@bp.get(f"{ONE}/contactable_inboxes")
@policy("api_agent")
def list_contactable_inboxes(account_id: int, contact_id: int) -> ResponseReturnValue:
    """The inboxes in which he can be written to, and as whom."""
    with own_account():
        found = queries.contact(account_id, contact_id)
        known = {i.inbox_id: i.source_id for i in queries.identities(account_id, {found.id}).get(found.id, [])}
        inboxes = inbox_queries.visible_to(viewer().member)
    payload = [
        {"inbox": inbox_wire.slim(inbox), "source_id": known.get(inbox.id) or security.new_token()}
        for inbox in inboxes
        if inbox.id in known or inbox.channel == Channel.API
    ]
    return jsonify(payload=payload)


def fields_of(sent: Params, *, is_agent: bool) -> dict[str, Any]:
    """What is said of a contact, as his room's actions take it. Only agents block, and know more than the contact."""
    fields: dict[str, Any] = {name: sent.text(name) for name in TEXTS if name in sent}
    for name in RECORDS if is_agent else RECORDS[1:]:
        if name in sent:
            fields[name] = sent.record(name) or {}
    if is_agent and sent.flag("blocked") is not None:
        fields["is_blocked"] = sent.flag("blocked")
    return fields


def known_in(inbox: Inbox, contact: Contact, source_id: str, *, is_new: bool = False) -> ContactInbox:
    """How the inbox knows the contact: by `source_id`, as before, or, in website and API inboxes, by a new name."""
    if not source_id and not is_new:
        mine = queries.identities(inbox.account_id, {contact.id}).get(contact.id, [])
        known = [identity for identity in mine if identity.inbox_id == inbox.id]
        if known:
            return known[-1]
    if inbox.channel not in {Channel.WEBSITE, Channel.API}:
        known_as = queries.contact_inbox(inbox.account_id, inbox.id, source_id) if source_id else None
        if known_as is None or known_as.contact_id != contact.id:
            raise Invalid("source_id", _("In this inbox the contact has to write first."))
        return known_as
    return actions.attach(contact, inbox, source_id or security.new_token())


def _page(sent: Params, words: str) -> ResponseReturnValue:
    account_id, sort = viewer().account_id, sent.text("sort") or "-last_activity_at"
    if sort.removeprefix("-") not in queries.ORDERS:
        raise Invalid("sort", _("There is no such order."))
    if sort.endswith("_at"):
        # on the wire a minus turns times round, in the house the newest come first
        sort = sort[1:] if sort.startswith("-") else f"-{sort}"
    with own_account():
        count = queries.count(account_id, words)
        found = queries.page(account_id, limit=PAGE, offset=(sent.page() - 1) * PAGE, words=words, sort=sort)
        known = _identities(found) if sent.flag("include_contact_inboxes") is not False else {}
    payload = [wire.contact(contact, known.get(contact.id)) for contact in found]
    return jsonify(meta={"count": count, "current_page": sent.get("page", 1)}, payload=payload)


def _one(found: Contact) -> dict[str, Any]:
    return wire.contact(found, _identities([found])[found.id])


def _identities(found: list[Contact]) -> dict[int, list[wire.Identity]]:
    """The inboxes that know each contact, as far as the caller may look into them: two queries."""
    if not found:
        return {}
    inboxes = {inbox.id: inbox for inbox in inbox_queries.visible_to(viewer().member)}
    known = queries.identities(viewer().account_id, {contact.id for contact in found})
    return {
        contact.id: [(i, inboxes[i.inbox_id]) for i in known.get(contact.id, []) if i.inbox_id in inboxes]
        for contact in found
    }
