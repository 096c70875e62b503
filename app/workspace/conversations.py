"""Conversations: the list, the thread, the side pane, and every change of them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from app.assist.queries import draft_for
from app.clock import now
from app.conversations import actions, queries
from app.conversations.models import Conversation, Priority, Status
from app.database import session
from app.doors import own_account, viewer
from app.errors import Invalid
from app.help_center.queries import portals
from app.i18n import N_, _, to_zone
from app.inboxes import queries as inbox_queries
from app.inboxes.models import Channel
from app.inboxes.queries import member_ids
from app.labels.actions import labels
from app.policies import policy
from app.sla.queries import missed, policies, running
from app.users import queries as people
from app.users.models import User
from app.workspace.activity import PRIORITY_NAMES, STATUS_NAMES, TARGET_NAMES, told
from app.workspace.blueprint import bp, done, newest, part, wants_part
from app.workspace.contacts import known_of
from app.workspace.copilot import shown
from app.workspace.suggestions import offered_hints, wishes
from app.workspace.thread import Day, thread

# Which conversations a list holds, as against the state that one of them is in
LISTED_NAMES = {
    Status.OPEN: N_("All open"),
    Status.PENDING: N_("All pending"),
    Status.SNOOZED: N_("All snoozed"),
    Status.RESOLVED: N_("All resolved"),
}
# So many lines of days a page asks anew at once
MOST_DAYS = 50
_PARAMETERS = ("status", "tab", "q", "inbox", "team", "label", "sla", "policy", "sort")


@bp.get("/")
@policy("agent")
def home() -> ResponseReturnValue:
    """Work begins with the conversations."""
    return redirect(url_for("workspace.conversations"))


@bp.get("/conversations")
@policy("agent")
def conversations() -> ResponseReturnValue:
    """The list alone; its rows for scripts that scroll."""
    with own_account():
        if request.args.get("before"):
            return part(render_template("workspace/conversations/_rows.html", **_list()))
        context = _list() | {"row": None, "seq": newest()}
        context["steps"] = [] if context["items"] else _first_steps()
        return render_template("workspace/conversations/page.html", **context)


@bp.get("/conversations/list")
@policy("agent")
def conversation_list() -> ResponseReturnValue:
    """The list pane alone, as it is now."""
    with own_account():
        return part(render_template("workspace/conversations/_list.html", **_list(), row=None))


@bp.get("/conversations/counts")
@policy("agent")
def conversation_counts() -> ResponseReturnValue:
    """The tabs with their counts."""
    with own_account():
        wanted = _filter()
        context = {"counts": queries.counts(wanted), "filter": wanted, "parameters": _parameters()}
        return part(render_template("workspace/conversations/_tabs.html", **context))


@bp.get("/conversations/<int:display_id>")
@policy("agent")
def conversation(display_id: int) -> ResponseReturnValue:
    """The whole page, or the thread and the side pane for a script that has the list already. Looking marks as seen."""
    with own_account():
        seq = newest()
        found = queries.visible_to(viewer().member, display_id, lock=True)
        row = queries.row(found)
        unread_since = found.agent_last_seen_at if found.unread_count else None
        context = {"row": row, "seq": seq, **_pane(row, unread_since), **_sides(row)}
        actions.mark_seen(found, viewer().user)
        if wants_part():
            return part(render_template("workspace/conversations/_pane.html", **context))
        return render_template("workspace/conversations/page.html", **(_list() | context))


@bp.get("/conversations/<int:display_id>/row")
@policy("agent")
def conversation_row(display_id: int) -> ResponseReturnValue:
    """The row of the list, if it belongs there now; nothing otherwise."""
    with own_account():
        wanted = _filter()
        found = queries.visible_to(viewer().member, display_id)
        if not queries.belongs(wanted, found):
            return "", 204
        context = {
            "row": None,
            "item": queries.row(found),
            "colors": _colors(),
            "parameters": _parameters(),
            "now": now(),
        }
        return part(render_template("workspace/conversations/_row.html", **context))


@bp.get("/conversations/<int:display_id>/head")
@policy("agent")
def conversation_head(display_id: int) -> ResponseReturnValue:
    """The head of the thread, as it is now."""
    with own_account():
        row = queries.row(queries.visible_to(viewer().member, display_id))
        return part(render_template("workspace/conversations/_head.html", row=row, **_sides(row)))


@bp.get("/conversations/<int:display_id>/side")
@policy("agent")
def conversation_side(display_id: int) -> ResponseReturnValue:
    """The side pane, as it is now."""
    with own_account():
        row = queries.row(queries.visible_to(viewer().member, display_id))
        return part(render_template("workspace/conversations/_about.html", row=row, assist=None, **_sides(row)))


@bp.get("/conversations/<int:display_id>/older")
@policy("agent")
def older(display_id: int) -> ResponseReturnValue:
    """Earlier messages."""
    with own_account():
        row = queries.row(queries.visible_to(viewer().member, display_id))
        before = request.args.get("before", type=int)
        return part(render_template("workspace/conversations/_items.html", row=row, thread=thread(row, before=before)))


@bp.get("/conversations/<int:display_id>/activities/<int:seq>")
@policy("agent")
def activity(display_id: int, seq: int) -> ResponseReturnValue:
    """The line for one event of the log; nothing when it needs none."""
    from app.events.log import Event

    with own_account() as current:
        found = queries.visible_to(viewer().member, display_id)
        event = current.get(Event, (found.account_id, seq))
        if event is None or event.conversation_id != found.id:
            return "", 204
        ids = {int(event.actor[5:])} if event.actor.startswith("user:") else set()
        ids |= {event.data["assignee_id"]} if event.data.get("assignee_id") else set()
        line = told(event, queries.row(found), people.users(ids))
        if line is None:
            return "", 204
        return part(render_template("workspace/conversations/_activity.html", item=line))


@bp.get("/days")
@policy("agent")
def day_lines() -> ResponseReturnValue:
    """The lines above these days, `on`, in a thread: as they are called now, for a page that has seen a midnight."""
    try:
        days = [Day(date.fromisoformat(on)) for on in request.args.getlist("on")[:MOST_DAYS]]
    except ValueError:
        raise Invalid("on", _("This is not a date.")) from None
    with own_account():
        return part("".join(render_template("workspace/conversations/_day.html", item=day) for day in days))


@bp.post("/conversations/<int:display_id>/resolution")
@policy("agent")
def resolve(display_id: int) -> ResponseReturnValue:
    """Done."""
    return _change(display_id, lambda c, by: actions.resolve(c, by=by))


@bp.delete("/conversations/<int:display_id>/resolution")
@bp.post("/conversations/<int:display_id>/reopening")
@policy("agent")
def reopen(display_id: int) -> ResponseReturnValue:
    """Not done after all."""
    return _change(display_id, lambda c, by: actions.reopen(c, by=by))


@bp.post("/conversations/<int:display_id>/waiting")
@policy("agent")
def wait(display_id: int) -> ResponseReturnValue:
    """Now it is the customer's turn."""
    return _change(display_id, lambda c, by: actions.wait_for_customer(c, by=by))


@bp.post("/conversations/<int:display_id>/snooze")
@policy("agent")
def snooze(display_id: int) -> ResponseReturnValue:
    """Out of sight for a while."""
    until = _until(request.form.get("until", ""))
    return _change(display_id, lambda c, by: actions.snooze(c, until, by=by))


@bp.post("/conversations/<int:display_id>/mute")
@policy("agent")
def mute(display_id: int) -> ResponseReturnValue:
    """Quiet, or no longer."""
    return _change(display_id, lambda c, by: actions.mute(c, not c.is_muted, by=by))


@bp.post("/conversations/<int:display_id>/assignee")
@policy("agent")
def assign(display_id: int) -> ResponseReturnValue:
    """Somebody's, or nobody's. Only people who can see the inbox."""
    wanted = request.form.get("assignee_id", type=int)

    def change(found: Conversation, by: str) -> None:
        if wanted is not None and wanted not in {user.id for user in _assignable(found)}:
            raise Invalid("assignee_id", _("This person does not work in this inbox."))
        actions.assign(found, wanted, by=by)

    return _change(display_id, change)


@bp.post("/conversations/<int:display_id>/team")
@policy("agent")
def assign_team(display_id: int) -> ResponseReturnValue:
    """A team's, or none's."""
    wanted = request.form.get("team_id", type=int)
    return _change(
        display_id, lambda c, by: actions.assign_team(c, people.team(c.account_id, wanted) if wanted else None, by=by)
    )


@bp.post("/conversations/<int:display_id>/priority")
@policy("agent")
def set_priority(display_id: int) -> ResponseReturnValue:
    """How urgent."""
    value = request.form.get("priority", "")
    if value and value not in set(Priority):
        raise Invalid("priority", _("There is no such priority."))
    return _change(display_id, lambda c, by: actions.set_priority(c, Priority(value) if value else None, by=by))


@bp.post("/conversations/<int:display_id>/labels")
@policy("agent")
def change_labels(display_id: int) -> ResponseReturnValue:
    """One label more, or one less."""
    add, remove = request.form.get("add", "").strip().lower(), request.form.get("remove", "")

    def change(found: Conversation, by: str) -> None:
        wanted = (set(found.labels) | ({add} if add else set())) - {remove}
        actions.set_labels(found, sorted(wanted), by=by)

    return _change(display_id, change)


@bp.post("/conversations/<int:display_id>/unread")
@policy("agent")
def mark_unread(display_id: int) -> ResponseReturnValue:
    """Look at it again later."""
    return _change(display_id, lambda c, _by: actions.mark_unread(c, viewer().user))


@bp.post("/conversations/<int:display_id>/seen")
@policy("agent")
def mark_seen(display_id: int) -> ResponseReturnValue:
    """What came in while it was open has been seen."""
    return _change(display_id, lambda c, _by: actions.mark_seen(c, viewer().user))


def _change(display_id: int, change: Any) -> ResponseReturnValue:
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        change(found, viewer().user.actor)
    return done(url_for("workspace.conversation", display_id=display_id))


def _parameters() -> dict[str, str]:
    """The filter as it stands in the address, to be carried along."""
    return {name: request.args[name][:200] for name in _PARAMETERS if request.args.get(name)}


def _filter() -> queries.Filter:
    status = request.args.get("status", Status.OPEN)
    tab = request.args.get("tab", queries.Tab.ALL)
    if status not in {*Status, "all"} or tab not in set(queries.Tab):
        raise Invalid("status", _("There is no such list."))
    inbox_ids = queries.visible_inbox_ids(viewer().member)
    label = request.args.get("label", "")
    return queries.Filter(
        account_id=viewer().account_id,
        viewer_id=viewer().user.id,
        status=None if status == "all" else Status(status),
        tab=queries.Tab(tab),
        inbox_ids=inbox_ids,
        inbox_id=request.args.get("inbox", type=int),
        team_id=request.args.get("team", type=int),
        labels=(label,) if label else (),
        sla_policy_id=request.args.get("policy", type=int),
        promise=_promise(),
        words=request.args.get("q", "")[:200].replace("\x00", "").strip(),
    )


def _list() -> dict[str, Any]:
    wanted = _filter()
    stamp, _sep, identifier = request.args.get("before", "").partition("_")
    before = _cursor(stamp, identifier) if stamp else None
    found = queries.page(wanted, before=before, limit=queries.PAGE + 1, sort=_sort())
    shown = found[: queries.PAGE]
    last = shown[-1] if len(found) > queries.PAGE else None
    return {
        "items": queries.rows(shown),
        "counts": queries.counts(wanted) if not stamp else None,
        "more": f"{_place(last).timestamp()}_{last.id}" if last else None,
        "filter": wanted,
        "parameters": _parameters(),
        "colors": _colors(),
        "inboxes": inbox_queries.among(wanted.account_id, wanted.inbox_ids),
        "teams": people.teams(viewer().account_id),
        "listed": LISTED_NAMES,
        "policies": policies(viewer().account_id),
        "now": now(),
    }


def _sort() -> queries.Sort:
    return queries.Sort.DUE_ASC if request.args.get("sort") == "due" else queries.Sort.LAST_ACTIVITY_DESC


def _place(last: Conversation) -> datetime:
    """What the list is ordered by."""
    return last.sla_due_at or now() if _sort() == queries.Sort.DUE_ASC else last.last_activity_at


def _promise() -> queries.Promise | None:
    """Whose promises to show. In the order of due times there are only those that have one."""
    value = request.args.get("sla", "")
    if value in set(queries.Promise):
        return queries.Promise(value)
    return queries.Promise.DUE if _sort() == queries.Sort.DUE_ASC else None


def _cursor(stamp: str, identifier: str) -> tuple[datetime, int]:
    try:
        return datetime.fromtimestamp(float(stamp), tz=now().tzinfo), int(identifier)
    except (ValueError, OverflowError, OSError) as problem:
        raise Invalid("before", _("This place in the list does not exist.")) from problem


def _pane(row: queries.Row, unread_since: datetime | None) -> dict[str, Any]:
    found = row.conversation
    return {
        "thread": thread(row, unread_since=unread_since),
        "draft": draft_for(found),
        "written": queries.draft(found, viewer().user.id, is_private=False),
        "noted": queries.draft(found, viewer().user.id, is_private=True),
        "hints": offered_hints(row),
        "wishes": wishes(),
        "assist": shown(row) if request.args.get("side") == "captain" else None,
    }


def _sides(row: queries.Row | None) -> dict[str, Any]:
    """What the head and the side pane say besides the row itself."""
    if row is None:
        return {}
    found = row.conversation
    visible = queries.visible_inbox_ids(viewer().member)
    earlier = queries.of_contact(found.account_id, found.contact_id, inbox_ids=visible, limit=11)
    return {
        "colors": _colors(),
        **known_of(row.contact),
        "all_teams": people.teams(found.account_id),
        "assignable": _assignable(found),
        "earlier": queries.rows([other for other in earlier if other.id != found.id][:10]),
        "promises": running(found),
        "missed": missed(found),
        "sla_policies": policies(found.account_id),
        "priorities": PRIORITY_NAMES,
        "statuses": STATUS_NAMES,
        "targets": TARGET_NAMES,
        "snoozes": _snoozes(),
        "now": now(),
    }


@dataclass(frozen=True)
class Step:
    """One of the first things to do in a new account."""

    words: str
    hint: str
    address: str
    is_done: bool


def _first_steps() -> list[Step]:
    """What a new account still has to do, ticked from what is there; nothing once somebody has written."""
    account_id = viewer().account_id
    if not viewer().is_administrator or session().exec(select(col(Conversation.id)).limit(1)).first() is not None:
        return []
    inboxes = inbox_queries.inboxes(account_id)
    website = next((inbox for inbox in inboxes if inbox.channel == Channel.WEBSITE), None)
    return [
        Step(
            _("Connect a channel"), _("A chat on your site takes two minutes."), "/settings/inboxes/new", bool(inboxes)
        ),
        Step(
            _("Put the chat on your site and write to it"),
            _("One line of code; your first message appears here by itself."),
            f"/settings/inboxes/{website.id}" if website else "/settings/inboxes",
            False,
        ),
        Step(
            _("Invite your colleagues"), _("As many as you like."), "/settings/team", len(people.agents(account_id)) > 1
        ),
        Step(
            _("Open a help center"),
            _("It answers at any hour, and Captain drafts from it."),
            "/help-center",
            bool(portals(account_id)),
        ),
    ]


def _assignable(found: Conversation) -> list[User]:
    """Who may have it: the inbox's members and the administrators."""
    members = member_ids(found.account_id, found.inbox_id)
    return [
        user for user, member in people.agents(found.account_id) if user.id in members or member.role == "administrator"
    ]


def _colors() -> dict[str, str]:
    return {label.title: label.color for label in labels(viewer().account_id)}


def _snoozes() -> list[tuple[str, datetime]]:
    """The usual moments, on the reader's clock."""
    local = to_zone(now())
    morning = local.replace(hour=9, minute=0, second=0, microsecond=0)
    next_month = (morning.replace(day=1) + timedelta(days=32)).replace(day=1)
    return [
        (_("In an hour"), local + timedelta(hours=1)),
        (_("Tomorrow morning"), morning + timedelta(days=1)),
        (_("Next week"), morning + timedelta(days=7 - local.weekday())),
        (_("Next month"), next_month),
    ]


def _until(value: str) -> datetime | None:
    """A moment with its zone; without one, on the reader's clock. Nothing means: until the customer replies."""
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as problem:
        raise Invalid("until", _("This is not a date.")) from problem
    return moment if moment.tzinfo else moment.replace(tzinfo=to_zone(now()).tzinfo)
