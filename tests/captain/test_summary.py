"""A long thread in short: what is wanted, answered, open, each with the message that says it."""

import json
from typing import Any

import pytest

from captain.client import Captain as Client
from captain.embedder import Embedder
from captain.remote import Address
from captain.server import Captain
from captain.wire import Line, Part
from captain.writer import Writer
from tests.captain.fake_model import chat, fake_model, post

THREAD = (
    ("customer", "Здравствуйте!"),
    ("customer", "Я оформила заказ №481516 в понедельник, а он до сих пор не пришёл. Где он сейчас?"),
    ("agent", "Здравствуйте, Айгерим! Сейчас посмотрю."),
    ("agent", "Посылка на сортировке в Оше, её передадут курьеру завтра до 12:00."),
    ("customer", "Спасибо. А можно поменять адрес доставки? Я теперь на улице Токтогула, 12."),
    ("agent", "Да, адрес изменили. Курьер позвонит вам за час."),
    ("customer", "И ещё: одна банка варенья мне не нужна, верните за неё деньги, пожалуйста."),
    ("agent", "Оформим возврат, деньги вернутся в течение 5 рабочих дней."),
    ("customer", "Хорошо. А чек вы пришлёте на почту?"),
)
LINES = [Line(number, who, text) for number, (who, text) in enumerate(THREAD, 1)]


def told(model: Embedder, form: dict[str, Any]) -> dict[str, Any]:
    """What a Captain makes of it whose model fills in this form."""
    with fake_model(lambda *_: chat(form)) as fake:
        captain = Captain(model, cores=2, writer=Writer(Address("fake", fake.base), post))
        lines = [{"id": line.id, "who": line.who, "text": line.text} for line in LINES]
        return captain.handle(json.dumps({"ask": "sum_up", "lines": lines, "budget_seconds": 20}).encode())


def test_without_a_model_it_is_their_own_sentences_with_the_message_each_stands_in(captain: Client) -> None:
    found = captain.sum_up(LINES, "ru")
    assert found.by == "nobody"
    assert all(point.text in next(line.text for line in LINES if line.id == point.id) for point in found.points)
    wants = [point.id for point in found.points if point.part == Part.WANTS]
    assert wants == [2, 5, 7]
    assert {6, 8} & {point.id for point in found.points if point.part == Part.ANSWERED}
    assert [point.id for point in found.points if point.part == Part.OPEN] == [9]


def test_what_was_answered_is_not_open(captain: Client) -> None:
    found = captain.sum_up(LINES[:8], "ru")
    assert [point for point in found.points if point.part == Part.OPEN] == []


def test_a_thread_without_a_customers_word_comes_to_nothing(captain: Client) -> None:
    assert captain.sum_up([Line(1, "agent", "Здравствуйте, ваш заказ готов.")], "ru").points == ()
    assert captain.sum_up([], "ru").points == ()


def test_a_models_line_that_its_message_does_not_say_is_dropped(model: Embedder) -> None:
    form = {
        "wants": [{"text": "Заказ №481516 не пришёл.", "source": 2}],
        "answered": [{"text": "Деньги вернутся в течение 3 дней.", "source": 8}, {"text": "Адрес изменили.", "source": 6}],
        "open": [{"text": "Пришлёте чек на почту?", "source": 99}],
    }  # fmt: skip
    found = told(model, form)
    assert found["by"] == "model"
    assert [(point["part"], point["id"]) for point in found["points"]] == [("wants", 2), ("answered", 6)]


@pytest.mark.parametrize("form", [{}, {"wants": [{"text": "Хочет слона.", "source": 2}], "answered": [], "open": []}])
def test_a_model_that_says_nothing_that_holds_leaves_their_own_sentences(model: Embedder, form: dict[str, Any]) -> None:
    assert told(model, form)["by"] == "nobody"
