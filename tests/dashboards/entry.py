"""How one gets into the dashboards, and what is read there."""

import secrets
from pathlib import Path
from typing import Any

from itsdangerous import URLSafeTimedSerializer
from streamlit.testing.v1 import AppTest

from dashboards import gate

KEY = secrets.token_urlsafe(32)
APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"
ACME, GLOBEX, EMPTY, UNBUILT = 1, 2, 3, 4
AGENT = 7


def claims(**differing: Any) -> dict[str, Any]:
    usual = {
        "account_id": ACME,
        "user_id": AGENT,
        "role": "administrator",
        "locale": "ru",
        "theme": "light",
        "timezone": "Europe/Moscow",
        "account_name": "Acme",
        "nonce": secrets.token_hex(8),
    }
    return usual | differing


def token(key: str = KEY, salt: str = gate.SALT, **differing: Any) -> str:
    """What the workspace would sign."""
    return str(URLSafeTimedSerializer(key, salt=salt).dumps(claims(**differing)))


def said(page: AppTest) -> str:
    """Every word on the page."""
    blocks = (page.title, page.caption, page.markdown, page.info, page.warning, page.text)
    metrics = [word for metric in page.metric for word in (metric.label, metric.value)]
    return "\n".join([*(element.value for block in blocks for element in block), *metrics]).replace("\u00a0", " ")


def cards(page: AppTest) -> dict[str, str]:
    """What each card shows."""
    return {metric.label: metric.value.replace("\u00a0", " ") for metric in page.metric}
