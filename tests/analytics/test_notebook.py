"""The notebook is run as anybody would run it, on what an export wrote."""

import os
import subprocess
import sys
from pathlib import Path

from analytics.export import export
from tests.analytics.story import ACCOUNT, DAY, Story

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "first_response.py"


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(NOTEBOOK), *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_notebook_answers_its_question(lake: Path) -> None:
    story = Story()
    for week in range(6):
        story.talk(week * 7 * DAY).customer(week * 7 * DAY).agent(week * 7 * DAY + 600)
    story.build(lake)
    export(lake, ACCOUNT, lake / "out")
    ran = run(lake, "--export", str(lake / "out"))
    assert ran.returncode == 0, ran.stderr
    assert "половина клиентов ждёт человека не дольше 10 мин" in ran.stdout
    assert "в понедельник с 12:00" in ran.stdout


def test_on_an_empty_account_the_notebook_says_that_there_is_nothing_to_count(lake: Path) -> None:
    Story().build(lake)
    export(lake, ACCOUNT, lake / "out")
    ran = run(lake, KULPUNAI_EXPORT=str(lake / "out"))
    assert ran.returncode == 0, ran.stderr
    assert "считать нечего" in ran.stdout


def test_without_an_export_the_notebook_says_how_to_make_one(lake: Path) -> None:
    ran = run(lake)
    assert ran.returncode != 0
    assert "kulpunai export" in ran.stderr + ran.stdout
