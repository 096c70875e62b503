"""Live screens: nothing missed, nothing twice, nothing that is not one's business (T05, T20)."""

import json
import random
import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from app import queue, realtime
from app.conversations import actions
from app.conversations.actions import Writing, by_user
from app.conversations.queries import locked
from app.database import across_accounts, transaction
from app.doors import COOKIE
from app.events import log
from app.events.catalog import CATALOG
from app.inboxes.actions import set_members
from app.inboxes.models import Inbox
from app.main import create_app
from app.users import tokens
from app.users.actions import remove_agent, sign_out_everywhere
from app.users.models import Purpose, User
from app.users.queries import agent
from tests.world import World, acme, asks

pytestmark = pytest.mark.usefixtures("database", "valkey")


def test_a_client_that_is_cut_off_again_and_again_misses_nothing_and_hears_nothing_twice() -> None:
    world = acme()
    asked = [asks(world, who=f"visitor-{n}") for n in range(4)]
    is_over = threading.Event()
    heard: list[list[int]] = [[] for _ in range(6)]
    clients = [threading.Thread(target=_client, args=(world.account_id, n, heard[n], is_over)) for n in range(6)]
    for client in clients:
        client.start()
    writers = [
        threading.Thread(target=_write, args=(world, message.conversation_id, n)) for n, message in enumerate(asked)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with transaction(world.account_id):
        told = [event.seq for event in log.read(world.account_id, 0, 10_000) if CATALOG[event.name].is_live]
    until = threading.Event()
    for _ in range(200):
        if all(len(mine) >= len(told) for mine in heard):
            break
        until.wait(0.1)
    is_over.set()
    asks(world, "чтобы проснулись")
    for client in clients:
        client.join(20)
    for mine in heard:
        assert mine[: len(told)] == told


def test_who_was_away_too_long_is_told_to_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "REPLAY_LIMIT", 3)
    world = acme()
    asks(world)
    stream = _stream(world.account_id, 0)
    assert "event: reset" in "".join(stream)


def test_an_agent_hears_only_of_his_inboxes_and_his_rights_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "PING_SECONDS", 0.5)
    world = acme()
    with transaction(world.account_id) as current:
        inbox = current.get_one(Inbox, (world.account_id, world.inbox.id))
        set_members(inbox, {world.ada.id}, by=world.ada.actor)
    app = create_app()
    with transaction(world.account_id):
        seq = log.last_seq(world.account_id)
    asks(world, "не для Бо")
    assert "message.created" not in _first_of(app, world, seq)
    with transaction(world.account_id) as current:
        set_members(
            current.get_one(Inbox, (world.account_id, world.inbox.id)), {world.ada.id, world.bo.id}, by=world.ada.actor
        )
    assert "message.created" in _first_of(app, world, seq)


def test_a_revoked_session_ends_the_stream() -> None:
    world = acme()
    is_here = threading.Event()
    is_here.set()
    stream = realtime.subscribe(world.account_id, 0, lambda _event: True, is_here.is_set, lambda _whisper: True)
    assert next(stream).startswith("retry")
    is_here.clear()
    with across_accounts() as current:
        sign_out_everywhere(current.get_one(User, world.bo.id))
    told = ""
    for piece in stream:
        told += piece
        if "signed_out" in piece:
            break
    assert "signed_out" in told


def test_the_stream_of_an_agent_who_is_removed_ends_at_once_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "RECHECK_SECONDS", 3600.0)
    monkeypatch.setattr(realtime, "PING_SECONDS", 0.5)
    world = acme()
    app = create_app()
    with transaction(world.account_id):
        seq = log.last_seq(world.account_id)
    streams = {}
    for user in (world.bo, world.ada):
        response = _live(app, world, user, seq)
        streams[user.id] = iter(response.response)
        # what was missed has been told, now it waits
        assert any(b"ping" in piece for piece in islice(streams[user.id], 20))
    with transaction(world.account_id):
        remove_agent(agent(world.account_id, world.bo.id)[1], by=world.ada.actor)
    asks(world, "не для Бо")
    heard = b"".join(islice(streams[world.bo.id], 20))
    assert b"event: signed_out" in heard
    assert b"event: log" not in heard
    assert any(b"message.created" in piece for piece in islice(streams[world.ada.id], 20))


@pytest.mark.parametrize("accident", [OSError("gone"), ValueError("I/O operation on closed file."), KeyError("what?")])
def test_whatever_happens_to_the_wake_ups_screens_go_on(monkeypatch: pytest.MonkeyPatch, accident: Exception) -> None:
    world = acme()
    wakes, is_broken = queue.wakes, threading.Event()

    def breaking(timeout_seconds: float) -> Iterator[str | None]:
        for message in wakes(timeout_seconds):
            if not is_broken.is_set() and message is not None:
                is_broken.set()
                raise accident
            yield message

    monkeypatch.setattr(queue, "wakes", breaking)
    monkeypatch.setattr(realtime, "_hub", realtime._Hub())
    stream = _stream(world.account_id, 0)
    next(stream)
    # the first may be heard by looking, before any wake-up has come
    for n in range(100):
        asks(world, f"{n}")
        if is_broken.wait(0.2):
            break
    assert is_broken.is_set()
    with transaction(world.account_id):
        before = log.last_seq(world.account_id)
    listened = threading.Event()
    threading.Thread(target=_until, args=(stream, "message.created", listened, before), daemon=True).start()
    asks(world, "Слышно?")
    assert listened.wait(20)


# -- below


def _until(stream: Iterator[str], words: str, found: threading.Event, after: int) -> None:
    """Found is what has these words and comes after this place in the log."""
    if any(words in piece and int(piece.split("\n")[0].removeprefix("id: ")) > after for piece in stream):
        found.set()


def _client(account_id: int, seed: int, heard: list[int], is_over: threading.Event) -> None:
    """Reads for a while, is cut off, comes back with the last id it saw."""
    chance = random.Random(seed)
    while not is_over.is_set():
        after = heard[-1] if heard else 0
        stream = _stream(account_id, after)
        for n, piece in enumerate(stream):
            if piece.startswith("id: "):
                heard.append(int(piece.split("\n")[0].removeprefix("id: ")))
            if is_over.is_set() or (n > 2 and chance.random() < 0.15):
                break
        stream.close()  # type: ignore[attr-defined]


def _write(world: World, conversation_id: int, seed: int) -> None:
    chance = random.Random(seed)
    for n in range(40):
        with transaction(world.account_id):
            found = locked(world.account_id, conversation_id)
            if chance.random() < 0.5:
                actions.reply(found, by_user(world.ada), Writing(f"ответ {n}"))
            else:
                actions.write_incoming(found, found.contact_id, Writing(f"вопрос {n}"))


def _stream(account_id: int, after: int) -> Iterator[str]:
    return realtime.subscribe(account_id, after, lambda _event: True, lambda: True, lambda _whisper: False)


def _live(app: object, world: World, user: User, seq: int) -> Any:
    """The user's stream."""
    client = app.test_client()  # type: ignore[attr-defined]
    with across_accounts() as current:
        client.set_cookie(
            COOKIE, tokens.issue(current.get_one(User, user.id), Purpose.SESSION, account_id=world.account_id)
        )
    return client.get("/live", headers={"Last-Event-ID": str(seq)}, buffered=False)


def _first_of(app: object, world: World, seq: int) -> str:
    """What Bo's stream replays before it waits: the first ping ends it."""
    response = _live(app, world, world.bo, seq)
    told = ""
    pieces = iter(response.response)
    for piece in pieces:
        told += piece if isinstance(piece, str) else piece.decode()
        if "event: ping" in told or "message.created" in told:
            break
    response.close()
    return told


def test_a_piece_is_json() -> None:
    world = acme()
    asks(world)
    stream = _stream(world.account_id, 0)
    pieces = [next(stream) for _ in range(4)]
    data = [json.loads(piece.split("data: ")[1]) for piece in pieces if "event: log" in piece]
    assert data
    assert all({"seq", "name", "actor"} <= one.keys() for one in data)
