"""Work done over and over by several connections at once: `python -m bench.hammer`, its orders on standard input as JSON.

A process of its own, so that the one who asks stays idle; connections are threads that wait in sockets most of the time,
so that little of the machine is taken from those who are measured.
"""

import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Place:
    """Where messages go: conversations `display_id` 1 to `count` of the account; token: of the one who writes them."""

    account_id: int
    user_id: int
    token: str
    inbox_id: int
    first_id: int
    count: int


@dataclass(frozen=True)
class Orders:
    """What to do for so many seconds. by: `api` over HTTP to host:port, or `rows` straight into the database."""

    by: str
    places: Sequence[Place]
    connections: int
    seconds: float
    host: str = ""
    port: int = 0
    conninfo: str = ""


@dataclass(frozen=True)
class Done:
    """How it went: messages per second over all connections, and how long each took, in seconds."""

    per_second: float
    seconds: list[float]


def hammer(orders: Orders, processes: int = 2) -> Done:
    """Do it, with the connections spread over so many processes. RuntimeError when one of them fails."""
    share = {**asdict(orders), "connections": orders.connections // processes}
    running = []
    for number in range(processes):
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.hammer"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append((process, json.dumps({**share, "number": number, "processes": processes})))
    told = []
    with_input = [(process, threading.Thread(target=_tell, args=(process, words))) for process, words in running]
    for _process, thread in with_input:
        thread.start()
    for process, thread in with_input:
        thread.join()
        told.append(process.stdout.read() if process.stdout else "")
        if process.wait():
            raise RuntimeError("a hammer broke; see its words above")
    parts = [json.loads(words) for words in told]
    return Done(sum(part["per_second"] for part in parts), [one for part in parts for one in part["seconds"]])


def _tell(process: "subprocess.Popen[str]", words: str) -> None:
    if process.stdin:
        process.stdin.write(words)
        process.stdin.close()


# -- in the process that works


def main() -> None:
    orders = json.loads(sys.stdin.read())
    number, processes = orders.pop("number"), orders.pop("processes")
    run = time.time_ns()
    places = [Place(**place) for place in orders.pop("places")]
    chosen = Orders(places=places, **orders)
    taken: list[list[float]] = []
    failures: list[Exception] = []
    end = time.monotonic() + chosen.seconds

    def work(line: int) -> None:
        try:
            write = _writer(chosen)
            mine: list[float] = []
            taken.append(mine)
            # each connection takes other conversations, and comes back to one as late as it can
            for turn in itertools.count(line * processes + number, chosen.connections * processes):
                began = time.perf_counter()
                if time.monotonic() >= end:
                    return
                place = places[turn % len(places)]
                write(place, turn // len(places) % place.count, f"{run}-{turn}")
                mine.append(time.perf_counter() - began)
        except Exception as problem:
            failures.append(problem)

    began = time.monotonic()
    threads = [threading.Thread(target=work, args=(line,)) for line in range(chosen.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    seconds = [one for mine in taken for one in mine]
    json.dump({"per_second": len(seconds) / (time.monotonic() - began), "seconds": seconds}, sys.stdout)


Write = Callable[[Place, int, str], None]


def _writer(orders: Orders) -> Write:
    return _over_http(orders) if orders.by == "api" else _into_rows(orders)


WORDS = "Здравствуйте! Ваш заказ уже в пути, курьер позвонит за час до приезда. Если нужно другое время, напишите нам."


def _over_http(orders: Orders) -> Write:
    connection = socket.create_connection((orders.host, orders.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answers = connection.makefile("rb")

    def write(place: Place, index: int, key: str) -> None:
        body = json.dumps({"content": WORDS, "echo_id": key}).encode()
        head = (
            f"POST /api/v1/accounts/{place.account_id}/conversations/{index + 1}/messages HTTP/1.1\r\n"
            f"Host: {orders.host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"api_access_token: {place.token}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        status = answers.readline()
        size = 0
        while (line := answers.readline()) not in {b"\r\n", b""}:
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        answer = answers.read(size)
        if b" 200 " not in status:
            raise RuntimeError(f"{status!r} {answer[:300]!r}")

    return write


def _into_rows(orders: Orders) -> Write:
    """The same rows, as barely as they can be written: four prepared statements and a commit."""
    connection = psycopg.connect(orders.conninfo, prepare_threshold=1)

    def write(place: Place, index: int, key: str) -> None:
        account, conversation = place.account_id, place.first_id + index
        run = connection.execute
        row = run(MESSAGE, (account, conversation, place.inbox_id, place.user_id, WORDS, key)).fetchone()
        message = row[0] if row else 0
        run(MOVE, (message, account, conversation))
        counter = run(BUMP, (account,)).fetchone()
        seq = counter[0] if counter else 0
        data = json.dumps(FACTS | {"conversation_id": conversation, "message_id": message, "display_id": index + 1})
        run(EVENT, (account, seq, conversation, f"user:{place.user_id}", data))
        connection.commit()

    return write


MESSAGE = (
    "insert into message (account_id, conversation_id, inbox_id, message_type, sender_type, sender_id, content,"
    " client_message_id) values (%s, %s, %s, 'outgoing', 'user', %s, %s, %s) returning id"
)
MOVE = (
    "update conversation set last_activity_at = now(), updated_at = now(), thread_version = thread_version + 1,"
    " waiting_since = null, first_replied_at = coalesce(first_replied_at, now()), last_message_id = %s"
    " where account_id = %s and id = %s"
)
BUMP = "update counter set value = value + 1 where account_id = %s and kind = 'event' returning value"
EVENT = (
    "insert into event (account_id, seq, name, conversation_id, actor, occurred_at, data)"
    " values (%s, %s, 'message.created', %s, %s, now(), %s)"
)
FACTS = {
    "inbox_id": 1, "contact_id": 1, "status": "open", "held_by": None, "assignee_id": None, "team_id": None,
    "labels": [], "priority": None, "thread_version": 1, "message_type": "outgoing", "is_private": False,
    "sender_type": "user", "sender_id": 1, "version": 1, "content_type": "text",
}  # fmt: skip


if __name__ == "__main__":
    main()
