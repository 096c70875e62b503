"""What a card must know before anybody writes: how it looks, who answers, when, and what it may offer."""

from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app.calendars.hours import is_open, opens_after
from app.clock import now
from app.config import settings
from app.contacts import queries as contacts
from app.conversations.queries import usual_wait_seconds
from app.i18n import locale
from app.inboxes.models import Inbox
from app.inboxes.queries import Times, hours, member_ids, times
from app.inboxes.wire import working_hours
from app.policies import policy
from app.users.models import Availability
from app.users.queries import agents
from app.widget import wire
from app.widget.blueprint import api
from app.widget.colour import accent
from app.widget.visitor import HEADER, Visitor, Website, known_source, new_source, token, visitor, website
from app.wire import NO_PICTURE

FORM_FIELDS = ("name", "email", "phone")
FACES = 3
# Up to here an answer comes "within a few minutes", "within a few hours", as in card.js
SOON_SECONDS, HOURS_SECONDS = 300, 14_400


@api.post("/config")
@policy("visitor")
def configuration() -> ResponseReturnValue:
    """The inbox as Chatwoot's card wants it, with a token: the one that came along if it is good, else a new one."""
    place = website()
    source_id = known_source(request.headers.get(HEADER, ""), place.inbox) or new_source()
    asking = Visitor(place.inbox, place.account, source_id)
    with asking.own_account():
        identity = asking.identity()
        contact = contacts.contact(identity.account_id, identity.contact_id) if identity else None
        kept = times(place.inbox.account_id, [place.inbox])[place.inbox.id]
        wait_seconds = usual_wait_seconds(place.inbox)
    about = {
        **wire.contact(contact),
        "name": contact.name if contact else "",
        "email": contact.email if contact else None,
        "phone_number": contact.phone_number if contact else None,
        "pubsub_token": identity.pubsub_token if identity else None,
    }
    channel = _channel(place, kept, token(place.inbox, source_id))
    channel["reply_time"] = _reply_time(place.inbox, wait_seconds)
    return jsonify({"website_channel_config": channel, "contact": about, "global_config": {}})


@api.get("/inbox_members")
@policy("visitor")
def inbox_members() -> ResponseReturnValue:
    """Who answers here."""
    asking = visitor()
    with asking.own_account():
        return jsonify({"payload": team(asking.inbox)})


@api.get("/campaigns")
@policy("visitor")
def campaigns() -> ResponseReturnValue:
    """Nothing is said to visitors unasked."""
    website()
    return jsonify([])


@api.post("/events")
@policy("visitor")
def events() -> ResponseReturnValue:
    """What the card tells of itself; we do not follow visitors around."""
    visitor()
    return "", 204


def card(place: Website) -> dict[str, Any]:
    """What our own card needs, in the reader's language. Inside a transaction."""
    inbox, moment = place.inbox, now()
    staffed = hours(inbox)
    opens = opens_after(staffed, moment)
    people = team(inbox)
    return {
        "website_token": inbox.key,
        "name": _word(inbox, "website_name") or inbox.name,
        "accent": asdict(accent(inbox.settings.get("widget_color"))),
        "welcome_title": _word(inbox, "welcome_title"),
        "welcome_tagline": _word(inbox, "welcome_tagline"),
        "is_open": is_open(staffed, moment),
        "opens_at": opens.isoformat() if opens else None,
        "out_of_office_message": inbox.out_of_office_message,
        "wait_seconds": usual_wait_seconds(inbox),
        "team": people[:FACES],
        "is_somebody_online": any(person["availability_status"] == Availability.ONLINE for person in people),
        "form": form(inbox),
        "may_attach": _flag(inbox, "attachments"),
        "may_end": bool(inbox.settings.get("end_conversation", True)),
        "may_continue_resolved": inbox.allow_messages_after_resolved or inbox.lock_to_single_conversation,
        "upload_limit_mb": settings().upload_limit_mb,
        "locale": locale(),
    }


def team(inbox: Inbox) -> list[dict[str, Any]]:
    """The inbox's members, those online first."""
    ids = member_ids(inbox.account_id, inbox.id)
    mine = [(user, member) for user, member in agents(inbox.account_id) if user.id in ids]
    mine.sort(key=lambda pair: pair[1].availability != Availability.ONLINE)
    return [wire.agent(user, member.availability) for user, member in mine]


def form(inbox: Inbox) -> list[dict[str, Any]]:
    """What is asked before the first message: [{name, is_required}], empty when nothing is.

    settings["pre_chat_form"] = {"enabled": true, "fields": ["name", "email", "phone"], "required": true | ["email"]}
    """
    wanted = inbox.settings.get("pre_chat_form")
    if not isinstance(wanted, dict) or not wanted.get("enabled"):
        return []
    fields, required = wanted.get("fields") or FORM_FIELDS, wanted.get("required", False)
    return [
        {"name": name, "is_required": name in required if isinstance(required, list) else bool(required)}
        for name in FORM_FIELDS
        if name in fields
    ]


def _channel(place: Website, kept: Times, auth_token: str) -> dict[str, Any]:
    inbox, moment = place.inbox, now()
    return {
        "account_id": inbox.account_id,
        "allow_messages_after_resolved": inbox.allow_messages_after_resolved,
        "api_host": settings().public_url,
        "auth_token": auth_token,
        "avatar_url": NO_PICTURE,
        "csat_survey_enabled": inbox.csat_enabled,
        "disable_branding": True,
        "enabled_features": [name for name in ("attachments", "emoji_picker") if _flag(inbox, name)]
        + (["end_conversation"] if inbox.settings.get("end_conversation", True) else []),
        "enabled_languages": [{"name": "Русский", "iso_639_1_code": "ru"}, {"name": "English", "iso_639_1_code": "en"}],
        "locale": place.account.locale,
        "out_of_office_message": inbox.out_of_office_message,
        "portal": None,
        "pre_chat_form_enabled": bool(form(inbox)),
        "pre_chat_form_options": inbox.settings.get("pre_chat_form") or {},
        "timezone": kept.timezone,
        "utc_off_set": _offset(moment.astimezone(ZoneInfo(kept.timezone)).strftime("%z")),
        "website_name": _word(inbox, "website_name") or inbox.name,
        "website_token": inbox.key,
        "welcome_tagline": _word(inbox, "welcome_tagline"),
        "welcome_title": _word(inbox, "welcome_title"),
        "widget_color": accent(inbox.settings.get("widget_color")).fill,
        "working_hours": working_hours(kept),
        "working_hours_enabled": kept.is_limited,
    }


def _reply_time(inbox: Inbox, wait_seconds: float | None) -> str:
    """How soon an answer comes, in one of Chatwoot's three words: as it has been lately, as in our own card; else what the
    inbox was set up to say."""
    if wait_seconds is None:
        return _word(inbox, "reply_time") or "in_a_day"
    minutes, hours = wait_seconds <= SOON_SECONDS, wait_seconds <= HOURS_SECONDS
    return "in_a_few_minutes" if minutes else "in_a_few_hours" if hours else "in_a_day"


def _offset(written: str) -> str:
    return f"{written[:3]}:{written[3:]}"


def _word(inbox: Inbox, name: str) -> str:
    return str(inbox.settings.get(name) or "")


def _flag(inbox: Inbox, name: str) -> bool:
    """A feature is on unless the inbox names those it wants, without this one."""
    return name in inbox.settings.get("features", ("attachments", "emoji_picker"))
