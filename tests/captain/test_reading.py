"""What people type, made readable."""

import pytest

from captain.evaluate import labelled
from captain.fit import QUESTIONS
from captain.letters import likely_reading, spelled_russian
from captain.text import (
    QUERY_LIMIT,
    AnswerType,
    Script,
    answer_type,
    content,
    for_model,
    holds,
    language,
    most_alike,
    question,
    sanitise,
    script,
    sentences,
    similarity,
    stems,
)


def test_a_nul_a_lone_surrogate_and_invisible_characters_disappear() -> None:
    assert sanitise("при\0вет\ud800 \u200bмир\ufeff") == "привет мир"


def test_lines_and_emoji_stay() -> None:
    assert sanitise("раз\nдва\t👍") == "раз\nдва\t👍"


def test_a_question_is_cut_at_its_limit() -> None:
    assert len(question("чай " * 5000)) <= QUERY_LIMIT


@pytest.mark.parametrize("nothing", ["", " ", "\0", "\ud800", "👍", "???"])
def test_nothing_to_read_is_no_error(nothing: str) -> None:
    assert content(question(nothing)) == ()


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError):
        sanitise(None)  # type: ignore[arg-type]


def test_yo_is_ye_for_the_model_and_for_stems() -> None:
    assert for_model("Ёлка, ещё") == "Елка, еще"
    assert stems("зелёные ёлки") == stems("зеленые елки")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ghbdtn", "привет"),
        ("yt gjvy. gfhjkm", "не помню пароль"),
        ("rfr gjlrk.xbnm Telegram", "как подключить Telegram"),
        ("руддщ цщкдв", "hello world"),
        ("gde moya posylka", "где моя посылка"),
        ("ne prihodit kod", "не приходит код"),
    ],
)
def test_a_slip_of_the_keyboard_is_read_as_it_was_meant(typed: str, meant: str) -> None:
    assert likely_reading(typed) == meant


@pytest.mark.parametrize(
    "right",
    [
        "как подключить telegram и whatsapp",
        "how do I reset my password",
        "Slack",
        "Google",
        "API",
        "привет",
        "шкаф",
        "заказ 12345-AB не пришёл",
        "https://example.org/help",
        "mika@example.org",
        "аааа",
        "",
    ],
)
def test_what_is_no_slip_stays_as_it_is(right: str) -> None:
    assert likely_reading(right) == right


def test_a_latin_name_is_known_as_a_russian_ear_writes_it() -> None:
    assert spelled_russian("Telegram") == "телеграм"


def test_courtesies_are_no_part_of_the_question() -> None:
    assert question("Здравствуйте! Подскажите, пожалуйста, как заварить чай?") == "как заварить чай?"
    assert question("Добрый день") == "Добрый день"


def test_a_question_that_leans_on_the_last_message_takes_it_along() -> None:
    assert (
        question("а сколько это стоит?", ["Привет", "Есть доставка в Ош?"])
        == "Есть доставка в Ош? а сколько это стоит?"
    )


@pytest.mark.parametrize("alone", ["как вернуть деньги", "спасибо", "пароль"])
def test_a_question_that_stands_alone_takes_nothing_along(alone: str) -> None:
    assert question(alone, ["Есть доставка в Ош?"]) == alone


def test_thanks_after_an_answer_do_not_ask_it_again() -> None:
    assert content(question("Спасибо!", ["Есть доставка в Ош?"])) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("чай", Script.CYRILLIC),
        ("tea", Script.LATIN),
        ("что такое human agent", Script.CYRILLIC),
        ("42 👍", Script.NONE),
    ],
)
def test_names_in_latin_letters_leave_a_russian_text_russian(text: str, expected: Script) -> None:
    assert script(text) is expected


def test_language_follows_the_script() -> None:
    assert (language("чай"), language("tea"), language("42")) == ("ru", "en", "ru")


def test_forms_of_a_word_share_a_stem_and_question_words_have_no_content() -> None:
    assert stems("возврат") == stems("возвратом")
    assert content("как мне вернуть возвраты возврата?") == (*stems("вернуть"), *stems("возврат"))


def test_similarity_is_that_of_pg_trgm() -> None:
    # select similarity('word', 'two words') → 0.36363637, https://www.postgresql.org/docs/current/pgtrgm.html
    assert similarity("word", "two words") == pytest.approx(4 / 11)
    assert similarity("", "") == 0


def test_the_most_alike_is_whichever_similarity_puts_first() -> None:
    known = sorted({stem for item in labelled(QUESTIONS, "shop") for stem in content(item.question)})
    for mistyped in ("даставк", "возврт", "оплатт", "промакод"):
        assert most_alike(mistyped, known) == max((similarity(mistyped, one), one) for one in known)
    assert most_alike("чай", ["кот"]) == most_alike("чай", []) == (0.0, "")


def test_a_line_break_ends_a_sentence_and_an_abbreviation_does_not() -> None:
    assert sentences("Пишите на ул. Чуй, 1. Ждём!\nВсегда") == ["Пишите на ул. Чуй, 1.", "Ждём!", "Всегда"]


@pytest.mark.parametrize(
    ("asked", "wanted", "right", "wrong"),
    [
        ("Сколько стоит доставка?", AnswerType.NUMBER, "Она стоит 200 сомов.", "Она недорогая."),
        ("Когда вы открылись?", AnswerType.DATE, "Мы открылись в мае 2019 года.", "Мы открылись давно."),
        ("Кто вас основал?", AnswerType.NAME, "Нас основала Айгуль Осмонова.", "Нас основали друзья."),
        ("Как вернуть чайник?", AnswerType.STEPS, "1. Откройте заказ.", "Это просто."),
    ],
)
def test_a_question_wants_a_kind_of_answer(asked: str, wanted: AnswerType, right: str, wrong: str) -> None:
    assert answer_type(asked) is wanted
    assert holds(right, wanted)
    assert not holds(wrong, wanted)


def test_how_long_asks_for_no_steps() -> None:
    assert answer_type("как долго ждать") is AnswerType.ANY
