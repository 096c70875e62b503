"""Everything of the Procfile, in the foreground, from one terminal: `kulpunai up`.

It starts PostgreSQL and Valkey (unless DATABASE_URL and REDIS_URL name others), waits until they answer, brings the
database to the newest schema, starts the rest, and puts back up what falls. The Procfile is the truth about processes;
the order of its lines is the order of starting.
"""

import contextlib
import fcntl
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from app.config import ROOT, Settings, problems, settings
from app.console import say, show, tell
from app.embedded import SUPERUSER, Unusable, cluster_of, make_folders
from app.lifeline import KERNEL_WATCHES, Guard, die_with_parent
from app.ready import port_is_free, postgres_answers, valkey_answers, web_answers

STORES = ("postgres", "valkey")
# Without these there is no service: when one of them cannot live, everything stops and says so.
ESSENTIAL = (*STORES, "web", "engine")
DELAYS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
# The others are given up for a while; the rest goes on without them.
PAUSE_SECONDS = 300.0
# Who lived this long has recovered: his deaths are counted anew.
HEALTHY_SECONDS = 10.0
STOP_SECONDS = 10.0
TICK_SECONDS = 0.1
LOG_LIMIT_BYTES = 20_000_000


class Failed(Exception):
    """We cannot go on; the text says why and what to do, in the reader's language."""


class Leaving(Exception):
    """Ctrl-C, or another signal to stop."""


@dataclass
class Child:
    """One line of the Procfile and, most of the time, the process that runs it."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    due_at: float = 0.0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, environment: dict[str, str]) -> None:
        """Run it, in a process group of its own, so that Ctrl-C reaches us alone."""
        parent, last_word = os.getpid(), last_signal(self.name)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=lambda: die_with_parent(last_word, parent),
            )
        self.started_at = time.monotonic()

    def send(self, number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        with contextlib.suppress(OSError):
            text = self.log.read_bytes()[-20_000:].decode(errors="replace")
            return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
        return ""


@dataclass
class Crew:
    """The children, in order of their start."""

    children: list[Child]
    environment: dict[str, str]
    guard: Guard | None = None
    signals: list[int] = field(default_factory=list)
    has_terminal: bool = False

    def start(self, child: Child) -> None:
        child.start(self.environment)
        if self.guard and child.process:
            self.guard.watch(child.process.pid)

    def tend(self) -> None:
        """One round: who died is put back up when his time has come. Failed, Leaving."""
        if self.signals or (self.has_terminal and not os.isatty(0)):
            raise Leaving
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._mourn(child, child.process.returncode)
            elif child.process is None and 0 < child.due_at <= time.monotonic():
                child.due_at = 0.0
                self.start(child)

    def wait_for(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        """Tend everybody until `ready`. Failed after `seconds`, Leaving."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.tend()
            if time.monotonic() > deadline:
                last_words = "\n".join(child.last_words() for child in self.children if child.name == what)
                raise Failed(
                    say(
                        f"{what} has not answered for {seconds:.0f} s.\n{last_words}",
                        f"{what} не отвечает уже {seconds:.0f} с.\n{last_words}",
                    )
                )
            time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """End everybody: those who use the stores first, then the stores. A second Ctrl-C hurries the first."""
        self._end([child for child in self.children if child.name not in STORES])
        for name in reversed(STORES):
            self._end([child for child in self.children if child.name == name])

    def _mourn(self, child: Child, code: int) -> None:
        if self.guard and child.process:
            self.guard.forget(child.process.pid)
        # What it forked and left behind would hold ports and files
        child.send(signal.SIGKILL)
        child.process = None
        child.deaths = 1 if time.monotonic() - child.started_at > HEALTHY_SECONDS else child.deaths + 1
        how = say(f"exit code {code}", f"код {code}")
        if code < 0:
            how = say(f"signal {-code}", f"сигнал {-code}")
        if child.deaths <= len(DELAYS_SECONDS):
            delay = DELAYS_SECONDS[child.deaths - 1]
            tell(
                f"{child.name} died ({how}); it comes back in {delay:g} s. Log: {child.log}",
                f"{child.name}: процесс завершился ({how}), запущу снова через {delay:g} с. Журнал: {child.log}",
            )
        elif child.name in ESSENTIAL:
            raise Failed(
                say(
                    f"{child.name} died {child.deaths} times in a row ({how}), and nothing works without it. Its last words:",
                    f"{child.name} завершается {child.deaths}-й раз подряд ({how}), а без него ничего не работает."
                    " Его последние слова:",
                )
                + f"\n{child.last_words()}"
            )
        else:
            delay = PAUSE_SECONDS
            tell(
                f"{child.name} died {child.deaths} times in a row ({how}). The rest goes on without it; the next try is in"
                f" {delay / 60:.0f} min. Its last words:\n{child.last_words()}",
                f"{child.name} завершается {child.deaths}-й раз подряд ({how}). Остальное работает без него; следующая"
                f" попытка через {delay / 60:.0f} мин. Его последние слова:\n{child.last_words()}",
            )
            child.deaths = 0
        child.due_at = time.monotonic() + delay

    def _end(self, children: Iterable[Child]) -> None:
        ending = [child for child in children if child.process is not None]
        for child in ending:
            child.send(first_signal(child.name))
        deadline, heard = time.monotonic() + STOP_SECONDS, len(self.signals)
        while any(child.is_running for child in ending) and time.monotonic() < deadline:
            # Impatience is no reason to hurt the stores: they only need a moment to write
            if len(self.signals) > heard and not any(child.name in STORES for child in ending):
                break
            time.sleep(TICK_SECONDS / 2)
        for child in ending:
            if child.is_running:
                tell(
                    f"{child.name} does not stop; killing it.",
                    f"{child.name} не останавливается; завершаю принудительно.",
                )
            child.send(signal.SIGKILL)
            if child.process:
                child.process.wait()
                if self.guard:
                    self.guard.forget(child.process.pid)
            child.process = None


def up() -> int:
    """Run everything until somebody says stop. The exit code: 0 after a stop that was asked for."""
    try:
        chosen = checked_settings()
        make_folders(chosen)
        with only_one(chosen):
            return _up(chosen)
    except (Failed, Unusable) as problem:
        tell(f"Kulpunai cannot run: {problem}", f"Kulpunai не может работать: {problem}")
        return 1
    except AlreadyRunning as other:
        show(str(other))
        return 0


def _up(chosen: Settings) -> int:
    crew = crew_of(chosen)
    check_ports(chosen, crew)
    _raise_file_limit()
    _listen_to_signals(crew)
    try:
        sign_ins = _start(crew, chosen)
        _announce(chosen, crew, sign_ins)
        _stay(crew)
    except Leaving:
        tell("Stopping …", "Останавливаю …")
        crew.stop()
        tell("Stopped; nothing is left running.", "Остановлено, ничего не осталось запущенным.")
        return 0
    finally:
        crew.stop()
        shutil.rmtree(chosen.run_dir, ignore_errors=True)


def _listen_to_signals(crew: Crew) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as nohup would have it
            signal.signal(number, lambda number, _frame: crew.signals.append(number))
    # A closed window tells only the first process in it, which may be make, and that one waits for us
    with contextlib.suppress(OSError):
        crew.has_terminal = os.tcgetpgrp(0) == os.getpgrp()


def _start(crew: Crew, chosen: Settings) -> str:
    """Start all, in order; what the demo world says of its sign-ins."""
    for child in crew.children:
        if child.name in STORES:
            crew.start(child)
    if chosen.is_database_embedded:
        name, database = "postgres", cluster_of(chosen).conninfo(SUPERUSER)
    else:
        name, database = "DATABASE_URL", chosen.sqlalchemy_url.replace("+psycopg", "", 1)
    crew.wait_for(name, lambda: postgres_answers(database), 60)
    name = "valkey" if chosen.is_redis_embedded else "REDIS_URL"
    crew.wait_for(name, lambda: valkey_answers(chosen.valkey_url), 30)
    sign_ins = _prepare(crew, chosen)
    for child in crew.children:
        if child.name not in STORES:
            crew.start(child)
        if child.name == "web":
            # Before the others, which would only compete with it for the processor
            crew.wait_for("web", lambda: web_answers(chosen.host, chosen.port), 120)
    return sign_ins


def _prepare(crew: Crew, chosen: Settings) -> str:
    """Migrations and, in development, the demo world, in a process of their own: they know the whole application."""
    step = Child("prepare", [sys.executable, "-m", "app.cli", "prepare"], chosen.home / "logs" / "prepare.log")
    step.log.unlink(missing_ok=True)
    step.start(crew.environment)
    try:
        while step.is_running:
            crew.tend()
            time.sleep(TICK_SECONDS)
    finally:
        step.send(signal.SIGKILL)
    if step.process is None or step.process.returncode:
        raise Failed(
            say("the database could not be prepared.", "не удалось подготовить базу данных.")
            + f"\n{step.last_words(25)}"
        )
    return step.log.read_text(errors="replace").strip()


def _stay(crew: Crew) -> NoReturn:
    """Until somebody says stop: Leaving."""
    looked_at = time.monotonic()
    while True:
        crew.tend()
        if time.monotonic() - looked_at > 60:
            looked_at = time.monotonic()
            for child in crew.children:
                trim(child.log)
        time.sleep(TICK_SECONDS)


def _announce(chosen: Settings, crew: Crew, sign_ins: str) -> None:
    names = {child.name for child in crew.children}
    database = cluster_of(chosen).data if chosen.is_database_embedded else chosen.home
    addresses = [
        (say("Workspace", "Рабочее место"), chosen.public_url if "web" in names else ""),
        (say("Dashboards", "Дашборды"), chosen.dashboards_public_url if "dashboards" in names else ""),
    ]
    places = [
        (say("Data", "Данные"), str(chosen.home)),
        (say("Database", "База данных"), "" if database.is_relative_to(chosen.home) else str(database)),
        (say("Logs", "Журналы"), str(chosen.home / "logs")),
        (say("Stop", "Остановить"), "Ctrl-C"),
    ]
    headline = say("Kulpunai is running.", "Kulpunai работает.")
    show("\n".join(["", headline, "", *_rows(addresses), *_indented(sign_ins), *_rows(places), ""]))


def _rows(pairs: list[tuple[str, str]]) -> list[str]:
    return [f"  {label:<16}{value}" for label, value in pairs if value]


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


# -- what is to be run


def crew_of(chosen: Settings, procfile: Path = ROOT / "Procfile", names: Iterable[str] = ()) -> Crew:
    """The lines of the Procfile (or those of `names`) as children, none of them started."""
    left_out = {"postgres": not chosen.is_database_embedded, "valkey": not chosen.is_redis_embedded}
    logs = chosen.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    wanted = set(names)
    children = [
        Child(name, command, logs / f"{name}.log")
        for name, command in read_procfile(procfile)
        if not left_out.get(name) and (not wanted or name in wanted)
    ]
    for child in children:
        trim(child.log)
    return Crew(children, environment_of(chosen), guard=None if KERNEL_WATCHES else Guard())


def read_procfile(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(name, command) of each line. A leading `exec` is for those who run it by a shell; `python` is our own."""
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, command = line.partition(":")
        if colon and not name.startswith("#"):
            words = shlex.split(command)
            words = words[1:] if words[0] == "exec" else words
            yield name.strip(), [sys.executable if word == "python" else word for word in words]


def environment_of(chosen: Settings) -> dict[str, str]:
    """What children see: ours, the programs of our venv first, and nothing of another PostgreSQL."""
    kept = {
        name: value for name, value in os.environ.items() if not (chosen.is_database_embedded and name.startswith("PG"))
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return kept | {"PATH": path, "PYTHONUNBUFFERED": "1"}


def first_signal(name: str) -> int:
    """What asks this child to stop. For PostgreSQL SIGTERM would mean: as soon as every client has left."""
    return signal.SIGINT if name == "postgres" else signal.SIGTERM


def last_signal(name: str) -> int:
    """What it gets when we were killed: the stores and the web server tidy up, nobody is left to watch the others do so."""
    return first_signal(name) if name in {*STORES, "web"} else signal.SIGKILL


def trim(log: Path) -> None:
    """Keep a log that grew too long as .1 and begin anew; its writer appends, so it goes on in the empty file."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


# -- before anything is started


def checked_settings() -> Settings:
    """The settings. Failed, with all that is wrong with them, when they are refused."""
    try:
        chosen = settings()
    except ValidationError as error:
        raise Failed(
            "\n".join(f"{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        ) from error
    if found := problems(chosen):
        raise Failed("\n".join(found))
    return chosen


def variable_of(field_name: str) -> str:
    """The environment variable that sets this field of Settings."""
    alias = Settings.model_fields[field_name].validation_alias
    return str(alias or field_name).upper()


def check_ports(chosen: Settings, crew: Crew) -> None:
    """Failed when a port that we need is taken: which one, and how to choose another."""
    ports = {"web": ("PORT", chosen.port), "dashboards": ("DASHBOARDS_PORT", chosen.dashboards_listen_port)}
    for child in crew.children:
        variable, port = ports.get(child.name, ("", 0))
        if port and not port_is_free(chosen.host, port):
            raise Failed(
                say(
                    f"port {port} on {chosen.host} is taken or not ours to use. Choose another: {variable}={port + 10} make run",
                    f"порт {port} на {chosen.host} занят или недоступен. Выберите другой: {variable}={port + 10} make run",
                )
            )


class AlreadyRunning(Exception):
    """Somebody else looks after this data folder; the text says who."""


@contextlib.contextmanager
def only_one(chosen: Settings) -> Iterator[None]:
    """Be the only supervisor of this data folder; the lock goes with the process, however it ends. AlreadyRunning."""
    with (chosen.home / "supervisor.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            other = lock.read().strip()
            raise AlreadyRunning(
                say(
                    f"Kulpunai already runs with the data in {chosen.home}: process {other}."
                    f" To stop it: Ctrl-C in its terminal, or kill {other}.",
                    f"Kulpunai уже работает с данными в {chosen.home}: процесс {other}."
                    f" Остановить: Ctrl-C в его окне или kill {other}.",
                )
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _raise_file_limit() -> None:
    """Each open page is a file to us: take as many as we may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
