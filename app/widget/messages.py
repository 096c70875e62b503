"""What is said, in both directions."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app import limits
from app.clock import now
from app.contacts.actions import identify
from app.contacts.identity import BY, tell
from app.contacts.models import ContactInbox
from app.conversations import actions, queries
from app.conversations.actions import Writing
from app.conversations.models import Conversation, Message, MessageType, Status
from app.errors import Invalid, NotFound
from app.events.log import last_seq
from app.i18n import _
from app.policies import policy
from app.surveys import actions as surveys
from app.text import NAME_LIMIT, checked
from app.widget import given, wire
from app.widget.blueprint import api
from app.widget.visitor import Visitor, visitor
from app.wire import epoch

PAGE = 20
PAGE_AFTER = 100


@api.get("/messages")
@policy("visitor")
def list_messages() -> ResponseReturnValue:
    """His messages and ours, over all his conversations: the newest 20, 20 `before` an id, or 100 `after` one.

    meta.seq is where the live stream begins; read first, so that nothing falls between the two.
    """
    asking, before, after = visitor(), given.cursor("before"), given.cursor("after")
    with asking.own_account():
        seq, place = last_seq(asking.inbox.account_id), asking.identity()
        if place is None:
            return jsonify({"payload": [], "meta": {"seq": seq}})
        conversations = queries.of_contact_inbox(place.account_id, place.id, 1)
        found = queries.thread_of_visitor(place, before=before, after=after, limit=PAGE_AFTER if after else PAGE)
        meta: dict[str, Any] = {"seq": seq, "unread_count": sum(queries.unread_by_visitor(place).values())}
        if conversations:
            meta["conversation"] = wire.conversation(conversations[0])
            meta["contact_last_seen_at"] = epoch(conversations[0].contact_last_seen_at)
        return jsonify({"payload": told(found), "meta": meta})


@api.post("/messages")
@policy("visitor")
def create_message() -> ResponseReturnValue:
    """He writes. The same `echo_id` again gives the message that is there."""
    message, conversation = write(visitor(), given.body())
    with visitor().own_account():
        return jsonify({**told([message], conversation)[0], "conversation_id": conversation.display_id})


@api.route(f"/messages/<int(max={given.BIGGEST}):message_id>", methods=["PATCH", "PUT"])
@policy("visitor")
def answer_message(message_id: int) -> ResponseReturnValue:
    """He fills in a form of ours: rates the conversation, leaves his e-mail, answers a question."""
    asking, body = visitor(), given.body()
    with asking.own_account():
        place = asking.identity()
        message = _asked(place, message_id)
        assert place is not None
        _fill_in(place, message, body)
        return jsonify(told([message])[0])


def write(asking: Visitor, body: dict[str, Any], *, is_new_wanted: bool = False) -> tuple[Message, Conversation]:
    """His message, in the conversation where it belongs. is_new_wanted: a resolved one is not taken up again."""
    given_message = given.part(body, "message")
    content = checked("content", given_message.get("content", body.get("content")))
    echo_id = checked("echo_id", given_message.get("echo_id", body.get("echo_id")), 200) or None
    reply_to = given_message.get("reply_to")
    spend(asking)
    stored, names = given.uploads(asking.inbox.account_id)
    if not content and not stored:
        raise Invalid("content", _("Write something, or attach a file."))
    with asking.own_account():
        place = identify(asking.inbox, asking.source_id, by=BY)
        known = queries.by_client_id(place, echo_id) if echo_id else None
        if known is not None:
            return known, queries.locked(known.account_id, known.conversation_id)
        conversation = conversation_for(asking, place, body, is_new_wanted=is_new_wanted)
        writing = Writing(content, echo_id, stored, names, in_reply_to_id=_replied_to(place, reply_to))
        return actions.write_incoming(conversation, place.contact_id, writing), conversation


def conversation_for(
    asking: Visitor, place: ContactInbox, body: dict[str, Any], *, is_new_wanted: bool
) -> Conversation:
    """Where his next message belongs: the conversation under way, or a new one."""
    by = actions.by_contact(place.contact_id).actor
    story = _story(given.part(body, "message"))
    last = queries.of_contact_inbox(place.account_id, place.id, 1)
    if is_new_wanted and last and last[0].status == Status.RESOLVED:
        return actions.start(asking.inbox, place, by=by, additional_attributes=story)
    return actions.current_for(asking.inbox, place, by=by, additional_attributes=story)


def spend(asking: Visitor) -> None:
    """Room for a person who types fast and for an office behind one address; none for a machine. Before a transaction."""
    inbox_id, address = asking.inbox.id, request.remote_addr
    limits.spend(f"widget.message:{inbox_id}:{asking.source_id}", 60, 60)
    limits.spend(f"widget.message:{inbox_id}:{address}", 60, 1200)
    with asking.own_account():
        place = asking.identity()
        last = queries.of_contact_inbox(place.account_id, place.id, 1) if place else []
    if not last or last[0].status == Status.RESOLVED:
        limits.spend(f"widget.conversation:{inbox_id}:{asking.source_id}", 3600, 20)
        limits.spend(f"widget.conversation:{inbox_id}:{address}", 3600, 300)


def told(found: list[Message], conversation: Conversation | None = None) -> list[dict[str, Any]]:
    """The messages in JSON. Inside a transaction."""
    numbers = {conversation.id: conversation.display_id} if conversation else queries.display_ids(found)
    return wire.thread(found, numbers)


def _story(message: dict[str, Any]) -> dict[str, Any]:
    """Where the conversation began: the page, the browser, its languages and its clock."""
    return {
        "referer": checked("referer_url", message.get("referer_url"), 2048),
        "initiated_at": {"timestamp": checked("timestamp", message.get("timestamp"), 100) or now().isoformat()},
        "browser": {"user_agent": request.user_agent.string[:500]},
        "browser_language": str(request.accept_languages.best or "")[:20],
    }


def _replied_to(place: ContactInbox, reply_to: object) -> int | None:
    """The id of the message he quotes, if it is one that he can see."""
    text = str(reply_to)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        return None
    return int(text) if queries.is_before_visitor(place, int(text)) else None


def _asked(place: ContactInbox | None, message_id: int) -> Message:
    """The message of ours that he answers in place. NotFound when it is not before his eyes."""
    if place is None or not queries.is_before_visitor(place, message_id):
        raise NotFound(_("There is no such message."))
    message = queries.message(place.account_id, message_id)
    if message.message_type == MessageType.INCOMING:
        raise NotFound(_("There is no such message."))
    return message


def _fill_in(place: ContactInbox, message: Message, body: dict[str, Any]) -> None:
    by = actions.by_contact(place.contact_id).actor
    filled = given.part(body, "message")
    if message.content_type == "input_csat":
        rated = given.part(given.part(filled, "submitted_values"), "csat_survey_response")
        survey = surveys.of_message(message.account_id, message.id)
        surveys.answer(survey, rated.get("rating"), rated.get("feedback_message"))
    elif message.content_type == "input_email":
        email = checked("email", given.part(body, "contact").get("email"), NAME_LIMIT, required=True).lower()
        tell(place, {"email": email})
        actions.change_content_attributes(message, {"submitted_email": email}, by=by)
    else:
        values = _values(filled.get("submitted_values"))
        actions.change_content_attributes(message, {"submitted_values": values}, by=by)


def _values(value: object) -> list[dict[str, Any]]:
    """What a form or a choice of ours was answered with: [{name, title, value}]."""
    if not isinstance(value, list) or not value or len(value) > given.KEYS_LIMIT:
        raise Invalid("submitted_values", _("Answers are a list."))
    wrapped = [given.attributes({"submitted_values": entry}, "submitted_values") for entry in value]
    return [{key: entry[key] for key in ("name", "title", "value") if key in entry} for entry in wrapped]
