"""Labels and canned responses suggested beside the composer: worked out in the background, decided once, told to the log."""

from typing import Any

import pytest
from sqlmodel import select

from app.assist import hints, learning
from app.assist.models import CannedVector, LabelModel, SuggestionKind, SuggestionState
from app.conversations.actions import resolve, set_labels
from app.conversations.models import Message
from app.conversations.queries import locked
from app.database import transaction
from app.events import log
from app.labels.actions import create_label
from app.shortcuts.actions import create_canned_response
from tests.assist.desk import works
from tests.entering import signed_in
from tests.world import World, acme, asks, replies

pytestmark = pytest.mark.usefixtures("database", "captain")

SUBJECTS = {
    "доставка": ("Сколько стоит доставка в {}?", "Когда привезут заказ в {}?", "Где мой заказ, жду в {}", "Курьер не едет в {}"),
    "возврат": ("Верните деньги за {}", "Хочу вернуть {}", "Как оформить возврат, не подошёл {}", "Не пришёл возврат за {}"),
}  # fmt: skip
THINGS = ("Ош", "Бишкек", "Талас", "чай", "мёд")
CANNED = "Доставка по стране занимает два дня и стоит 200 сомов, в другой город везём три дня за 350 сомов."


def test_a_label_that_the_desk_gives_is_suggested_and_one_click_gives_it() -> None:
    world = _taught()
    asked = asks(world, "Сколько стоит привезти заказ в Токмок?", who="nina")
    works(world)
    (hint,) = _shown(world, asked)
    assert (hint.kind, hint.content, hint.confidence >= 0.5) == (SuggestionKind.LABEL, "доставка", True)
    bo = signed_in(world.bo, world)
    number = _number(world, asked)
    page = bo.get(f"/conversations/{number}").text
    assert "hint__take" in page
    for _twice in range(2):
        assert bo.post(f"/conversations/{number}/suggestions/{hint.id}/use").status_code == 303
    with transaction(world.account_id):
        assert locked(world.account_id, asked.conversation_id).labels == ["доставка"]
    assert _shown(world, asked) == []
    assert _told(world, "captain.suggestion_used") == [hint.id]


def test_a_label_that_an_agent_has_given_meanwhile_is_not_offered_any_more() -> None:
    world = _taught()
    asked = asks(world, "Сколько стоит привезти заказ в Токмок?", who="nina")
    works(world)
    assert _shown(world, asked)
    with transaction(world.account_id):
        set_labels(locked(world.account_id, asked.conversation_id), ["доставка"], by=world.ada.actor)
    assert _shown(world, asked) == []


def test_a_label_somebody_put_aside_does_not_come_back() -> None:
    world = _taught()
    asked = asks(world, "Сколько стоит доставка в Токмок?", who="nina")
    works(world)
    (hint,) = _shown(world, asked)
    number = _number(world, asked)
    assert (
        signed_in(world.bo, world).post(f"/conversations/{number}/suggestions/{hint.id}/dismissal").status_code == 303
    )
    asks(world, "Так сколько стоит доставка в Токмок?", who="nina")
    works(world)
    assert _shown(world, asked) == []
    assert _told(world, "captain.suggestion_dismissed") == [hint.id]


def test_a_label_it_has_or_that_is_on_the_list_no_more_is_not_suggested() -> None:
    world = _taught()
    asked = asks(world, "Сколько стоит доставка в Токмок?", who="nina")
    with transaction(world.account_id):
        set_labels(locked(world.account_id, asked.conversation_id), ["доставка"], by=world.ada.actor)
    works(world)
    assert _shown(world, asked) == []


def test_a_desk_without_a_past_learns_nothing_and_suggests_nothing() -> None:
    world = acme()
    assert learning.learn(world.account_id) == 0
    asked = asks(world, "Сколько стоит доставка?")
    works(world)
    assert _shown(world, asked) == []


def test_a_canned_response_that_answers_is_suggested_until_somebody_answers() -> None:
    world = _with_canned(acme())
    asked = asks(world, "Сколько стоит доставка в другой город и сколько дней везёте?", who="nina")
    works(world)
    (hint,) = _shown(world, asked)
    assert (hint.kind, hint.content) == (SuggestionKind.CANNED, CANNED)
    replies(world, asked, CANNED)
    assert _shown(world, asked) == []


def test_a_canned_response_that_does_not_answer_is_not_suggested() -> None:
    world = _with_canned(acme())
    asked = asks(world, "Можно ли перекрасить самолёт в фиолетовый?", who="nina")
    works(world)
    assert _shown(world, asked) == []


def test_canned_responses_are_read_once() -> None:
    world = _with_canned(acme())
    for words in ("Сколько стоит доставка?", "А за сколько дней везёте?"):
        asks(world, words, who="nina")
        works(world)
    with transaction(world.account_id) as current:
        assert len(list(current.exec(select(CannedVector)))) == len(TEXTS)


def test_what_was_sent_of_a_canned_response_is_told() -> None:
    world = _with_canned(acme())
    asked = asks(world, "Сколько стоит доставка в другой город и сколько дней везёте?", who="nina")
    works(world)
    (hint,) = _shown(world, asked)
    number = _number(world, asked)
    form = {"content": CANNED + " Ждём вас!", "suggestions": str(hint.id), "seen_version": "9"}
    assert signed_in(world.bo, world).post(f"/conversations/{number}/messages", data=form).status_code == 303
    with transaction(world.account_id):
        (event,) = [e for e in log.read(world.account_id, 0, 1000) if e.name == "captain.suggestion_edited"]
    assert event.data["edit_distance"] == len(" Ждём вас!")
    assert event.data["kind"] == SuggestionKind.CANNED


TEXTS = {
    "доставка": CANNED,
    "номер": "Подскажите, пожалуйста, номер заказа: шесть цифр из письма.",
    "фото": "Пришлите фото товара и упаковки прямо сюда.",
    "возврат": "Возврат оформили, деньги вернутся на карту за пять дней.",
    "пока": "Были рады помочь! Если что-то понадобится, напишите.",
    "часы": "Мы отвечаем каждый день с девяти до девяти.",
    "пароль": "Нажмите «Забыли пароль», письмо придёт на почту.",
    "самовывоз": "Забрать заказ можно с десяти до шести, возьмите паспорт.",
}


def _with_canned(world: World) -> World:
    with transaction(world.account_id):
        for code, text in TEXTS.items():
            create_canned_response(world.account_id, code, text, by=world.ada.actor)
    return world


def _taught() -> World:
    """Acme, whose agents have labelled 40 resolved conversations by what they were about."""
    world = acme()
    with transaction(world.account_id):
        for label in SUBJECTS:
            create_label(world.account_id, label, by=world.ada.actor)
    for label, questions in SUBJECTS.items():
        for n, (question, thing) in enumerate((q, t) for q in questions for t in THINGS):
            asked = asks(world, question.format(thing), who=f"{label}{n}")
            with transaction(world.account_id):
                conversation = locked(world.account_id, asked.conversation_id)
                set_labels(conversation, [label], by=world.ada.actor)
                resolve(conversation, by=world.ada.actor)
    works(world)
    assert learning.learn(world.account_id) == len(SUBJECTS)
    with transaction(world.account_id) as current:
        assert all(one.precision_low >= 0.8 for one in current.exec(select(LabelModel)))
    return world


def _shown(world: World, asked: Message) -> list[Any]:
    with transaction(world.account_id):
        found = hints.hints(locked(world.account_id, asked.conversation_id))
    assert all(one.state == SuggestionState.SHOWN for one in found)
    return found


def _told(world: World, name: str) -> list[int]:
    with transaction(world.account_id):
        return [e.data["suggestion_id"] for e in log.read(world.account_id, 0, 2000) if e.name == name]


def _number(world: World, asked: Message) -> int:
    with transaction(world.account_id):
        return locked(world.account_id, asked.conversation_id).display_id
