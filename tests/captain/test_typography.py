"""What rules alone mend in a reply and leave out of it: slips and courtesies go, every fact stays."""

import pytest

from captain.facts import changed, changed_abroad, facts
from captain.typography import fixed, shortened


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("здравствуйте!!Заказ  готов ,заберите", "Здравствуйте! Заказ готов, заберите"),
        ('Кнопка "Вернуть" - в профиле', "Кнопка «Вернуть» — в профиле"),
        ("Ждите.. скоро будет...", "Ждите. Скоро будет…"),
        ("Деньги на на карте", "Деньги на карте"),
        ("Plhfdcndeqnt! Pfrfp ghbtltn pfdnhf", "Здравствуйте! Заказ приедет завтра"),
        ("hello ,i am here", "Hello, I am here"),
        ('He said "yes" - twice', 'He said "yes" - twice'),
    ],
)
def test_slips_of_the_hand_are_mended(typed: str, meant: str) -> None:
    assert fixed(typed) == meant


@pytest.mark.parametrize(
    "kept",
    [
        "Откройте https://a.example/b,c..html и напишите на help@a.example.",
        "Наберите `rm -rf ..`, {{contact.name}}.",
        "Стоит 1,5 сома, т. е. дёшево, и т.д. и т.п.",
        "Работаем 9:00–18:00, ул. Ленина, 5.",
        "Slack и Telegram",
        "Первая строка\n\n- пункт\n- ещё пункт",
    ],
)
def test_what_is_right_stays_as_it_is(kept: str) -> None:
    assert fixed(kept) == kept


def test_mending_twice_changes_nothing_more() -> None:
    once = fixed('ну  вот,"так"- и  живём !!  ghbdtn')
    assert fixed(once) == once


def test_courtesies_that_say_nothing_go_and_facts_stay() -> None:
    said = (
        "Здравствуйте, Мика! Хотим сообщить вам, что в настоящее время заказ №4512 в пути и приедет 5 января. "
        "Надеемся, что эта информация была полезной. Если у вас возникнут вопросы, обращайтесь!"
    )
    shorter = shortened(said)
    assert shorter == "Здравствуйте, Мика! Сейчас заказ №4512 в пути и приедет 5 января."
    assert changed(said, shorter) == []


@pytest.mark.parametrize(
    "kept",
    [
        "Если у вас возникнут вопросы, пишите на help@a.example.",
        "Если вопрос о размере, какой у вас рост?",
        "Спасибо за ожидание 25 минут: вот промокод.",
    ],
)
def test_a_courtesy_that_names_or_asks_something_stays(kept: str) -> None:
    assert shortened(kept) == kept


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("Вернём 1500 сомов.", "Вернём 1000 сомов.", "1500"),
        ("Приедет в пятницу.", "Приедет в субботу.", "пятницу"),
        ("Напишите на a@b.example.", "Напишите на a@b.example.org.", "a@b.example"),
        ("Смотрите https://a.example/x.", "Смотрите https://a.example/y.", "https://a.example/x"),
        ("Вам поможет Айгуль.", "Вам поможет Динара.", "Айгуль"),
        ("Нажмите «Вернуть».", "Нажмите «Отменить».", "Вернуть"),
        ("Вернуть можно.", "Вернуть нельзя.", "нельзя"),
        ("Здравствуйте, {{contact.name}}!", "Здравствуйте!", "{{contact.name}}"),
        ("Приедет за три дня.", "Приедет за пять дней.", "три"),
        ("Приедет.", "Приедет завтра.", "завтра"),
    ],
)
def test_a_changed_fact_is_seen(before: str, after: str, what: str) -> None:
    assert what in changed(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Деньги вернутся Айгуль за 5 дней.", "За 5 дней деньги придут. Айгуль их получит."),
        ("Мы отправим заказ Динаре в Ош.", "Динара получит заказ в Оше."),
        ("Напишите нам.", "Не стесняйтесь, напишите нам!"),
    ],
)
def test_other_words_for_the_same_facts_change_none(before: str, after: str) -> None:
    assert changed(before, after) == []


def test_a_translation_keeps_numbers_and_addresses_and_may_change_the_rest() -> None:
    assert changed_abroad("Айгуль вернёт 500 сомов: a@b.example", "Aigul returns 500 soms: a@b.example") == []
    assert changed_abroad("Вернём 500 сомов", "We return 50 soms") == ["500", "50"]


def test_facts_are_told_once_and_in_order() -> None:
    assert facts("Заказ 12, заказ 12, Telegram и Telegram") == ["12", "Telegram"]
