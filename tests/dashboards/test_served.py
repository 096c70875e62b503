"""`python -m dashboards` is what is run: it serves the pages with their settings, and goes when it is told to."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.dashboards.entry import APP, KEY


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Where they are served, by which process."""
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        port = str(trying.getsockname()[1])
    environment = os.environ | {"KULPUNAI_LAKE": str(tmp_path), "KULPUNAI_DASHBOARD_KEY": KEY}
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboards", "127.0.0.1", port], cwd=APP.parents[1], env=environment
    )
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


def test_the_dashboards_are_served_with_their_font_and_end_when_told(
    served: tuple[str, subprocess.Popen[bytes]],
) -> None:
    url, process = served
    assert answer(f"{url}/_stcore/health") == b"ok"
    assert b"<div id=" in answer(url)
    # static files are served only where .streamlit/config.toml was found
    assert answer(f"{url}/app/static/onest-latin.woff2")[:4] == b"wOF2"
    process.terminate()
    process.wait(20)


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
