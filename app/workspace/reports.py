"""Reports: Streamlit's pages in a frame, opened by a signed word that is good for a minute and for one account."""

import secrets
from typing import Any
from urllib.parse import urlencode

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue

from app import security
from app.accounts.models import Account, AccountStatus
from app.config import settings
from app.conversations import queries as conversations
from app.database import session, transaction
from app.doors import viewer
from app.errors import NotAllowed
from app.i18n import locale
from app.policies import policy
from app.surveys import queries as surveys
from app.users.models import AccountUser, Role
from app.users.queries import membership
from app.workspace.blueprint import bp

WORD_LIMIT = 100_000
# What a shared view says in its address
FILTERS = ("days", "from", "to", "compare", "inbox", "team", "agent", "label", "time", "attribution")


@bp.get("/reports")
@policy("agent")
def reports() -> ResponseReturnValue:
    """The frame."""
    user, account = viewer().user, viewer().account
    theme = user.ui_settings.get("theme", "system")
    word = security.dashboard_token(
        {
            "account_id": account.id,
            "account_name": account.name,
            "user_id": user.id,
            "role": viewer().member.role,
            "locale": locale(),
            "timezone": account.timezone,
            "theme": theme,
            "workspace_url": request.host_url.rstrip("/"),
            "nonce": secrets.token_urlsafe(12),
        }
    )
    shared = {name: request.args[name][:100] for name in FILTERS if name in request.args}
    query = {"embed": "true", "token": word} | shared | ({"embed_options": "dark_theme"} if theme == "dark" else {})
    url = f"{settings().dashboards_public_url}/{_page(request.args.get('page', ''))}?{urlencode(query)}"
    return render_template("workspace/reports/page.html", frame_url=url)


@bp.post("/reports/viewer")
@policy("public")
def viewer_now() -> ResponseReturnValue:
    """As what a viewer of the dashboards works here now, for them; 403 once he does no longer."""
    asked = security.dashboard_request(request.get_data(as_text=True)[:WORD_LIMIT])
    with transaction(asked["account_id"]):
        return jsonify(role=_member(asked).role)


@bp.post("/reports/ratings")
@policy("public")
def rating_words() -> ResponseReturnValue:
    """What stands beside ratings, for the dashboards: they bring no cookie, but a word signed for one viewer of theirs.

    A customer's words are kept in one place, where they can be erased. The viewer's rights are asked for anew each time:
    an agent reads what was said of him, where he may read the conversation.
    """
    asked = security.dashboard_request(request.get_data(as_text=True)[:WORD_LIMIT])
    with transaction(asked["account_id"]):
        member = _member(asked)
        is_administrator = member.role == Role.ADMINISTRATOR
        inbox_ids = conversations.visible_inbox_ids(member)
        told = [
            {"seq": event.seq, "rating": event.data["rating"], "comment": survey.comment}
            | ({"note": survey.review_note} if is_administrator else {})
            for event, survey in surveys.worded(asked["account_id"], asked["seqs"])
            if inbox_ids is None or (event.data["inbox_id"] in inbox_ids and survey.resolver_id == member.user_id)
        ]
    return jsonify(ratings=told)


def _member(asked: dict[str, Any]) -> AccountUser:
    member = membership(asked["account_id"], asked["user_id"])
    account = session().get(Account, asked["account_id"])
    if member is None or account is None or account.status != AccountStatus.ACTIVE:
        raise NotAllowed
    return member


def _page(name: str) -> str:
    """Its path at the dashboards; the overview is where one arrives."""
    return name if name.isalpha() and name.isascii() and name != "overview" else ""
