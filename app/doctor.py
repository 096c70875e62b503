"""`kulpunai doctor`: what is wrong with the settings and the world around us, and what to do about each."""

import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from app.config import ROOT, Settings
from app.console import say, show
from app.embedded import Unusable, check_sockets
from app.migrations import provision, schema
from app.migrations.server import connected
from app.ready import port_is_free, valkey_answers, web_answers
from app.supervisor import Failed, checked_settings

OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRES = 18
FREE_BYTES = 1_000_000_000
SECRET_CHARACTERS = 32


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` says what to do; "" when all is well."""

    name: str
    mend: str = ""


def examine() -> int:
    """Print what was found; 1 when something must be mended."""
    found = list(findings())
    for finding in found:
        show(f"  ✗ {finding.name}: {finding.mend}" if finding.mend else f"  ✓ {finding.name}")
    sick = [finding for finding in found if finding.mend]
    if not sick:
        show(say("All is well.", "Всё в порядке."))
    return 1 if sick else 0


def findings() -> Iterator[Finding]:
    yield _finding("Python", _python)
    try:
        chosen = checked_settings()
    except Failed as problem:
        # Without settings there is nothing else to ask
        yield Finding(say("Settings", "Настройки"), str(problem))
        return
    yield Finding(say("Settings", "Настройки"))
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        (say("Secret key", "Секретный ключ"), _secret),
        (say("Data folder", "Папка данных"), _home),
        (say("Sockets", "Сокеты"), _sockets),
        (say("Open files", "Открытые файлы"), _files),
        (say("Port", "Порт"), _port),
        (say("Front-end files", "Файлы интерфейса"), _assets),
        (say("Translations", "Переводы"), _translations),
        ("Valkey", _valkey),
    )
    yield from (_finding(name, check, chosen) for name, check in checks)
    yield from _database(chosen)


def _finding(name: str, check: Callable[..., str], *about: object) -> Finding:
    return Finding(name, check(*about))


def _python() -> str:
    if sys.version_info >= OLDEST_PYTHON:
        return ""
    return say(
        "3.11 or newer is needed; remove .venv and run `make run`.",
        "нужен 3.11 или новее; удалите .venv и выполните `make run`.",
    )


def _secret(chosen: Settings) -> str:
    if len(chosen.signing_key) >= SECRET_CHARACTERS and len(set(chosen.signing_key)) > 8:
        return ""
    return say(
        "too easy to guess. Leave SECRET_KEY empty to have one made, or take `openssl rand -base64 48`.",
        "его легко подобрать. Оставьте SECRET_KEY пустым, и ключ создастся сам, либо возьмите `openssl rand -base64 48`.",
    )


def _home(chosen: Settings) -> str:
    if not os.access(chosen.home, os.W_OK):
        return say(
            f"{chosen.home} is not ours to write in. Change its owner, or choose another by KULPUNAI_HOME.",
            f"нет права писать в {chosen.home}. Смените владельца или укажите другую папку в KULPUNAI_HOME.",
        )
    free = shutil.disk_usage(chosen.home).free
    if free < FREE_BYTES:
        return say(
            f"{free / 1e6:.0f} MB are free in {chosen.home}; make room, at least 1 GB.",
            f"в {chosen.home} свободно {free / 1e6:.0f} МБ; освободите место, нужен хотя бы 1 ГБ.",
        )
    return ""


def _sockets(chosen: Settings) -> str:
    try:
        check_sockets(chosen)
    except Unusable as problem:
        return str(problem)
    return ""


def _files(chosen: Settings) -> str:
    # A live page holds a connection, its database connection and what the page asks for meanwhile
    needed, (_, hard) = 4 * chosen.web_threads, resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return ""
    return say(
        f"only {hard} allowed, {needed} may be needed: raise `ulimit -n`, or lower WEB_THREADS.",
        f"разрешено {hard}, а может понадобиться {needed}: увеличьте `ulimit -n` или уменьшите WEB_THREADS.",
    )


def _port(chosen: Settings) -> str:
    if port_is_free(chosen.host, chosen.port) or web_answers(chosen.host, chosen.port):
        return ""
    return say(
        f"{chosen.port} is taken, and what listens there is no web server. Choose another by PORT.",
        f"{chosen.port} занят, и отвечает там не веб-сервер. Укажите другой в PORT.",
    )


def _assets(_chosen: Settings) -> str:
    if (ROOT / "app/static/vendor/.stamp").exists():
        return ""
    return say("not installed: run `make setup`.", "не установлены: выполните `make setup`.")


def _translations(_chosen: Settings) -> str:
    sources = list((ROOT / "app/translations").rglob("*.po"))
    stale = [
        one
        for one in sources
        if not (done := one.with_suffix(".mo")).exists() or done.stat().st_mtime < one.stat().st_mtime
    ]
    return say("not compiled: run `make setup`.", "не собраны: выполните `make setup`.") if stale else ""


def _valkey(chosen: Settings) -> str:
    if valkey_answers(chosen.valkey_url):
        return ""
    if chosen.is_redis_embedded:
        return say("does not answer: is `make run` running?", "не отвечает: запущен ли `make run`?")
    return say("does not answer at REDIS_URL.", "не отвечает по адресу из REDIS_URL.")


# -- the database


def _database(chosen: Settings) -> Iterator[Finding]:
    name = say("Database", "База данных")
    try:
        with connected() as connection:
            yield Finding(name)
            yield Finding(say("Version of PostgreSQL", "Версия PostgreSQL"), _version(connection))
            yield Finding(say("Cyrillic in the database", "Кириллица в базе данных"), _cyrillic(connection))
            yield Finding(say("Extensions and roles", "Расширения и роли"), _provision(connection))
            yield Finding(say("Schema", "Схема"), _schema(connection))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        if chosen.is_database_embedded:
            yield Finding(name, say("does not answer: is `make run` running?", "не отвечает: запущен ли `make run`?"))
        else:
            yield Finding(
                name, say(f"cannot be reached by DATABASE_URL: {reason}", f"недоступна по DATABASE_URL: {reason}")
            )


def _version(connection: Connection) -> str:
    number = int(connection.execute(text("show server_version_num")).scalar_one()) // 10_000
    if number >= OLDEST_POSTGRES:
        return ""
    return say(
        f"{number}, but {OLDEST_POSTGRES} or newer is needed.", f"{number}, а нужна {OLDEST_POSTGRES} или новее."
    )


def _cyrillic(connection: Connection) -> str:
    if connection.execute(text("select lower('Ж') = 'ж'")).scalar_one():
        return ""
    return say(
        "its locale does not know the letters, so search would find nothing. Create the database anew with"
        " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0.",
        "её локаль не знает этих букв, и поиск ничего не найдёт. Создайте базу заново с параметрами"
        " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0.",
    )


def _provision(connection: Connection) -> str:
    statements = provision.missing(connection)
    if not statements:
        return ""
    lines = "".join(f"\n      {statement};" for statement in statements)
    return (
        say("missing. An administrator runs in our database:", "не хватает. Администратор выполняет в нашей базе:")
        + lines
    )


def _schema(connection: Connection) -> str:
    applied, newest = schema.applied(connection), schema.newest()
    if applied == newest:
        return ""
    return say(
        f"at {applied or 'nothing'}, the newest is {newest}: run `kulpunai migrate`.",
        f"сейчас {applied or 'пустая'}, новейшая {newest}: выполните `kulpunai migrate`.",
    )
