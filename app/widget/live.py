"""The visitor's stream: what happens in his conversations, from the log, replayed from where he was cut off.

The token comes in a header, so the card reads the stream with fetch(); an address that holds a token would be kept in logs.
"""

import json
from collections import Counter
from threading import Lock

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from app import realtime
from app.config import settings
from app.conversations import queries
from app.conversations.models import Conversation, MessageType
from app.database import session
from app.errors import NotFound, Problem
from app.events.log import Event
from app.i18n import _, locale, speaking
from app.policies import policy
from app.widget import wire
from app.widget.blueprint import pages, tell
from app.widget.given import BIGGEST
from app.widget.visitor import Visitor, visitor, website

MESSAGES = {"message.created", "message.updated", "message.deleted"}
CONVERSATIONS = {
    "conversation.created", "conversation.status_changed", "conversation.bot_handoff", "conversation.read",
    "conversation.contact_read",
}  # fmt: skip
SILENCE = ": \n\n"
STREAMS_OF_ONE = 6


@pages.get("/widget/live")
@policy("visitor")
def live() -> ResponseReturnValue:
    """Server-sent events after `Last-Event-ID`: message, conversation, typing, ping, reset."""
    try:
        listener = _Listener(visitor())
    except Problem as problem:
        return tell(problem)
    if not _seats.take(listener.place):
        return jsonify({"error": _("All places are taken just now.")}), 503, {"Retry-After": "60"}
    after = max(-BIGGEST, min(BIGGEST, request.headers.get("Last-Event-ID", 0, type=int)))
    stream = realtime.subscribe(
        listener.account_id, after, listener.may_hear, listener.is_still_here, listener.hears, listener.say
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = Response(stream, mimetype="text/event-stream", headers=headers)
    response.call_on_close(lambda: _seats.leave(listener.place))
    return response


class _Seats:
    """Each stream holds a thread: half of them stay free for answers. Who finds no seat asks every few seconds instead."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken: Counter[tuple[int, int]] = Counter()

    def take(self, place: tuple[int, int]) -> bool:
        """Whether there is one more, for this visitor and at all."""
        with self._lock:
            is_full = self._taken.total() >= settings().web_threads // 2
            if is_full or self._taken[place] >= STREAMS_OF_ONE:
                return False
            self._taken[place] += 1
            return True

    def leave(self, place: tuple[int, int]) -> None:
        with self._lock:
            self._taken[place] -= 1
            self._taken += Counter()  # forget the zeros


_seats = _Seats()


class _Listener:
    """One card. What it may hear is asked of the database for each event of its contact: tokens change, contacts merge."""

    def __init__(self, asking: Visitor) -> None:
        self._asking, self._locale = asking, locale()
        self.account_id, self._inbox_id = asking.inbox.account_id, asking.inbox.id
        with asking.own_account():
            place = asking.identity()
            if place is None:
                raise NotFound(_("This visitor is not known."))
            self._contact_id, self._place_id = place.contact_id, place.id
            self._conversation_ids = {found.id for found in queries.of_contact_inbox(self.account_id, place.id)}

    @property
    def place(self) -> tuple[int, int]:
        """Who listens."""
        return self.account_id, self._place_id

    def may_hear(self, event: Event) -> bool:
        data = event.data
        if event.name not in MESSAGES | CONVERSATIONS or data.get("inbox_id") != self._inbox_id:
            return False
        is_for_team = data.get("is_private") or data.get("message_type") == MessageType.ACTIVITY
        return data.get("contact_id") == self._contact_id and not is_for_team

    def hears(self, whisper: realtime.Whisper) -> bool:
        data = whisper.data
        is_typing = whisper.kind == "presence" and data.get("doing") in {"typing", "left"}
        return is_typing and not data.get("is_private") and data.get("conversation_id") in self._conversation_ids

    def is_still_here(self) -> bool:
        """Whether the token still names the same place in the same inbox."""
        return _is_open(self._asking) and self._is_in_place()

    def say(self, item: Event | realtime.Whisper) -> str:
        """The event as the visitor may know it, as it is now; silence when there is nothing left for him."""
        if isinstance(item, realtime.Whisper):
            return _event("typing", {"name": item.data.get("name", ""), "is_on": item.data["doing"] == "typing"})
        with self._asking.own_account(), speaking(self._locale):
            found = session().get(Conversation, (self.account_id, item.data["conversation_id"]))
            if found is None or found.contact_inbox_id != self._place_id or not self._names_place():
                return SILENCE
            self._conversation_ids.add(found.id)
            if item.name in CONVERSATIONS:
                return _event("conversation", wire.conversation(found), item.seq)
            message = queries.message(self.account_id, item.data["message_id"])
            return _event("message", wire.thread([message], {found.id: found.display_id})[0], item.seq)

    def _is_in_place(self) -> bool:
        with self._asking.own_account():
            return self._names_place()

    def _names_place(self) -> bool:
        place = self._asking.identity()
        return place is not None and place.id == self._place_id


def _is_open(asking: Visitor) -> bool:
    try:
        return website(asking.inbox.key).inbox.id == asking.inbox.id
    except Problem:
        return False


def _event(name: str, data: dict[str, object], seq: int | None = None) -> str:
    number = f"id: {seq}\n" if seq is not None else ""
    return f"{number}event: {name}\ndata: {json.dumps(data)}\n\n"
