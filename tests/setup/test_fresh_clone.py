"""`make run` in a fresh clone, in a folder whose name a shell could trip over. Heavy: it downloads what a user would."""

import os
import shutil
import subprocess
import time

import psutil
import pytest

from app.config import ROOT
from tests.surroundings import free_port, run_dir_of

pytestmark = pytest.mark.faults


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "Мой проект & co" / "kulpunai"
    listed = (
        subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT).decode().split("\0")
    )
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    yield folder
    shutil.rmtree(run_dir_of(folder / "data"), ignore_errors=True)


def make(clone, target, **variables):
    """`make -C` from another directory, as a person in a terminal has it: without our settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("KULPUNAI")}
    ports = {"PORT": str(free_port()), "DASHBOARDS_PORT": str(free_port())}
    return subprocess.Popen(
        ["make", "-C", str(clone), target],
        cwd="/",
        env=ours | ports | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )


def said_until(process, wanted):
    said = ""
    for line in process.stdout:
        said += line
        if wanted in line:
            break
    return said


def test_two_starts_and_an_interrupt_leave_nothing_behind(clone):
    for attempt in ("first", "second"):
        started = time.monotonic()
        process = make(clone, "run", LANG="ru_RU.UTF-8", LC_ALL="")
        said = said_until(process, "Ctrl-C")
        assert "Kulpunai работает" in said, said
        assert ("Устанавливаю" in said) == (attempt == "first"), said
        print(f"{attempt} start: {time.monotonic() - started:.1f} s")
        everybody = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, 2)  # what a terminal does on Ctrl-C
        process.communicate(timeout=60)
        _, alive = psutil.wait_procs(everybody, timeout=5)
        assert alive == []


def test_where_uv_is_refused_pip_does_it(clone):
    process = make(clone, "setup", UV_OFFLINE="1", UV_NO_CACHE="1")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert "uv" in said
    assert (clone / ".venv/bin/kulpunai").exists()
