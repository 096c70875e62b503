"""An account in Chatwoot's JSON."""

from typing import Any

from app.accounts.models import Account
from app.wire import iso

# What an account can do here, by the names Chatwoot's clients ask for; what is not named is off
FEATURES = (
    "agent_management",
    "canned_responses",
    "captain_integration",
    "channel_website",
    "help_center",
    "inbox_management",
    "labels",
    "reports",
    "sla",
    "team_management",
)


def account(found: Account, cache_keys: dict[str, str]) -> dict[str, Any]:
    """The account itself. `cache_keys`: a word per list (label, inbox, team) that changes whenever the list does."""
    return {
        "settings": found.settings,
        "created_at": iso(found.created_at),
        "custom_attributes": {},
        "domain": found.domain,
        "features": dict.fromkeys(FEATURES, True),
        "id": found.id,
        "locale": found.locale,
        "name": found.name,
        "support_email": found.support_email,
        "status": found.status,
        "cache_keys": cache_keys,
        "latest_chatwoot_version": None,
    }
