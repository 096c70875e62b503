"""Settings: channels, labels, one's own profile, the account."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from flask import g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.calendars import actions as calendar_actions
from app.calendars import queries as calendar_queries
from app.channels.registry import adapter
from app.config import settings as installation
from app.database import across_accounts
from app.doors import own_account, viewer
from app.errors import ChannelError, Invalid, NotFound, Problem
from app.i18n import LOCALES, _
from app.inboxes import actions as inbox_actions
from app.inboxes import queries as inbox_queries
from app.inboxes.models import Channel, Inbox
from app.labels import actions as label_actions
from app.policies import policy
from app.presence.actions import beat
from app.security import is_password
from app.sla.queries import policies as sla_policies
from app.users import actions as user_actions
from app.users import queries as people
from app.users.models import Availability, User
from app.workspace.blueprint import bp, done

_FLAGS = ("greeting_enabled", "csat_enabled", "lock_to_single_conversation", "is_captain_on")


@bp.get("/settings")
@policy("agent")
def settings() -> ResponseReturnValue:
    """Administrators begin with the channels, agents with themselves."""
    return redirect("/settings/inboxes" if viewer().is_administrator else "/settings/profile")


@bp.get("/settings/inboxes")
@policy("administrator")
def inboxes() -> ResponseReturnValue:
    """All channels."""
    with own_account():
        found = inbox_queries.inboxes(viewer().account_id)
        members = {inbox.id: inbox_queries.member_ids(inbox.account_id, inbox.id) for inbox in found}
        names = {user.id: user.available_name for user, _member in people.agents(viewer().account_id)}
    return render_template("workspace/settings/inboxes.html", inboxes=found, members=members, names=names)


@bp.get("/settings/inboxes/new")
@policy("administrator")
def new_inbox() -> ResponseReturnValue:
    """Which channel?"""
    return render_template("workspace/settings/new_inbox.html", channels=Channel, problem=None, values={})


@bp.post("/settings/inboxes")
@policy("administrator")
def create_inbox() -> ResponseReturnValue:
    """A new channel; its creator is its first member. Telegram is connected before anything is kept."""
    channel = request.form.get("channel", "")
    if channel not in set(Channel):
        raise Invalid("channel", _("Choose a channel."))
    try:
        inbox = _create(Channel(channel))
    except (Invalid, ChannelError) as problem:
        page = render_template(
            "workspace/settings/new_inbox.html", channels=Channel, problem=problem, values=request.form
        )
        return page, 422
    return redirect(f"/settings/inboxes/{inbox.id}", 303)


@bp.get("/settings/inboxes/<int:inbox_id>")
@policy("administrator")
def inbox(inbox_id: int) -> ResponseReturnValue:
    """One channel."""
    return _inbox_page(inbox_id)


@bp.post("/settings/inboxes/<int:inbox_id>")
@policy("administrator")
def update_inbox(inbox_id: int) -> ResponseReturnValue:
    """Other settings for it."""
    form = request.form
    changes: dict[str, Any] = {
        name: form[name] for name in ("name", "greeting_message", "out_of_office_message") if name in form
    }
    changes |= {name: name in form for name in _FLAGS}
    changes["csat_labels"] = [label.strip() for label in form.get("csat_labels", "").split(",")][:50]
    changes["is_csat_unless_labelled"] = form.get("csat_rule") == "unless"
    changes["sla_policy_id"] = form.get("sla_policy_id", type=int)
    changes["settings"] = {name: form[name][:200] for name in ("widget_color", "welcome_title") if name in form}
    calendar_id = form.get("calendar_id", type=int)
    asked_members = {int(value) for value in form.getlist("members") if value.isdigit()}
    try:
        with own_account():
            found = inbox_queries.inbox(viewer().account_id, inbox_id)
            known = {user.id for user, _member in people.agents(viewer().account_id)}
            if changes["sla_policy_id"] and changes["sla_policy_id"] not in {
                p.id for p in sla_policies(viewer().account_id)
            }:
                raise Invalid("sla_policy_id", _("There is no such SLA policy."))
            chosen = calendar_queries.calendar(found.account_id, calendar_id) if calendar_id else None
            inbox_actions.update_inbox(found, by=viewer().user.actor, **changes)
            calendar_actions.assign(found, chosen, by=viewer().user.actor)
            inbox_actions.set_members(found, asked_members & known, by=viewer().user.actor)
    except Invalid as problem:
        asked = changes | {"calendar_id": calendar_id, "members": asked_members}
        return _inbox_page(inbox_id, problem, asked), 422
    return redirect(f"/settings/inboxes/{inbox_id}?saved=1", 303)


@bp.post("/settings/inboxes/<int:inbox_id>/connection")
@policy("administrator")
def connect_again(inbox_id: int) -> ResponseReturnValue:
    """Another token of the same bot, after BotFather gave one. Another bot knows other people: it needs another channel."""
    with own_account():
        found = inbox_queries.inbox(viewer().account_id, inbox_id)
        before = inbox_actions.channel_secrets(found)
    provider = adapter(found.channel)
    if provider is None:
        raise NotFound
    given = {"bot_token": request.form.get("bot_token", "").strip()[:200]}
    try:
        if given["bot_token"].partition(":")[0] != before["bot_token"].partition(":")[0]:
            raise Invalid("bot_token", _("This is another bot's token. Connect that bot as a channel of its own."))
        provider.connect(given, _hook_url(found))
    except (Invalid, ChannelError) as problem:
        return _inbox_page(inbox_id, problem), 422
    with own_account() as current:
        inbox_actions.set_channel_secrets(current.merge(found), given, by=viewer().user.actor)
    return redirect(f"/settings/inboxes/{inbox_id}?saved=1", 303)


@bp.post("/settings/inboxes/<int:inbox_id>/deletion")
@policy("administrator")
def delete_inbox(inbox_id: int) -> ResponseReturnValue:
    """Close it."""
    with own_account():
        inbox_actions.delete_inbox(inbox_queries.inbox(viewer().account_id, inbox_id), by=viewer().user.actor)
    return done("/settings/inboxes")


@bp.get("/settings/labels")
@policy("administrator")
def labels() -> ResponseReturnValue:
    """All labels."""
    return _labels_page()


@bp.post("/settings/labels")
@policy("administrator")
def create_label() -> ResponseReturnValue:
    """One more."""
    form = request.form
    try:
        with own_account():
            fields = {"color": form.get("color") or "#1f93ff", "description": form.get("description", "")}
            label_actions.create_label(viewer().account_id, form.get("title", ""), by=viewer().user.actor, **fields)
    except Invalid as problem:
        return _labels_page(problem), 422
    return redirect("/settings/labels", 303)


@bp.post("/settings/labels/<int:label_id>/deletion")
@policy("administrator")
def delete_label(label_id: int) -> ResponseReturnValue:
    """Off the list."""
    with own_account():
        label_actions.delete_label(label_actions.label(viewer().account_id, label_id), by=viewer().user.actor)
    return done("/settings/labels")


@bp.get("/settings/profile")
@policy("agent")
def profile() -> ResponseReturnValue:
    """Oneself."""
    return _profile_page()


@bp.post("/settings/profile")
@policy("agent")
def update_profile() -> ResponseReturnValue:
    """Name, language, looks."""
    form = request.form
    looks = {
        name: form[name]
        for name in ("theme", "density")
        if form.get(name) in {"system", "light", "dark", "comfortable", "compact"}
    }
    fields = {name: form[name] for name in ("name", "display_name", "message_signature", "locale") if name in form}
    try:
        with across_accounts() as current:
            user_actions.update_profile(current.get_one(User, viewer().user.id), **fields, ui_settings=looks)
    except Invalid as problem:
        return _profile_page(problem), 422
    return redirect("/settings/profile?saved=1", 303)


@bp.post("/settings/password")
@policy("agent")
def change_password() -> ResponseReturnValue:
    """A new password; every session ends, this one too."""
    try:
        with across_accounts() as current:
            user = current.get_one(User, viewer().user.id)
            if not is_password(user.password_hash, request.form.get("current", "")[:1000]):
                raise Invalid("current", _("This is not your password."))
            user_actions.set_password(user, request.form.get("password", ""))
    except Invalid as problem:
        return _profile_page(problem), 422
    return redirect("/sign-in", 303)


@bp.post("/profile/availability")
@policy("agent")
def set_availability() -> ResponseReturnValue:
    """Online, busy, offline."""
    value = request.form.get("availability", "")
    if value not in set(Availability):
        raise Invalid("availability", _("There is no such state."))
    with own_account():
        member = people.agent(viewer().account_id, viewer().user.id)[1]
        user_actions.set_availability(member, Availability(value), by=viewer().user.actor)
        beat(member)
    return done(request.referrer if (request.referrer or "").startswith(request.host_url) else "/")


def _create(channel: Channel) -> Inbox:
    secrets: dict[str, str] = {}
    name = request.form.get("name", "")
    if channel == Channel.TELEGRAM:
        secrets = {"bot_token": request.form.get("bot_token", "").strip()[:200]}
    with own_account():
        inbox = inbox_actions.create_inbox(
            viewer().account_id,
            channel,
            name,
            by=viewer().user.actor,
            channel_secrets=secrets,
        )
        inbox_actions.set_members(inbox, {viewer().user.id}, by=viewer().user.actor)
    provider = adapter(channel)
    if provider is None:
        return inbox
    try:
        # outside of any transaction: it asks the provider
        account_name = provider.connect(secrets, _hook_url(inbox))
    except ChannelError:
        with own_account() as current:
            inbox_actions.delete_inbox(current.merge(inbox), by="system")
        raise
    with own_account() as current:
        inbox_actions.update_inbox(
            current.merge(inbox), by=viewer().user.actor, settings={"account_name": account_name}
        )
    return inbox


def _hook_url(inbox: Inbox) -> str:
    """Where the channel's provider calls us."""
    return f"{installation().public_url}/hooks/{inbox.channel}/{inbox.key}"


def _inbox_page(inbox_id: int, problem: Problem | None = None, asked: dict[str, Any] | None = None) -> str:
    """asked: what a form held that was refused, shown again in the place of what is kept."""
    with own_account():
        found = inbox_queries.inbox(viewer().account_id, inbox_id)
        fields = {**found.model_dump(), "members": inbox_queries.member_ids(found.account_id, found.id)}
        agents = [user for user, _member in people.agents(viewer().account_id)]
        policies = sla_policies(viewer().account_id)
        calendars = calendar_queries.calendars(viewer().account_id)
        hmac_token = inbox_actions.channel_secrets(found).get("hmac_token", "")
    provider = adapter(found.channel)
    trouble = None
    if provider is not None:
        with own_account():
            secrets = inbox_actions.channel_secrets(found)
        try:
            trouble = provider.check(secrets, _hook_url(found))
        except ChannelError as refusal:
            trouble = refusal.reason
    if asked:
        fields |= {**asked, "settings": found.settings | asked["settings"]}
    context: dict[str, Any] = {"inbox": SimpleNamespace(**fields), "heading": found.name, "agents": agents}
    context |= {"calendars": calendars, "policies": policies, "trouble": trouble}
    return render_template("workspace/settings/inbox.html", problem=problem, hmac_token=hmac_token, **context)


def _labels_page(problem: Invalid | None = None) -> str:
    with own_account():
        found = label_actions.labels(viewer().account_id)
    return render_template("workspace/settings/labels.html", labels=found, problem=problem, values=_written(problem))


def _profile_page(problem: Invalid | None = None) -> str:
    context = {"user": g.user, "locales": LOCALES, "values": _written(problem)}
    return render_template("workspace/settings/profile.html", problem=problem, **context)


def _written(problem: Problem | None) -> Mapping[str, str]:
    """What stood in a form that was refused, so that nobody writes it twice."""
    return request.form if problem else {}
