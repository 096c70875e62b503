"""How one gets into the dashboards, and what is read there."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

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


@contextmanager
def serving(lake: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`python -m dashboards` of this lake, begun but perhaps not yet listening: where, and its process."""
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        port = str(trying.getsockname()[1])
    environment = os.environ | {"KULPUNAI_LAKE": str(lake), "KULPUNAI_DASHBOARD_KEY": KEY}
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboards", "127.0.0.1", port], cwd=APP.parents[1], env=environment
    )
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


def answer(address: str, seconds: float = 60) -> bytes:
    """What stands there, as soon as anybody answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urlopen(address, timeout=5) as answered:
                return bytes(answered.read())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
