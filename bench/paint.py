"""How long a person waits for the dashboards, in Chromium: until the overview's first number and its last chart stand."""

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
from playwright.sync_api import BrowserContext, ViewportSize, sync_playwright

from bench import years
from bench.figures import Figure
from dashboards import gate
from tests.chromium import chromium

ROOT = Path(__file__).resolve().parents[1]
CHARTS = 4
WARM, COLD = 7, 3
SCREEN: ViewportSize = {"width": 1400, "height": 2200}
LAST = date(2025, 12, 31)
FIRST = "[data-testid=stMetricValue]"
# All charts drawn, and Streamlit has nothing more to do
STANDS = f"""() => document.querySelectorAll('.stEChartsChart[aria-busy=false]').length >= {CHARTS}
    && document.querySelector('[data-test-script-state=notRunning]') !== null"""


def measure(lake: Path, messages: int) -> list[Figure]:
    """The overview of 30 days, by a process that has just begun, and by one that has answered others before."""
    what = f"the overview in Chromium, 30 days of {messages:,} messages"
    if not (path := chromium()):
        return [Figure(what, math.nan, "s", 0, "≤ 2", "not measured: there is no Chromium here")]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        cold = []
        for _ in range(COLD):
            with _served(lake) as (url, key):
                cold.append(_painted(browser.new_context(viewport=SCREEN), url, key, 0))
        with _served(lake) as (url, key):
            # other days each time, so that nothing has been answered before
            warm = [_painted(browser.new_context(viewport=SCREEN), url, key, back) for back in range(WARM)][1:]
            known = browser.new_context(viewport=SCREEN)
            again = [_painted(known, url, key, WARM + back) for back in range(WARM)][1:]
        browser.close()
    return [
        *_told(f"{what}, the first viewer", cold),
        *_told(f"{what}, the next", warm),
        *_told(f"{what}, one who comes again", again),
    ]


def _told(what: str, seen: list[tuple[float, float]]) -> list[Figure]:
    first, last = (median(seconds) for seconds in zip(*seen, strict=True))
    return [
        Figure(f"{what}: a number", first, "s", len(seen), "≤ 2"),
        Figure(f"{what}: the last chart", last, "s", len(seen)),
    ]


def _painted(viewer: BrowserContext, url: str, key: str, days_back: int) -> tuple[float, float]:
    """Seconds until a number and until the last chart."""
    last = LAST - timedelta(days=days_back)
    chosen = {"from": str(last - timedelta(days=29)), "to": str(last), "token": _word(key), "embed": "true"}
    page = viewer.new_page()
    began = time.perf_counter()
    page.goto(f"{url}/?{urlencode(chosen)}")
    page.wait_for_selector(FIRST, timeout=60_000)
    a_number = time.perf_counter() - began
    page.wait_for_function(STANDS, timeout=60_000)
    all_of_it = time.perf_counter() - began
    page.close()
    return a_number, all_of_it


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
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboards", "127.0.0.1", str(port)],
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
