"""What a thousand open, idle workspaces cost: memory of the web process, and the list's p95 beside them."""

import contextlib
import socket
import time

from bench.crowd import crowd
from bench.figures import Figure, percentile, spread
from bench.list import timed
from bench.stage import Stage

STREAMS = 1000
TIMES = 60
PAGE = "/conversations?status=open&tab=all"


def measure(stage: Stage) -> list[Figure]:
    """Before, and with all of them open."""
    world = crowd()
    cookie = world.team.cookie
    alone, memory = timed(stage, PAGE, cookie, TIMES), _memory(stage)
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(_stream(stage, world.agent_cookie)) for _ in range(STREAMS)]
        heard = sum(_is_heard(stream) for stream in opened)
        time.sleep(5)
        grown, spent = _memory(stage) - memory, _busy(stage, 10.0)
        beside = timed(stage, PAGE, cookie, TIMES)
    slower = 100 * percentile(beside, 0.95) / percentile(alone, 0.95)
    return [
        Figure("streams that are heard", heard, "of 1,000", STREAMS),
        Figure(
            "memory of web: more than without", grown / 2**20, "MB", STREAMS, "≤ 150", f"before {memory / 2**20:.0f} MB"
        ),
        Figure("  of each", grown / 2**10 / STREAMS, "KB", STREAMS),
        Figure("web while nothing happens", spent, "% core", STREAMS),
        *spread("list page without streams", alone),
        *spread("list page beside them", beside, ("", "≤ 50"), f"p95 {slower:.0f} % of that without"),
    ]


def _stream(stage: Stage, cookie: str) -> socket.socket:
    stream = socket.create_connection((stage.host, stage.port), timeout=30)
    stream.sendall(f"GET /live HTTP/1.1\r\nHost: {stage.host}\r\nCookie: kulpunai_session={cookie}\r\n\r\n".encode())
    return stream


def _is_heard(stream: socket.socket) -> bool:
    """Whether the server has begun to speak."""
    words = b""
    while b"retry:" not in words:
        more = stream.recv(4096)
        if not more:
            return False
        words += more
    return True


def _memory(stage: Stage) -> int:
    """What the web processes hold, in bytes; pages they share are counted once."""
    return sum(process.memory_full_info().pss for process in stage.processes("web"))


def _busy(stage: Stage, seconds: float) -> float:
    """How much of a core the web processes take meanwhile, in percent."""
    before = stage.busy_seconds("web")
    time.sleep(seconds)
    return 100 * (stage.busy_seconds("web") - before) / seconds
