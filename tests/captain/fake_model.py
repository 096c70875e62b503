"""A server that speaks as OpenAI's do, and says what it is told to; and the plainest client for it."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answering = Callable[[str, dict[str, Any]], tuple[int, Any]]  # path, body → status, JSON or bytes


class FakeModel:
    """At `base`; `asked` holds every (path, body)."""

    def __init__(self, answering: Answering) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.asked.append((self.path, {}))
                self.send_error(404)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.asked.append((self.path, body))
                status, told = answering(self.path, body)
                raw = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.base = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def fake_model(answering: Answering) -> Iterator[FakeModel]:
    made = FakeModel(answering)
    try:
        yield made
    finally:
        made.close()


def chat(content: Any) -> tuple[int, Any]:
    """A chat completion that says this; what is no string is said as JSON."""
    said = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return 200, {"choices": [{"index": 0, "message": {"role": "assistant", "content": said}}]}


def post(url: str, body: Mapping[str, Any], seconds: float) -> tuple[int, bytes]:
    """As the guarded client answers; OSError when nobody does."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()
