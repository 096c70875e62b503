"""The stream that keeps open workspaces true: the account's log, what colleagues look at, who types."""

import time

from flask import Response, request
from flask.typing import ResponseReturnValue

from app import realtime
from app.conversations import queries
from app.database import across_accounts, transaction
from app.doors import COOKIE, own_account, viewer
from app.events.log import Event
from app.policies import policy
from app.presence.actions import beat, look, turn_away
from app.users import tokens
from app.users.models import Purpose
from app.users.queries import membership
from app.workspace.blueprint import bp


@bp.get("/live")
@policy("agent")
def live() -> ResponseReturnValue:
    """Server-sent events from `Last-Event-ID`, or from `after` when the page has just been made."""
    after = request.headers.get("Last-Event-ID", type=int) or request.args.get("after", 0, type=int)
    watcher = _Watcher(request.cookies.get(COOKIE, ""))
    watcher.beat()
    stream = realtime.subscribe(watcher.account_id, after, watcher.may_hear, watcher.is_still_here, watcher.hears)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response(stream, mimetype="text/event-stream", headers=headers)


@bp.post("/conversations/<int:display_id>/presence")
@policy("agent")
def presence(display_id: int) -> ResponseReturnValue:
    """I look at it, or write in it: told to colleagues. `active` where there was a sign of me lately."""
    doing = "typing" if request.form.get("typing") else "viewing"
    if request.form.get("left"):
        doing = "left"
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
        if doing == "left":
            turn_away(viewer().member, found)
        elif doing == "typing" or request.form.get("active"):
            look(viewer().member, found)
    user = viewer().user
    realtime.whisper(
        viewer().account_id,
        "presence",
        display_id=display_id,
        inbox_id=found.inbox_id,
        conversation_id=found.id,
        user_id=user.id,
        name=user.available_name,
        doing=doing,
        is_private=request.form.get("kind") == "note",
    )
    return "", 204


# When this process heard of somebody last; presence waits much longer before it takes him for gone
BEAT_SECONDS = 20.0
_heard_of: dict[tuple[int, int], float] = {}


class _Watcher:
    """What this viewer may hear; asked again whenever his place in the account may have changed."""

    def __init__(self, cookie: str) -> None:
        self._cookie = cookie
        self._viewer = viewer()
        self.account_id = self._viewer.account_id
        self._inbox_ids = self._visible()

    def may_hear(self, event: Event) -> bool:
        if event.name in {"inbox.members_changed", "agent.role_changed", "agent.removed"}:
            self._inbox_ids = self._visible()
        inbox_id = event.data.get("inbox_id")
        return inbox_id is None or self._inbox_ids is None or inbox_id in self._inbox_ids

    def hears(self, whisper: realtime.Whisper) -> bool:
        inbox_id = whisper.data.get("inbox_id")
        is_mine = whisper.data.get("user_id") == self._viewer.user.id
        return not is_mine and (self._inbox_ids is None or inbox_id in self._inbox_ids)

    def is_still_here(self) -> bool:
        """Whether the session still holds and he still works here."""
        with across_accounts():
            holder = tokens.bearer(Purpose.SESSION, self._cookie)
            is_here = holder is not None and membership(self.account_id, self._viewer.user.id) is not None
        self._inbox_ids = self._visible() if is_here else ()
        if is_here:
            self.beat()
        return is_here

    def beat(self) -> None:
        """He is here: for who answers how long, and for colleagues. Ten open tabs say it once."""
        who, moment = (self.account_id, self._viewer.user.id), time.monotonic()
        if moment - _heard_of.get(who, -BEAT_SECONDS) < BEAT_SECONDS:
            return
        _heard_of[who] = moment
        with transaction(self.account_id):
            member = membership(self.account_id, self._viewer.user.id)
            if member is not None:
                beat(member)

    def _visible(self) -> tuple[int, ...] | None:
        with transaction(self.account_id):
            member = membership(self.account_id, self._viewer.user.id)
            return () if member is None else queries.visible_inbox_ids(member)
