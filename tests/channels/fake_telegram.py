"""A Telegram on the loopback address: remembers what bots send, and fails on demand.

Answers have the shapes of https://core.telegram.org/bots/api#making-requests.
"""

import contextlib
import json
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from werkzeug.formparser import parse_form_data

TOKEN = "123456:fake-token_A"


@dataclass(frozen=True)
class Call:
    """A method a bot called: its form fields, and its files as {field: (name, content type, bytes)}."""

    method: str
    fields: dict[str, str]
    files: dict[str, tuple[str, str, bytes]]


@dataclass(frozen=True)
class Refusal:
    """What Telegram says when it does not do it."""

    status: int
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        reply = {"ok": False, "error_code": self.status, "description": self.description}
        return json.dumps(reply | ({"parameters": self.parameters} if self.parameters else {})).encode()


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, such as a gateway's page."""

    status: int
    content: bytes = b""

    def body(self) -> bytes:
        return self.content


CUT = "the message arrives, and the line breaks before the answer"
DROPPED = "the line breaks before anything is read"
Behaviour = Refusal | Raw | str


class FakeTelegram:
    """`sent` are the messages that arrived, in order. `next_sends` says what becomes of the next ones; then all arrive."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.sent: list[Call] = []
        self.next_sends: deque[Behaviour] = deque()
        self.delay_seconds = 0.0
        self.files: dict[str, bytes] = {}
        self.webhook: dict[str, Any] = {"url": "", "pending_update_count": 0}
        self.url = ""
        self._numbers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def texts(self, chat_id: str | None = None) -> list[str]:
        """What one chat, or everybody, was written."""
        return [call.fields.get("text", "") for call in self.sent if chat_id in {None, call.fields["chat_id"]}]

    def behaviour(self) -> Behaviour | None:
        with self._lock:
            return self.next_sends.popleft() if self.next_sends else None

    def arrive(self, call: Call) -> dict[str, Any]:
        with self._lock:
            self.sent.append(call)
            self._numbers[call.fields["chat_id"]] += 1
            return {"message_id": 1000 + self._numbers[call.fields["chat_id"]], "date": int(time.time())}


@contextlib.contextmanager
def fake_telegram() -> Iterator[FakeTelegram]:
    """A Telegram that answers at `url` until the end of the block."""
    fake = FakeTelegram()
    handler = type("Handler", (_Handler,), {"fake": fake})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        fake.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield fake
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeTelegram
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        prefix = f"/file/bot{TOKEN}/"
        name = self.path.removeprefix(prefix)
        if not self.path.startswith(prefix) or name not in self.fake.files:
            return self._answer(404, b'{"ok":false,"error_code":404,"description":"Not Found"}')
        return self._answer(200, self.fake.files[name])

    def do_POST(self) -> None:
        behaviour = self.fake.behaviour() if "/send" in self.path else None
        if behaviour == DROPPED:
            return self._hang_up()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token, _, method = self.path.removeprefix("/bot").rpartition("/")
        call = self._read(method, body)
        self.fake.calls.append(call)
        time.sleep(self.fake.delay_seconds)
        if token != TOKEN:
            behaviour = Refusal(401, "Unauthorized")
        if isinstance(behaviour, Refusal | Raw):
            return self._answer(behaviour.status, behaviour.body())
        result = self._do(call)
        if behaviour == CUT:
            return self._hang_up()
        return self._answer(200, json.dumps({"ok": True, "result": result}).encode())

    def _do(self, call: Call) -> Any:
        actions: dict[str, Callable[[Call], Any]] = {
            "getMe": lambda _call: {"id": 123456, "is_bot": True, "first_name": "Acme", "username": "acme_bot"},
            "setWebhook": lambda call: self.fake.webhook.update(call.fields) or True,
            "getWebhookInfo": lambda _call: self.fake.webhook,
            "getFile": lambda call: {"file_id": call.fields["file_id"], "file_path": call.fields["file_id"]},
        }
        return actions.get(call.method, self.fake.arrive)(call)

    def _read(self, method: str, body: bytes) -> Call:
        environ = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        _stream, form, files = parse_form_data(environ)
        sent = {name: (file.filename or "", file.mimetype, file.read()) for name, file in files.items()}
        return Call(method, form.to_dict(), sent)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""
