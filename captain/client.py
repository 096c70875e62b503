"""How everybody else asks Captain: over his socket, within a budget. No numpy, no model, standard library only."""

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from captain.wire import (
    PATH_LIMIT,
    REQUEST_LIMIT,
    Alternative,
    Calibration,
    Candidate,
    Citation,
    Line,
    Part,
    Point,
    Ranked,
    Ranking,
    Reply,
    Rewritten,
    Summary,
    Thresholds,
    Understood,
    Verdict,
    Wish,
)

ANSWER_LIMIT = 16 * 1024 * 1024  # bytes


class CaptainAway(Exception):
    """Captain did not answer: absent, too slow, or he refused the request. The message says which."""


@dataclass(frozen=True)
class Captain:
    """Captain at a socket. Every call connects anew and keeps within `budget_seconds` as a whole, or raises CaptainAway.

    Safe to share between threads and to keep over a fork.
    """

    socket_path: str | Path
    budget_seconds: float = 2.0

    def ping(self) -> str:
        """The name of the embedder in use."""
        return str(self._ask({"ask": "ping"})["embedder"])

    def understand(self, question: str, context: Sequence[str] = (), embedder: str | None = None) -> Understood:
        """The question made ready to search with. context: what the customer wrote before, oldest first. embedder: the
        model of the vectors that it will be compared with; the answer names the one that he had."""
        with self.understanding(question, context, embedder) as told:
            return told()

    @contextmanager
    def understanding(
        self, question: str, context: Sequence[str] = (), embedder: str | None = None
    ) -> Iterator[Callable[[], Understood]]:
        """As `understand`, asked at once and told when called, so that something else can be done meanwhile."""
        asked = {"ask": "understand", "question": question, "context": list(context), "embedder": embedder}
        with self._asking(asked) as told:
            yield lambda: _understood(told())

    def embed_queries(self, texts: Sequence[str]) -> list[list[float]]:
        """A question's vector each, repaired as `understand` does; at most 256 a call."""
        return self._embed("query", texts)

    def embed_documents(self, texts: Sequence[str], embedder: str | None = None) -> list[list[float]]:
        """A vector for each text, at most 256 a call. A passage takes about 50 ms of a core: mind the budget.

        embedder: a model that was in use before; CaptainAway when he has it no more.
        """
        return self._embed("document", texts, embedder)

    def rank(
        self,
        question: str,
        candidates: Sequence[Candidate],
        *,
        context: Sequence[str] = (),
        calibration: Calibration = Calibration(),
    ) -> Ranking:
        """The candidates in order, and how sure the first is. No draft: cheap."""
        return _ranking(self._ask(_asked("rank", question, candidates, context, calibration)))

    def answer(
        self,
        question: str,
        candidates: Sequence[Candidate],
        *,
        context: Sequence[str] = (),
        language: str | None = None,
        thresholds: Thresholds = Thresholds(),
        calibration: Calibration = Calibration(),
        greeting: bool = False,
        tone: str = "friendly",
        instructions: str = "",
        is_worded: bool = True,
    ) -> Reply:
        """The reply to a customer. language: `ru`, `en`, or None to take the question's own.

        Where a model is configured it words the reply, in this tone (`friendly`, `formal`) and by the manager's
        instructions, if the budget leaves time for it and unless `is_worded` is false.
        """
        asked = _asked("answer", question, candidates, context, calibration)
        asked |= {"language": language, "thresholds": asdict(thresholds), "greeting": greeting}
        asked |= {"tone": tone, "instructions": instructions, "is_worded": is_worded}
        return _reply(self._ask(asked))

    def rewrite(self, text: str, wish: Wish, into: str | None = None) -> Rewritten:
        """The text worded anew by a model, or by rules. into: `ru` or `en`, of a translation."""
        told = self._ask({"ask": "rewrite", "text": text, "wish": wish, "language": into})
        return Rewritten(told["text"], told["by"], tuple(told["lost"]))

    def sum_up(self, lines: Sequence[Line], language: str) -> Summary:
        """What a thread comes to, in the words of its messages, or in a model's that hold against them."""
        told = self._ask({"ask": "sum_up", "lines": [asdict(line) for line in lines], "language": language})
        return Summary(tuple(Point(Part(one["part"]), one["text"], one["id"]) for one in told["points"]), told["by"])

    def _embed(self, kind: str, texts: Sequence[str], embedder: str | None = None) -> list[list[float]]:
        told = self._ask({"ask": "embed", "kind": kind, "texts": list(texts), "embedder": embedder})
        return _unpacked(told["vectors"], told["dimension"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._asking(request) as told:
            return told()

    @contextmanager
    def _asking(self, request: dict[str, Any]) -> Iterator[Callable[[], dict[str, Any]]]:
        """The request is sent; what is told is waited for when called."""
        deadline = time.monotonic() + self.budget_seconds
        line = _line(request | {"budget_seconds": self.budget_seconds})
        if len(os.fsencode(self.socket_path)) > PATH_LIMIT:
            raise CaptainAway(f"a socket's path has at most {PATH_LIMIT} bytes: {self.socket_path}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            with self._or_away():
                _send(connection, str(self.socket_path), line, deadline)
            yield lambda: self._told(connection, deadline)

    def _told(self, connection: socket.socket, deadline: float) -> dict[str, Any]:
        with self._or_away():
            told = json.loads(_received(connection, deadline))
        if "error" in told:
            raise CaptainAway(f"{told.get('kind', 'refused')}: {told['error']}")
        return dict(told)

    @contextmanager
    def _or_away(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as late:
            raise CaptainAway(f"no answer within {self.budget_seconds} s") from late
        except (OSError, ValueError) as absent:
            raise CaptainAway(f"nobody answers at {self.socket_path}: {absent}") from absent


def _asked(
    ask: str, question: str, candidates: Sequence[Candidate], context: Sequence[str], calibration: Calibration
) -> dict[str, Any]:
    return {
        "ask": ask,
        "question": question,
        "context": list(context),
        "candidates": [vars(candidate) for candidate in candidates],  # asdict() would copy each of their texts
        "calibration": asdict(calibration),
    }


def _line(request: dict[str, Any]) -> bytes:
    # A lone surrogate, which UTF-8 has no bytes for, is sent as if it had, and dropped over there. No escapes otherwise:
    # they make Russian three times as long.
    line = json.dumps(request, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
    if len(line) > REQUEST_LIMIT:
        raise CaptainAway(f"a request has at most {REQUEST_LIMIT} bytes, this one {len(line)}")
    return line


def _send(connection: socket.socket, path: str, line: bytes, deadline: float) -> None:
    """TimeoutError at the deadline; OSError if nobody is there."""
    connection.settimeout(_left(deadline))
    connection.connect(path)
    connection.settimeout(_left(deadline))
    connection.sendall(line)


def _received(connection: socket.socket, deadline: float) -> bytes:
    """The line that comes back. TimeoutError at the deadline, however slowly bytes trickle; OSError if it breaks off."""
    parts: list[bytes] = []
    size = 0
    while not parts or not parts[-1].endswith(b"\n"):
        connection.settimeout(_left(deadline))
        part = connection.recv(1 << 16)
        size += len(part)
        if not part or size > ANSWER_LIMIT:
            raise ConnectionError("the answer broke off" if not part else "the answer is too long")
        parts.append(part)
    return b"".join(parts)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _understood(told: dict[str, Any]) -> Understood:
    vector = _unpacked(told["vectors"], told["dimension"])[0]
    return Understood(told["text"], told["language"], tuple(vector), told["embedder"])


def _unpacked(packed: str, dimension: int) -> list[list[float]]:
    row = struct.Struct(f"<{dimension}f")
    return [list(values) for values in row.iter_unpack(base64.b64decode(packed))]


def _ranking(told: dict[str, Any]) -> Ranking:
    hits = tuple(Ranked(**hit | {"matched": tuple(hit["matched"])}) for hit in told["hits"])
    return Ranking(told["question"], hits, told["confidence"], told["features"])


def _reply(told: dict[str, Any]) -> Reply:
    return Reply(
        text=told["text"],
        citations=tuple(Citation(**citation) for citation in told["citations"]),
        confidence=told["confidence"],
        verdict=Verdict(told["verdict"]),
        alternatives=tuple(Alternative(**alternative) for alternative in told["alternatives"]),
        language=told["language"],
        ranking=_ranking(told["ranking"]),
    )
