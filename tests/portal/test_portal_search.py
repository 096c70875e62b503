"""Searching and asking, as a reader does it."""

import json
import re

import pytest
from flask.testing import FlaskClient

from app.assist.queries import Answer
from app.database import transaction
from app.events import log
from app.portal import answers
from app.portal.snippets import marked, snippet
from tests.help_center.shelf import a_category, a_portal, an_article, told
from tests.world import acme, globex


def page(reader: FlaskClient, name: str, words: str, **headers: str) -> str:
    answer = reader.get(f"/hc/acme/ru/{name}", query_string={"q": words}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text


def test_search_shows_what_it_found_with_the_words_marked(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    text = (
        "Начало без дела.\n\n" + "Пустые слова. " * 30 + "\n\n| Возвраты | денег |\n|---|---|\n| идут | **три дня** |"
    )
    an_article(portal, "Оплата", text, category=a_category(portal, "Деньги"))
    found = page(reader, "search", "возврат денег")
    assert "<mark>Возвраты</mark>" in found
    assert "|---" not in found
    assert "Деньги · обновлено" in found
    assert 'value="возврат денег"' in found


def test_nothing_found_says_so_and_shows_ways_on(reader: FlaskClient) -> None:
    a_portal(acme())
    found = page(reader, "search", "кисель из <крыжовника>")
    assert "По словам «кисель из &lt;крыжовника&gt;» ничего нет" in found
    assert "/hc/acme/ru/answer?q=" in found


def test_the_log_learns_how_much_was_found_but_not_what_was_typed(reader: FlaskClient) -> None:
    world = acme()
    an_article(a_portal(world), "Возврат")
    page(reader, "search", "возврат")
    page(reader, "search", "тайное слово")
    page(reader, "search", "")
    page(reader, "suggestions", "возвр")
    with transaction(world.account_id):
        searched = [event for event in log.read(world.account_id, 0, 1000) if event.name == "article.searched"]
    assert [event.data["hits"] for event in searched] == [1, 0]
    assert "тайное" not in json.dumps([event.data for event in searched], ensure_ascii=False)


def test_while_typing_a_short_list_comes_that_ends_with_captain(reader: FlaskClient) -> None:
    portal = a_portal(acme())
    for n in range(9):
        an_article(portal, f"Доставка {n}")
    part = page(reader, "suggestions", "дост")
    assert "<html" not in part
    assert part.count("<mark>Доставка</mark>") == 6
    assert "Спросить Капитана: «дост»" in part
    assert ">6 статей<" in part.replace("\u00a0", " ")
    assert page(reader, "suggestions", "").strip() == ""


def test_programs_search_in_json(reader: FlaskClient) -> None:
    an_article(a_portal(acme()), "Возврат", slug="return")
    answer = reader.get("/hc/acme/ru/articles.json", query_string={"query": "возвраты"})
    assert answer.json["meta"] == {"articles_count": 1}
    assert answer.json["payload"][0]["title"] == "Возврат"
    assert answer.json["payload"][0]["link"].endswith("/hc/acme/ru/articles/return")
    missing = reader.get("/hc/nobody/ru/articles.json?query=x")
    assert (missing.status_code, list(missing.json)) == (404, ["error"])


def test_captains_answer_has_the_shape_that_is_promised(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    world = acme()
    a_portal(world)
    citation = {"article_id": 7, "external_id": "x", "title": "Т", "url": "http://localhost/hc/a", "quote": "Слова"}
    said = Answer(True, "Три дня [1] и **ещё** [2]. <b> До 300 000 ₽, 50 %, 8 дней.", [citation], 0.93, [])
    monkeypatch.setattr(answers, "answer", lambda *_arguments: said)
    answer = reader.get("/hc/acme/ru/answer.json", query_string={"q": "сколько идёт возврат"})
    assert answer.json == {
        "answered": True,
        "text": said.text,
        "citations": [citation],
        "confidence": 0.93,
        "alternatives": [],
    }
    shown = page(reader, "answer", "сколько идёт возврат")
    assert '<a class="cite" href="#source_1">1</a>' in shown
    assert "[2]" in shown, "a number without a source is no link"
    assert "&lt;b&gt;" in shown
    assert "До 300\u00a0000\u00a0₽, 50\u00a0%, 8 дней" in shown, "a number stays on one line"
    assert '<li id="source_1"><a href="http://localhost/hc/a">Т</a></li>' in shown
    assert "<html" not in page(reader, "answer", "сколько", **{"X-Part": "true"})
    assert told(world, "captain.answered") == ["captain.answered"] * 3


def test_while_captain_is_away_articles_and_a_human_are_offered(reader: FlaskClient) -> None:
    """The captain process does not run here."""
    world = acme()
    an_article(a_portal(world), "Сколько идёт возврат", slug="return", external_id="r")
    answer = reader.get("/hc/acme/ru/answer.json", query_string={"q": "сколько идёт возврат денег?"})
    assert answer.json["answered"] is False
    assert answer.json["citations"] == []
    (other,) = answer.json["alternatives"]
    assert (other["external_id"], other["title"]) == ("r", "Сколько идёт возврат")
    assert other["url"].endswith("/hc/acme/ru/articles/return")
    shown = page(reader, "answer", "сколько идёт возврат денег?")
    assert "Капитан не знает точно" in shown
    assert other["url"] in shown
    assert told(world, "captain.declined") == ["captain.declined"] * 2


@pytest.mark.parametrize("words", ["позовите человека", "спасибо!", "привет"])
def test_what_asks_nothing_is_answered_with_no_article(reader: FlaskClient, words: str) -> None:
    """The captain process does not run here: words would be searched for."""
    world = acme()
    an_article(a_portal(world), "Позовите человека: спасибо и привет", slug="polite")
    answer = reader.get("/hc/acme/ru/answer.json", query_string={"q": words})
    assert (answer.json["answered"], answer.json["alternatives"]) == (False, [])
    shown = page(reader, "answer", words)
    assert "Капитан не знает точно" not in shown
    assert told(world, "captain.declined") == [], "nothing was asked, so nothing is missing"


def test_a_question_must_be_one(reader: FlaskClient) -> None:
    a_portal(acme())
    for words in ("", "   ", "\x00"):
        answer = reader.get("/hc/acme/ru/answer.json", query_string={"q": words})
        assert (answer.status_code, list(answer.json)) == (422, ["error"])
    assert "Что вы хотите узнать?" in page(reader, "answer", "")


@pytest.mark.parametrize(
    "words", ["\x00", "🍓", "x" * 3000, "'; drop table article; --", "\\", "a\u202eb", "%00", "[1]"]
)
def test_nothing_that_is_asked_breaks_it(reader: FlaskClient, words: str) -> None:
    an_article(a_portal(acme()))
    for name in ("search", "suggestions", "answer"):
        page(reader, name, words)
    assert reader.get("/hc/acme/ru/articles.json", query_string={"query": words}).status_code == 200
    assert reader.get("/hc/acme/ru/search?q=%ff%fe%ed%a0%80").status_code == 200


def test_another_accounts_articles_are_never_offered(reader: FlaskClient) -> None:
    mine, theirs = acme(), globex()
    a_portal(mine)
    an_article(a_portal(theirs, "globex"), "Канарейка", "Канарейка поёт.", slug="canary")
    for name in ("search", "suggestions", "answer", "articles.json", "answer.json"):
        text = reader.get(f"/hc/acme/ru/{name}", query_string={"q": "канарейка поёт", "query": "канарейка"}).text
        assert "Канарейка" not in text, name
        assert "canary" not in text, name


def test_marks_stand_on_whole_words_and_everything_else_is_escaped() -> None:
    assert marked("<b>Возврат & возвраты</b> возвратиться", ["возврат"]) == (
        "&lt;b&gt;<mark>Возврат</mark> &amp; <mark>возвраты</mark>&lt;/b&gt; <mark>возвратиться</mark>"
    )
    assert marked("ёлки", ["елк"]) == "<mark>ёлки</mark>"
    assert marked("слово", []) == "слово"
    assert len(marked("слово " * 100, [], 50)) <= 50
    assert snippet is not None


def test_an_answer_comes_as_it_is_made_sentence_after_sentence(
    reader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = acme()
    a_portal(world)
    citation = {"article_id": 7, "external_id": "x", "title": "Т", "url": "http://localhost/hc/a", "quote": "Слова"}
    said = Answer(True, "Первое. Второе! Третье [1]", [citation], 0.93, [])
    monkeypatch.setattr(answers, "answer", lambda *_arguments: said)
    answer = reader.get("/hc/acme/ru/answer.stream", query_string={"q": "что?"})
    shown = [json.loads(line)["html"] for line in answer.text.splitlines()]
    assert len(shown) == 4
    assert "aria-busy" in shown[0]
    assert "Первое." in shown[1]
    assert "Второе!" not in shown[1]
    assert "Третье" not in shown[2]
    assert "source_1" not in shown[2]
    assert '<a class="cite" href="#source_1">1</a>' in shown[3]
    assert "aria-busy" not in shown[3]
    assert told(world, "captain.answered") == ["captain.answered"]
    assert reader.get("/hc/acme/ru/answer.stream?q=").status_code == 422


def test_whether_it_helped_is_told_by_the_log_and_nobody_can_make_up_an_answer(
    reader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = acme()
    a_portal(world)
    citations = [{"article_id": n, "external_id": None, "title": "Т", "url": "", "quote": "С"} for n in (7, -3)]
    monkeypatch.setattr(answers, "answer", lambda *_arguments: Answer(True, "Да [1]", citations, 0.93, []))
    token = re.search(r'name="answer" value="([^"]+)"', page(reader, "answer", "что?"))[1]
    place = "/hc/acme/ru/answer/ratings"
    thanks = reader.post(place, data={"helpful": "1", "answer": token})
    assert thanks.status_code == 200
    assert 'href="/hc/acme/ru/answer?q=' in thanks.text, "without scripts it is a page of its own, with a way back"
    assert "<html" not in reader.post(place, data={"helpful": "0", "answer": token}, headers={"X-Part": "true"}).text
    assert reader.post(place, data={"helpful": "1", "answer": f"x{token}"}).status_code == 422
    assert reader.post(place, data={"helpful": "2", "answer": token}).status_code == 422
    with transaction(world.account_id):
        rated = [one.data for one in log.read(world.account_id, 0, 1000) if one.name == "captain.answer_rated"]
    assert [(one["article_ids"], one["is_helpful"]) for one in rated] == [([7], True), ([7], False)]
