"""Whoever dies comes back, or we say why not; and nothing is left running, however we end."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app import supervisor
from app.config import ROOT, Settings
from app.supervisor import AlreadyRunning, Child, Crew, Failed, check_ports, only_one, trim
from tests.surroundings import HOME, free_port

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
DIE = [sys.executable, "-c", "import sys; sys.exit('I cannot find my hat')"]


@pytest.fixture
def crew(tmp_path):
    made = Crew([], dict(os.environ))
    yield made
    made.stop()


def add(crew, tmp_path, name, command):
    child = Child(name, command, tmp_path / f"{name}.log")
    crew.children.append(child)
    crew.start(child)
    return child


def tend_until(crew, done, seconds=30):
    crew.wait_for("nobody", done, seconds)


def test_a_killed_process_comes_back(crew, tmp_path):
    child = add(crew, tmp_path, "engine", SLEEP)
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    tend_until(crew, lambda: child.is_running and child.process.pid != first)


def test_what_cannot_live_ends_everything_and_its_last_words_are_told(crew, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "DELAYS_SECONDS", (0.01, 0.01))
    add(crew, tmp_path, "engine", DIE)
    with pytest.raises(Failed, match="I cannot find my hat"):
        tend_until(crew, lambda: False)


def test_what_we_can_do_without_is_left_alone_for_a_while_and_the_rest_goes_on(crew, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(supervisor, "DELAYS_SECONDS", (0.01, 0.01))
    other = add(crew, tmp_path, "engine", SLEEP)
    child = add(crew, tmp_path, "captain", DIE)
    tend_until(crew, lambda: child.due_at > time.monotonic() + 100)
    assert other.is_running
    assert "I cannot find my hat" in capsys.readouterr().out


def test_who_does_not_hear_is_killed(crew, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.5)
    deaf = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)",
    ]
    child = add(crew, tmp_path, "engine", deaf)
    tend_until(crew, child.log.read_bytes)
    pid = child.process.pid
    crew.stop()
    assert not psutil.pid_exists(pid)


def test_a_child_dies_with_a_killed_parent(tmp_path):
    parent = f"""
import os, time
from pathlib import Path
from app.supervisor import Child, Crew
crew = Crew([], dict(os.environ))
child = Child("engine", {SLEEP!r}, Path({str(tmp_path / "log")!r}))
crew.start(child)
print(child.process.pid, flush=True)
time.sleep(600)
"""
    assert_child_dies_with(parent)


def test_a_long_job_does_not_outlive_its_killed_worker(crew, tmp_path, valkey):
    worker = add(crew, tmp_path, "worker", [sys.executable, "-m", "app.cli", "worker"])
    Queue("default", connection=Redis.from_url(valkey), serializer=JSONSerializer).enqueue("time.sleep", 600)
    tend_until(crew, lambda: psutil.Process(worker.process.pid).children())
    (at_work,) = psutil.Process(worker.process.pid).children()
    worker.process.kill()
    at_work.wait(timeout=15)


def test_where_the_kernel_does_not_watch_a_guard_does(tmp_path):
    parent = f"""
import os, subprocess, time
from app.lifeline import Guard
guard = Guard()
child = subprocess.Popen({SLEEP!r}, process_group=0)
guard.watch(child.pid)
print(child.pid, flush=True)
time.sleep(600)
"""
    assert_child_dies_with(parent)


def assert_child_dies_with(parent):
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, cwd=ROOT)
    child = psutil.Process(int(process.stdout.readline()))
    process.kill()
    process.wait()
    process.stdout.close()
    try:
        child.wait(timeout=15)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def test_only_one_supervisor_per_data_folder(tmp_path):
    chosen = Settings(KULPUNAI_HOME=tmp_path)
    with only_one(chosen), pytest.raises(AlreadyRunning, match=str(os.getpid())), only_one(chosen):
        pass
    with only_one(chosen):
        pass


@pytest.mark.parametrize(("name", "variable"), [("web", "PORT"), ("dashboards", "DASHBOARDS_PORT")])
def test_a_taken_port_is_named_and_so_is_the_way_out(tmp_path, name, variable):
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        chosen = Settings(PORT=port if name == "web" else 1, DASHBOARDS_PORT=port)
        with pytest.raises(Failed, match=f"{port}.*{variable}={port + 10} make run"):
            check_ports(chosen, Crew([Child(name, [], tmp_path / "log")], {}))


def test_a_log_that_grew_too_long_begins_anew_and_its_past_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "LOG_LIMIT_BYTES", 10)
    log = tmp_path / "web.log"
    log.write_text("more than ten bytes")
    trim(log)
    assert (log.read_text(), (tmp_path / "web.log.1").read_text()) == ("", "more than ten bytes")


# -- the whole of it: the real Procfile


@pytest.fixture
def up(tmp_path):
    """Starts `kulpunai up` on a data folder of its own; gives the process and what it has said."""
    home = HOME / "Всё сразу"
    environment = os.environ | {"KULPUNAI_ENV": "development", "KULPUNAI_HOME": str(home), "LANG": "ru_RU.UTF-8"}
    environment |= {"PORT": str(free_port()), "DASHBOARDS_PORT": str(free_port()), "WEB_THREADS": "16"}
    environment |= {"LC_ALL": "", "LC_MESSAGES": ""}
    started = []

    def start(until=r"Ctrl-C"):
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "up"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        said = ""
        for line in process.stdout:
            said += line
            if re.search(until, line):
                break
        return process, said

    yield start
    for process in started:
        process.kill()
        process.communicate()


def family(process):
    return psutil.Process(process.pid).children(recursive=True)


def by_name(process):
    """The supervisor's children by what they do."""
    found = {}
    for child in psutil.Process(process.pid).children():
        words = ""
        with contextlib.suppress(psutil.NoSuchProcess):  # dead ones too, until they are put back up
            words = " ".join(child.cmdline())
        for name in ("postgres", "valkey", "gunicorn", "captain", "engine", "worker", "dashboards"):
            if name in words:
                found[name] = child
                break
    return found


def wait_until(done, seconds=90):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_everything_starts_survives_and_stops(up):
    process, said = up()
    assert "Kulpunai работает" in said, said
    first = by_name(process)
    assert {"postgres", "valkey"} <= set(first)

    _, other = up(until="уже работает")
    assert f"kill {process.pid}" in other

    for name, child in first.items():
        child.kill()
        wait_until(lambda name=name, child=child: by_name(process).get(name, child).pid != child.pid)

    everybody = family(process)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    _, alive = psutil.wait_procs(everybody, timeout=1)
    assert alive == []

    process, said = up()
    everybody = family(process)
    process.kill()
    _, alive = psutil.wait_procs(everybody, timeout=30)
    assert alive == []

    process, said = up()
    assert "Kulpunai работает" in said, said
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
