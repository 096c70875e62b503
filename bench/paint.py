"""How long a person waits for the dashboards: from the address until the last chart of the overview stands, in Chromium."""

import math
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urlencode
from urllib.request import urlopen

from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import Browser, sync_playwright

from bench import years
from bench.figures import Figure
from dashboards import gate
from tests.chromium import chromium

ROOT = Path(__file__).resolve().parents[1]
CHARTS = 4
WARM, COLD = 7, 3
LAST = date(2025, 12, 31)
# All charts drawn, and Streamlit has nothing more to do
STANDS = f"""() => [...document.querySelectorAll('.stPlotlyChart')].filter(one => one.querySelector('.trace')).length >= {CHARTS}
    && document.querySelector('[data-test-script-state=notRunning]') !== null"""


def measure(lake: Path, messages: int) -> list[Figure]:
    """The overview of 30 days, by a process that has just begun, and by one that has answered others before."""
    what = f"the overview in Chromium, 30 days of {messages:,} messages"
    if not (path := chromium()):
        return [Figure(what, math.nan, "s", 0, "≤ 2", "not measured: there is no Chromium here")]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        cold, warm = [], []
        for _ in range(COLD):
            with _served(lake) as (url, key):
                cold.append(_painted(browser, url, key, 0))
        with _served(lake) as (url, key):
            _painted(browser, url, key, 0)
            # other days each time, so that nothing has been answered before
            warm = [_painted(browser, url, key, back) for back in range(1, WARM + 1)]
        browser.close()
    return [
        Figure(f"{what}, the first viewer", median(cold), "s", COLD, "≤ 2"),
        Figure(f"{what}, the next", median(warm), "s", WARM, "≤ 2"),
    ]


def _painted(browser: Browser, url: str, key: str, days_back: int) -> float:
    """Seconds. Each viewer comes with an empty cache."""
    last = LAST - timedelta(days=days_back)
    chosen = {"from": str(last - timedelta(days=29)), "to": str(last), "token": _word(key), "embed": "true"}
    page = browser.new_page(viewport={"width": 1400, "height": 2200})
    began = time.perf_counter()
    page.goto(f"{url}/?{urlencode(chosen)}")
    page.wait_for_function(STANDS, timeout=60_000)
    seconds = time.perf_counter() - began
    page.close()
    return seconds


def _word(key: str) -> str:
    """What the workspace would sign for an administrator."""
    claims = {"account_id": years.ACCOUNT, "user_id": 1, "role": "administrator", "locale": "ru", "theme": "light"}
    claims |= {"timezone": years.ZONE, "account_name": "Acme", "nonce": secrets.token_hex(8)}
    return str(URLSafeTimedSerializer(key, salt=gate.SALT).dumps(claims))


@contextmanager
def _served(lake: Path) -> Iterator[tuple[str, str]]:
    """The dashboards as `kulpunai dashboards` runs them, on this lake: their address, and the key that admits a viewer."""
    key = secrets.token_urlsafe(32)
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        port = int(trying.getsockname()[1])
    environment = os.environ | {"KULPUNAI_LAKE": str(lake), "KULPUNAI_DASHBOARD_KEY": key, "KULPUNAI_WORKSPACE": ""}
    where = [f"--server.port={port}", "--server.address=127.0.0.1"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "dashboards/app.py", *where],
            cwd=ROOT,
            env=environment,
            stdout=said,
            stderr=said,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}", key
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(address: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(address, timeout=2) as answered:  # noqa: S310  our own
                if answered.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the dashboards do not begin")
