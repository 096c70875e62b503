"""Which Chromium the browser journeys use; `python -m tests.chromium` sees to it that there is one, where it can."""

import os
import shutil
import subprocess
from pathlib import Path

from app.console import tell

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def chromium() -> str:
    """The path of a Chromium: CHROMIUM, the system's, or Playwright's own. "" when there is none."""
    named = [os.environ.get("CHROMIUM", ""), *(shutil.which(name) or "" for name in NAMES), *PLACES]
    return next((path for path in named if path and os.access(path, os.X_OK)), "") or _of_playwright()


def _of_playwright() -> str:
    home = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    cache = Path(home) if home else Path.home() / ".cache" / "ms-playwright"
    return str(next(reversed(sorted(cache.glob("chromium-*/chrome-linux*/chrome"))), ""))


def provide() -> None:
    """Install Debian's where there is none and we may; else say what to type."""
    if chromium():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        tell("Setting up: Chromium from Debian …", "Устанавливаю: Chromium из Debian …")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]):
            subprocess.run(
                ["apt-get", "-qq", *command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
    if not chromium():
        tell(
            "There is no Chromium here: the browser journeys are skipped. To run them, install the package chromium, or:"
            " .venv/bin/playwright install chromium",
            "Chromium не найден, проверки в браузере пропускаются. Чтобы их запустить, установите пакет chromium или:"
            " .venv/bin/playwright install chromium",
        )


if __name__ == "__main__":
    provide()
