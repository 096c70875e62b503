"""An article cut into passages."""

import pytest

from captain.passages import LENGTH, WHOLE, blocks, passages

SENTENCE = "Чай хранят в закрытой банке, вдали от света и пряностей. "


def items(count: int, words: str = "Нажмите кнопку и подождите") -> str:
    return "\n".join(f"{i}. {words} {i}." for i in range(1, count + 1))


def test_a_short_article_is_one_passage_and_says_so() -> None:
    (passage,) = passages("Баллы", "Первый абзац.\n\nВторой абзац.")
    assert passage.text == "Первый абзац.\n\nВторой абзац."
    assert passage.is_whole
    assert passage.prefix == "Баллы"
    assert passage.embedded == "Баллы\nПервый абзац.\n\nВторой абзац."


def test_headings_are_carried_as_prefix_and_a_passage_never_crosses_one() -> None:
    found = passages("Чай", "Вступление.\n\n## Хранение\n\nВ банке.\n\n### Зелёный\n\nОдин год.\n\n## Вкус\n\nТерпкий.")
    assert [passage.prefix for passage in found] == [
        "Чай",
        "Чай — Хранение",
        "Чай — Хранение — Зелёный",
        "Чай — Вкус",
    ]
    assert [passage.position for passage in found] == [0, 1, 2, 3]
    assert not any(passage.is_whole for passage in found)


def test_a_first_heading_that_repeats_the_title_is_not_repeated() -> None:
    assert passages("Чай", "# Чай\n\nВ банке.")[0].prefix == "Чай"


def test_a_title_that_is_only_the_beginning_of_the_text_is_not_read_twice() -> None:
    text = " ".join(f"Сорт {i}: {SENTENCE.strip()}" for i in range(8))
    cut = f"{text[:52].rstrip()}…"
    assert {passage.prefix for passage in passages(cut, text)} == {""}
    assert {passage.prefix for passage in passages("Сорт 0", text)} == {"Сорт 0"}


def test_a_short_article_of_some_length_is_found_by_its_parts_and_quoted_whole() -> None:
    text = " ".join(f"Сорт {i}: {SENTENCE.strip()}" for i in range(8))
    found = passages("Чай", text)
    assert LENGTH < len(text) <= WHOLE
    assert len(found) == 2
    assert all(passage.text == text and passage.is_whole for passage in found)
    assert " ".join(passage.read for passage in found) == text
    assert len({passage.content_hash for passage in found}) == 2


def test_a_passage_names_its_sentences_under_title_and_heading() -> None:
    (passage,) = passages("Чай", "## Сбор\n\nЧай растёт в горах. Собирают его в апреле.")
    assert passage.in_place == ("Чай — Сбор\nЧай растёт в горах.", "Чай — Сбор\nСобирают его в апреле.")


def test_sentences_of_an_article_without_a_title_are_read_after_its_first_words() -> None:
    first = "Улун собирают в горах провинции Фуцзянь в апреле."
    (passage,) = passages("", f"{first} Листья сушат.")
    assert passage.in_place == (first, "Улун собирают в горах провинции Фуцзянь\nЛистья сушат.")


def test_the_only_sentence_of_a_passage_is_not_read_twice() -> None:
    (passage,) = passages("Чай", "Чай растёт в горах.")
    assert (passage.in_place, passage.sentences_hash) == ((), "")


def test_sentences_are_read_again_when_they_or_the_first_words_change() -> None:
    def digests(title: str, first: str, last: str) -> list[str]:
        return [one.sentences_hash for one in passages(title, f"{first} Да.\n\n## Раздел\n\n{last} Так.")]

    before = digests("", "Чай растёт в горах.", "Его сушат.")
    assert len(set(before)) == 2
    assert digests("", "Кофе растёт в горах.", "Его сушат.")[1] == before[1], "it stands under a heading of its own"
    assert digests("", "Чай растёт в горах.", "Его варят.")[0] == before[0]
    assert digests("", "Чай растёт в горах.", "Его варят.")[1] != before[1]


def test_every_part_of_an_article_that_is_quoted_whole_names_all_its_sentences() -> None:
    found = passages("Чай", " ".join(f"Сорт {i}: {SENTENCE.strip()}" for i in range(8)))
    assert len(found) == 2
    assert len(found[0].in_place) == 8
    assert found[0].sentences_hash == found[1].sentences_hash


def test_long_prose_is_cut_between_sentences_and_nothing_is_lost() -> None:
    found = passages("Чай", SENTENCE * 40)
    assert len(found) > 1
    assert all(len(passage.text) <= LENGTH and passage.text.endswith(".") for passage in found)
    assert " ".join(passage.text for passage in found) == (SENTENCE * 40).strip()


def test_a_list_is_kept_whole_with_the_line_that_introduces_it() -> None:
    found = passages("Чай", f"{SENTENCE * 8}\n\nЧтобы вернуть чайник:\n\n{items(15)}")
    (whole,) = [passage.text for passage in found if "1. Нажмите" in passage.text]
    assert LENGTH < len(whole) <= WHOLE
    assert whole == f"Чтобы вернуть чайник:\n\n{items(15)}"


def test_a_list_too_long_is_cut_between_items() -> None:
    found = passages("Чай", items(60))
    lines = [line for passage in found for line in passage.text.splitlines()]
    assert lines == items(60).splitlines()
    assert all(len(passage.text) <= LENGTH for passage in found)


@pytest.mark.parametrize("monster", ["ы" * 5000, "слово " * 3000])
def test_text_without_sentences_is_cut_all_the_same(monster: str) -> None:
    found = passages("Чай", monster)
    assert all(len(passage.text) <= LENGTH for passage in found)
    assert "".join(passage.text for passage in found).replace(" ", "") == monster.replace(" ", "")


def test_markup_disappears_and_words_stay() -> None:
    markdown = "**Жирный** и [ссылка](https://example.org), `код`, ![кот](cat.png) и <b>тег</b>.\n\n> Цитата."
    assert passages("", markdown)[0].text == "Жирный и ссылка, код, кот и тег.\n\nЦитата."


def test_every_row_of_a_table_says_by_itself_what_its_cells_are() -> None:
    markdown = (
        "| Вещь | Цена, ₽ | Экспресс, ₽ | Дней |\n|-|-|-|-|\n| Пальто | 2 290 | — | 5 |\n| Галстук | 350 | 500 | |\n"
    )
    rows = ["Пальто: Цена, ₽ — 2 290; Дней — 5", "Галстук: Цена, ₽ — 350; Экспресс, ₽ — 500"]
    assert passages("", markdown)[0].text == "\n".join(rows)
    assert passages("", "| | |\n|-|-|\n| Чай | 200 |\n")[0].text == "Чай: 200"
    assert passages("", "| Срок | Цена |\n|-|-|\n")[0].text == "Срок — Цена"


def test_tables_nested_lists_and_code_become_lines() -> None:
    markdown = "| Срок | Цена |\n|---|---|\n| День | 200 |\n\n- раз\n  - внутри\n- два\n\n```\nкод\n\nещё\n```"
    assert passages("", markdown)[0].text == "День: Цена — 200\n\n• раз\n  • внутри\n• два\n\nкод\nещё"


def test_items_typed_as_plain_lines_stay_lines() -> None:
    assert passages("", "Есть:\n• чёрный\n• зелёный\nи ещё")[0].text == "Есть:\n• чёрный\n• зелёный и ещё"


def test_html_is_read_as_its_reader_sees_it() -> None:
    markdown = "<div><p>Два вида:</p><ul><li>чёрный</li><li>зелёный</li></ul><script>alert(1)</script></div>"
    assert passages("", markdown)[0].text == "Два вида:\n• чёрный\n• зелёный"


@pytest.mark.parametrize("empty", ["", "   \n\n", "## Только заголовок", "\0"])
def test_an_article_without_text_has_no_passages(empty: str) -> None:
    assert passages("Чай", empty) == []


def test_unchanged_passages_keep_their_hash_when_another_changes() -> None:
    before = passages("Чай", "Вступление.\n\n## Хранение\n\nВ банке.\n\n## Вкус\n\nТерпкий.")
    after = passages("Чай", f"Вступление.\n\n## Хранение\n\n{SENTENCE * 20}\n\n## Вкус\n\nТерпкий.")
    kept = {passage.content_hash for passage in before} & {passage.content_hash for passage in after}
    assert kept == {before[0].content_hash, before[2].content_hash}


def test_a_new_title_changes_every_hash_because_every_passage_is_embedded_with_it() -> None:
    before, after = passages("Чай", "В банке."), passages("Кофе", "В банке.")
    assert before[0].text == after[0].text
    assert before[0].content_hash != after[0].content_hash


def test_a_passage_falls_into_its_blocks_again() -> None:
    found = blocks("Абзац.\n\nЧтобы вернуть:\n\n1. Раз.\n2. Два.\n\nКонец.")
    assert [(block.text, block.is_list) for block in found] == [
        ("Абзац.", False),
        ("Чтобы вернуть:\n\n1. Раз.\n2. Два.", True),
        ("Конец.", False),
    ]
