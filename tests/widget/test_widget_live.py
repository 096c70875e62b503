"""The visitor's stream, from the real server: what is his, as it happens, and what he missed."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

import httpx
import pytest
from sqlmodel import select

from app import realtime
from app.conversations import actions
from app.conversations.actions import Writing, by_user
from app.conversations.models import Conversation
from app.conversations.queries import locked
from app.database import session, transaction
from app.widget.visitor import new_source, token
from tests.conftest import Server
from tests.widget.conftest import proof
from tests.world import World, acme


@dataclass
class Card:
    """A visitor's card, as far as the network sees it."""

    http: httpx.Client
    heard: "Queue[tuple[str, Any, int]]" = field(default_factory=Queue)

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"/api/v1/widget/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    def writes(self, content: str) -> Any:
        return self.ok("POST", "messages", {"message": {"content": content}})

    def seq(self) -> int:
        return int(self.ok("GET", "messages")["meta"]["seq"])

    def next(self, name: str) -> Any:
        """The data of the next event of that name; what comes before is passed over."""
        while True:
            told, data, _ = self.heard.get(timeout=30)
            if told == name:
                return data

    def rest(self) -> str:
        """All that is still told, until it is silent for two seconds."""
        told = ""
        with suppress(Empty):
            while True:
                told += json.dumps(self.heard.get(timeout=2), ensure_ascii=False)
        return told

    @contextmanager
    def listening(self, after: int) -> Iterator["Card"]:
        """The stream, read beside the test until the end of the block."""
        with ExitStack() as seat:
            answer = seat.enter_context(self._seat(after))
            for _patience in range(30):
                if answer.status_code != 503:
                    break
                # visitors of tests before had this number too; their seats are free once the server has noticed
                time.sleep(1)
                answer = seat.enter_context(self._seat(after))
            assert answer.status_code == 200
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            threading.Thread(target=self._read, args=(answer,), daemon=True).start()
            yield self

    def _seat(self, after: int) -> AbstractContextManager[httpx.Response]:
        return self.http.stream("GET", "/widget/live", headers={"Last-Event-ID": str(after)})

    def _read(self, answer: httpx.Response) -> None:
        fields: dict[str, str] = {}
        try:
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif "event" in fields:
                    self.heard.put((fields["event"], json.loads(fields["data"]), int(fields.get("id", 0))))
                    fields = {}
        except (httpx.HTTPError, httpx.StreamError):
            return


@pytest.fixture
def world(server: Server) -> World:
    return acme()


@pytest.fixture
def card(server: Server, world: World) -> Iterator[Card]:
    with visiting(server, world) as made:
        yield made


@contextmanager
def visiting(server: Server, world: World, plain: str = "") -> Iterator[Card]:
    headers = {"X-Auth-Token": plain or token(world.inbox, new_source())}
    params = {"website_token": world.inbox.key, "locale": "ru"}
    with httpx.Client(base_url=server.url, params=params, headers=headers, timeout=30) as http:
        yield Card(http)


def agent(world: World, number: int, words: str, *, is_private: bool = False) -> None:
    with transaction(world.account_id):
        conversation = locked(world.account_id, number)
        write = actions.write_note if is_private else actions.reply
        write(conversation, by_user(world.ada), Writing(words))


def conversation_id(world: World, display_id: int) -> int:
    with transaction(world.account_id):
        return session().exec(select(Conversation.id).where(Conversation.display_id == display_id)).one()


def test_an_answer_arrives_as_it_is_written_and_a_note_never(world: World, card: Card) -> None:
    number = conversation_id(world, card.writes("Где заказ?")["conversation_id"])
    with card.listening(card.seq()):
        agent(world, number, "он уже третий раз", is_private=True)
        agent(world, number, "Едет")
        assert card.next("message")["content"] == "Едет"


def test_a_card_that_was_cut_off_hears_what_it_missed_once(world: World, card: Card) -> None:
    number = conversation_id(world, card.writes("Где заказ?")["conversation_id"])
    since = card.seq()
    for n in range(5):
        agent(world, number, f"ответ {n}")
    with card.listening(since):
        heard = [card.next("message")["content"] for _ in range(5)]
        agent(world, number, "последний")
        heard.append(card.next("message")["content"])
    assert heard == [*(f"ответ {n}" for n in range(5)), "последний"]


def test_status_and_reading_are_told(world: World, card: Card) -> None:
    number = conversation_id(world, card.writes("Где заказ?")["conversation_id"])
    with card.listening(card.seq()):
        with transaction(world.account_id):
            actions.mark_seen(locked(world.account_id, number), world.ada)
        assert card.next("conversation")["agent_last_seen_at"] > 0
        with transaction(world.account_id):
            actions.resolve(locked(world.account_id, number), by=world.ada.actor)
        assert card.next("conversation")["status"] == "resolved"


def test_typing_is_told_both_ways_but_not_over_a_note(world: World, card: Card) -> None:
    display_id = card.writes("Где заказ?")["conversation_id"]
    number = conversation_id(world, display_id)
    known = {
        "display_id": display_id,
        "conversation_id": number,
        "inbox_id": world.inbox.id,
        "user_id": world.ada.id,
        "name": "Ada",
    }
    with card.listening(card.seq()):
        realtime.whisper(world.account_id, "presence", doing="viewing", is_private=False, **known)
        realtime.whisper(world.account_id, "presence", doing="typing", is_private=True, **known)
        realtime.whisper(world.account_id, "presence", doing="typing", is_private=False, **known)
        assert card.next("typing") == {"name": "Ada", "is_on": True}


def test_nobody_hears_of_another_ones_conversation(server: Server, world: World, card: Card) -> None:
    number = conversation_id(world, card.writes("моё")["conversation_id"])
    with visiting(server, world) as neighbour:
        foreign = conversation_id(world, neighbour.writes("чужое")["conversation_id"])
        with card.listening(card.seq()):
            agent(world, foreign, "не ваше")
            agent(world, number, "ваше")
            assert card.next("message")["content"] == "ваше"


def test_a_stream_says_nothing_that_the_team_keeps_for_itself(world: World, card: Card) -> None:
    number = conversation_id(world, card.writes("Где заказ?")["conversation_id"])
    with card.listening(card.seq()):
        with transaction(world.account_id):
            conversation = locked(world.account_id, number)
            actions.set_labels(conversation, ["grumpy"], by=world.ada.actor)
            actions.assign(conversation, world.ada.id, by=world.ada.actor)
        agent(world, number, "Едет")
        told = card.next("message")
    assert card.heard.empty()
    assert "grumpy" not in json.dumps(told)
    assert told.keys() & {"assignee_id", "labels", "team_id", "actor"} == set()


def test_the_old_token_hears_nothing_after_signing_in(server: Server, world: World, card: Card) -> None:
    number = conversation_id(world, card.writes("ещё никто")["conversation_id"])
    with card.listening(card.seq()):
        body = {"identifier": "42", "identifier_hash": proof(world, "42")}
        proven = card.ok("PATCH", "contact/set_user", body)["widget_auth_token"]
        agent(world, number, "личное")
        with visiting(server, world, proven) as mine, mine.listening(0):
            while mine.next("message")["content"] != "личное":
                continue
        assert "личное" not in card.rest()


def test_somebody_who_was_away_too_long_begins_anew(world: World, card: Card) -> None:
    card.writes("Где заказ?")
    with card.listening(-realtime.REPLAY_LIMIT - 1):
        assert card.next("reset") == {}


def test_one_visitor_takes_six_seats_at_most(world: World, card: Card) -> None:
    card.writes("Где заказ?")
    with ExitStack() as open_tabs:
        for _ in range(6):
            open_tabs.enter_context(card.listening(card.seq()))
        refused = card.http.get("/widget/live")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "60"


def test_nobody_yet_has_no_stream(server: Server, card: Card) -> None:
    answer = card.http.get("/widget/live")
    assert answer.status_code == 404
    assert answer.json()["error"]
