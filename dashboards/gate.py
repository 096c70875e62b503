"""Who looks. The workspace signs a token for its user, good for one minute and one use; nobody else gets in.

The account and the role come from the token and live in the session on the server: nothing in an address can change them.
Whether they still hold, the workspace is asked now and then.
"""

import os
import threading
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.error import HTTPError

import streamlit as st
from itsdangerous import BadSignature, URLSafeTimedSerializer

from analytics.errors import Refused
from analytics.local_time import zone
from dashboards import workspace
from dashboards.words import say

SALT = "kulpunai.dashboards"
TOKEN = "token"  # noqa: S105  its name in the address
TOKEN_AGE_SECONDS = 60
# A page left open asks for a new token after this: somebody may have lost his rights meanwhile
SESSION_SECONDS = 3600
# … and a page that is used asks so often whether he may still look, and as what
RECHECK_SECONDS = 30
SHORTEST_KEY = 32

_spent: dict[str, float] = {}
_spending = threading.Lock()


@dataclass(frozen=True)
class Viewer:
    """Who looks, for which account, until when (seconds since 1970)."""

    account_id: int
    user_id: int
    is_administrator: bool
    locale: str
    theme: str
    timezone: str
    account_name: str
    until: float
    # where the workspace is, without a slash at the end
    workspace_url: str = ""


def viewer() -> Viewer:
    """Who looks at this session. Ends the run with a friendly sentence when nobody has been let in."""
    token = st.query_params.get(TOKEN)
    if token is not None:
        admitted = admit(token, os.environ.get("KULPUNAI_DASHBOARD_KEY", ""))
        if admitted is not None:
            st.session_state["viewer"], st.session_state["asked_at"] = admitted, time.time()
        del st.query_params[TOKEN]
    known = st.session_state.get("viewer")
    if isinstance(known, Viewer) and time.time() < known.until:
        known = _today(known)
        if known is not None:
            return known
    st.session_state.pop("viewer", None)
    _send_away(known)


def _today(known: Viewer) -> Viewer | None:
    """Him as he works here now; None once he does no longer. Where the workspace does not answer, as he came."""
    if time.time() - st.session_state["asked_at"] < RECHECK_SECONDS:
        return known
    st.session_state["asked_at"] = time.time()
    try:
        who = {"account_id": known.account_id, "user_id": known.user_id}
        role = workspace.ask(known.workspace_url, "/reports/viewer", **who)["role"]
    except HTTPError as refusal:
        return None if refusal.code == HTTPStatus.FORBIDDEN else known
    except (OSError, ValueError, KeyError):
        return known
    today = st.session_state["viewer"] = replace(known, is_administrator=role == "administrator")
    return today


def admit(token: str, key: str) -> Viewer | None:
    """Whom the token names, or None when it is forged, too old, used before, or makes no sense."""
    if len(key) < SHORTEST_KEY:
        return None
    try:
        claims = URLSafeTimedSerializer(key, salt=SALT).loads(token, max_age=TOKEN_AGE_SECONDS)
        admitted = _viewer_of(claims)
        nonce = str(claims["nonce"])
    except (BadSignature, KeyError, TypeError, ValueError, Refused):
        return None
    return admitted if nonce and _spend(nonce) else None


def _viewer_of(claims: dict[str, Any]) -> Viewer:
    zone(claims["timezone"])
    return Viewer(
        account_id=int(claims["account_id"]),
        user_id=int(claims["user_id"]),
        is_administrator=claims["role"] == "administrator",
        locale="ru" if claims["locale"] == "ru" else "en",
        theme="dark" if claims["theme"] == "dark" else "light",
        timezone=claims["timezone"],
        account_name=str(claims["account_name"]),
        until=time.time() + SESSION_SECONDS,
        workspace_url=str(claims.get("workspace_url", "")).rstrip("/"),
    )


def _spend(nonce: str) -> bool:
    """Whether this is the first time we see it."""
    now = time.time()
    with _spending:
        for old in [known for known, until in _spent.items() if until < now]:
            del _spent[old]
        if nonce in _spent:
            return False
        # a little longer than a token lives, so that none outlives our memory of it
        _spent[nonce] = now + 2 * TOKEN_AGE_SECONDS
        return True


def _send_away(known: object) -> NoReturn:
    sentence = "gate.expired" if isinstance(known, Viewer) else "gate.closed"
    locales = [known.locale] if isinstance(known, Viewer) else ["ru", "en"]
    for locale in locales:
        st.info(say(sentence, locale), icon=":material/lock:")
    st.stop()
