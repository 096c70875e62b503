"""A Chatwoot on the loopback address, with the answers its clients rely on: envelopes, pages, epoch seconds."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "chatwoot-token"
START = 1_767_600_000
ANNA = {"id": 7, "name": "Анна", "email": "anna@example.org", "phone_number": "+996555000111"}
AGENTS = [
    {"id": 1, "name": "Марат", "email": "marat@example.org", "role": "administrator"},
    {"id": 2, "name": "Алсу", "email": "alsu@example.org", "role": "agent"},
]
HOURS = [
    {"day_of_week": day, "closed_all_day": day == 0, "open_all_day": day == 6, "open_hour": 9, "open_minutes": 0,
     "close_hour": 18, "close_minutes": 30}
    for day in range(7)
]  # fmt: skip


def message(
    number: int, seconds: int, kind: int, words: str, sender: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    told = {"id": number, "content": words, "message_type": kind, "created_at": START + seconds, "private": False}
    return told | ({"sender": sender} if sender else {}) | more


def user(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "name": name, "type": "user"}


class FakeChatwoot:
    """`messages`: {conversation id: its messages}; `failures`: statuses to answer with before anything else."""

    def __init__(self) -> None:
        self.failures: list[int] = []
        self.asked: list[str] = []
        self.conversations = [self._conversation(n) for n in range(1, 61)]
        self.messages = {n: self._messages(n) for n in range(1, 61)}

    def answer(self, path: str, query: dict[str, str]) -> Any:
        page = int(query.get("page", 1))
        match path.removeprefix("/api/v1/").removeprefix("accounts/3/").split("/"):
            case ["profile"]:
                return {"account_id": 3, "id": 1}
            case ["agents"]:
                return AGENTS
            case ["teams"]:
                return [{"id": 4, "name": "оплата"}]
            case ["teams", "4", "team_members"]:
                return AGENTS[:1]
            case ["inboxes"]:
                return {"payload": [{"id": 5, "name": "Почта", "channel_type": "Channel::Email", "working_hours_enabled": True,
                                     "timezone": "Asia/Bishkek", "working_hours": HOURS}]}  # fmt: skip
            case ["inbox_members", "5"]:
                return {"payload": AGENTS}
            case ["contacts"]:
                return {"meta": {"count": 1, "current_page": page}, "payload": [ANNA] if page == 1 else []}
            case ["csat_survey_responses"]:
                told = {
                    "id": 1,
                    "conversation_id": 1,
                    "rating": 4,
                    "feedback_message": "Спасибо",
                    "created_at": START + 900,
                }
                return [told] if page == 1 else []
            case ["conversations"]:
                # the last page moves by one, as when somebody writes meanwhile
                rows = self.conversations[max(0, (page - 1) * 25 - (page > 1)) :][:25]
                return {"data": {"meta": {"all_count": len(self.conversations)}, "payload": rows}}
            case ["conversations", number, "messages"]:
                after = int(query["after"])
                return {
                    "meta": {},
                    "payload": [each for each in self.messages[int(number)] if each["id"] > after][:100],
                }
        return None

    def _conversation(self, n: int) -> dict[str, Any]:
        return {
            "id": n, "inbox_id": 5, "status": "resolved" if n < 60 else "snoozed", "priority": "high" if n == 1 else None,
            "labels": ["возврат"] if n == 1 else [], "created_at": START + n, "last_activity_at": START + 600,
            "snoozed_until": "2099-01-01T00:00:00.000Z" if n == 60 else None,
            "meta": {"sender": ANNA if n < 60 else {"id": 8, "name": "Bo"}, "assignee": {"id": 1, "name": "Марат"},
                     "team": {"id": 4, "name": "оплата"} if n == 1 else None},
        }  # fmt: skip

    def _messages(self, n: int) -> list[dict[str, Any]]:
        first = n * 1000
        told = [
            message(first + 1, n, 0, f"Вопрос {n}", {"id": 7, "type": "contact"}),
            message(first + 2, n + 1, 3, "Скоро ответим"),
            message(first + 3, n + 60, 1, "Смотрим", user(1, "Марат"), private=True),
            message(
                first + 4,
                n + 90,
                1,
                "Вот чек",
                user(9, "Ушедший"),
                attachments=[{"data_url": "https://x.example/c.pdf"}],
            ),
            message(first + 5, n + 95, 1, "Я бот", {"id": 3, "name": "Bot", "type": "agent_bot"}),
        ]
        if n < 59:
            told.append(message(first + 6, n + 300, 2, "Conversation was marked resolved by Алсу"))
        if n == 2:
            told += [message(first + 10 + k, 400 + k, 0, f"Ещё {k}", {"id": 7, "type": "contact"}) for k in range(150)]
        return told

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                fake.asked.append(self.path)
                told = fake.answer(parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()})
                status = 200 if told is not None else 404
                if self.headers.get("api_access_token") != TOKEN:
                    status = 401
                elif fake.failures:
                    status = fake.failures.pop(0)
                body = json.dumps(told if status == 200 else {"error": "no"}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
