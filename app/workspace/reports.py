"""Reports: Streamlit's pages in a frame, opened by a signed word that is good for a minute and for one account."""

import secrets
from urllib.parse import urlencode

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app import security
from app.config import settings
from app.doors import viewer
from app.i18n import locale
from app.policies import policy
from app.workspace.blueprint import bp

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


def _page(name: str) -> str:
    """Its path at the dashboards; the overview is where one arrives."""
    return name if name.isalpha() and name.isascii() and name != "overview" else ""
