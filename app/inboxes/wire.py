"""An inbox in Chatwoot's JSON."""

from typing import Any

from app.config import settings
from app.inboxes.actions import channel_secrets
from app.inboxes.models import Channel, Inbox
from app.inboxes.queries import Times
from app.wire import NO_PICTURE, iso

CHANNEL_TYPES = {
    Channel.WEBSITE: "Channel::WebWidget",
    Channel.API: "Channel::Api",
    Channel.TELEGRAM: "Channel::Telegram",
}
WIDGET_FLAGS = ["attachments", "emoji_picker"]


def inbox(found: Inbox, times: Times, *, with_secrets: bool) -> dict[str, Any]:
    """The inbox with what its channel adds. `with_secrets`: an administrator reads it, who may see the HMAC token."""
    answer = _common(found, times) | _website(found)
    if found.channel == Channel.WEBSITE:
        form = found.settings.get("pre_chat_form")
        answer |= {
            "pre_chat_form_enabled": isinstance(form, dict) and bool(form.get("enabled")),
            "pre_chat_form_options": form or {},
            "continuity_via_email": False,
        }
    if found.channel == Channel.API:
        answer |= {
            "webhook_url": found.settings.get("webhook_url"),
            "inbox_identifier": found.key,
            "additional_attributes": found.settings.get("additional_attributes") or {},
        }
    if with_secrets and found.channel in {Channel.WEBSITE, Channel.API}:
        answer["hmac_token"] = channel_secrets(found).get("hmac_token")
    return answer


def slim(found: Inbox) -> dict[str, Any]:
    """What is said of an inbox beside something else."""
    return {
        "id": found.id,
        "avatar_url": NO_PICTURE,
        "channel_id": found.id,
        "name": found.name,
        "channel_type": channel_type(found),
        "provider": None,
    }


def raw(found: Inbox, times: Times) -> dict[str, Any]:
    """The inbox's row, as the answer to a new contact holds it."""
    return {
        "id": found.id,
        "channel_id": found.id,
        "account_id": found.account_id,
        "name": found.name,
        "created_at": iso(found.created_at),
        "updated_at": iso(found.created_at),
        "channel_type": channel_type(found),
        "enable_auto_assignment": False,
        "greeting_enabled": found.greeting_enabled,
        "greeting_message": found.greeting_message,
        "email_address": None,
        "working_hours_enabled": times.is_limited,
        "out_of_office_message": found.out_of_office_message or None,
        "timezone": times.timezone,
        "enable_email_collect": found.enable_email_collect,
        "csat_survey_enabled": found.csat_enabled,
        "allow_messages_after_resolved": found.allow_messages_after_resolved,
        "auto_assignment_config": {},
        "lock_to_single_conversation": found.lock_to_single_conversation,
        "portal_id": found.portal_id,
        "sender_name_type": "friendly",
        "business_name": None,
        "csat_config": {},
    }


def public(found: Inbox, times: Times) -> dict[str, Any]:
    """The inbox for those who write to it."""
    return {
        "identifier": found.key,
        "name": found.name,
        "timezone": times.timezone,
        "working_hours": working_hours(times),
        "working_hours_enabled": times.is_limited,
        "csat_survey_enabled": found.csat_enabled,
        "greeting_enabled": found.greeting_enabled,
        "identity_validation_enabled": bool(found.settings.get("hmac_mandatory", False)),
    }


def channel_type(found: Inbox) -> str:
    """The channel by Chatwoot's name."""
    return CHANNEL_TYPES[found.channel]


def working_hours(times: Times) -> list[dict[str, Any]]:
    """One entry a weekday, Sunday (0) first. Chatwoot knows one interval a day: of ours, from the first to the last minute."""
    return [_day(times, weekday) for weekday in range(7)]


def _day(times: Times, weekday: int) -> dict[str, Any]:
    intervals = times.week[(weekday - 1) % 7]
    opens, closes = (intervals[0][0], intervals[-1][1]) if intervals else (None, None)
    is_all_day = intervals == [["00:00", "24:00"]]
    open_hour, open_minutes = _clock(opens)
    close_hour, close_minutes = _clock("23:59" if closes == "24:00" else closes)
    return {
        "day_of_week": weekday,
        "closed_all_day": not intervals,
        "open_hour": open_hour,
        "open_minutes": open_minutes,
        "close_hour": close_hour,
        "close_minutes": close_minutes,
        "open_all_day": is_all_day,
    }


def _clock(text: str | None) -> tuple[int | None, int | None]:
    return (int(text[:2]), int(text[3:])) if text else (None, None)


def _common(found: Inbox, times: Times) -> dict[str, Any]:
    return {
        "id": found.id,
        "avatar_url": NO_PICTURE,
        "channel_id": found.id,
        "name": found.name,
        "channel_type": channel_type(found),
        "greeting_enabled": found.greeting_enabled,
        "greeting_message": found.greeting_message,
        "working_hours_enabled": times.is_limited,
        "enable_email_collect": found.enable_email_collect,
        "csat_survey_enabled": found.csat_enabled,
        "csat_config": {},
        "enable_auto_assignment": False,
        "auto_assignment_config": {},
        "out_of_office_message": found.out_of_office_message or None,
        "working_hours": working_hours(times),
        "timezone": times.timezone,
        "callback_webhook_url": None,
        "allow_messages_after_resolved": found.allow_messages_after_resolved,
        "lock_to_single_conversation": found.lock_to_single_conversation,
        "sender_name_type": "friendly",
        "business_name": None,
        "hmac_mandatory": bool(found.settings.get("hmac_mandatory", False)),
        "selected_feature_flags": _flags(found) if found.channel == Channel.WEBSITE else [],
        "messaging_service_sid": None,
        "phone_number": None,
        "provider": None,
    }


def _website(found: Inbox) -> dict[str, Any]:
    """The widget's fields; other channels have them too, empty."""
    is_website = found.channel == Channel.WEBSITE
    texts = ("allowed_domains", "widget_color", "website_url", "welcome_title", "welcome_tagline", "reply_time")
    answer = {name: found.settings.get(name, "") if is_website else None for name in texts}
    if isinstance(answer["allowed_domains"], list):
        answer["allowed_domains"] = ",".join(answer["allowed_domains"])
    answer["website_token"] = found.key if is_website else None
    answer["web_widget_script"] = _script(found) if is_website else None
    return answer


def _flags(found: Inbox) -> list[str]:
    ends = ["end_conversation"] if found.settings.get("end_conversation", True) else []
    return [*found.settings.get("features", WIDGET_FLAGS), *ends]


def _script(found: Inbox) -> str:
    """What a website puts before </body> to show the chat."""
    return f'<script async src="{settings().public_url}/widget.js" data-token="{found.key}"></script>'
