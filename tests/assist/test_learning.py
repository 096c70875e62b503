"""What Captain learns of: pairs from resolved conversations that wait for a look, gaps, drafts whose source has changed."""

import html
import re

import pytest
from sqlmodel import col, select

from app.assist import actions, gaps
from app.assist.mining import pair_of
from app.assist.models import Document, DocumentState, Draft, DraftState
from app.clock import now
from app.conversations.actions import resolve
from app.conversations.models import Message
from app.conversations.queries import locked
from app.database import transaction
from app.help_center.actions import update_article
from app.help_center.models import Article
from tests.assist.desk import answering, help_center, says
from tests.entering import signed_in
from tests.world import World, acme, asks, everyone_reads, replies

pytestmark = pytest.mark.usefixtures("database")

ANSWER = (
    "Добрый день, Мика! Рассрочка есть: на три месяца без процентов. Пишите на help@acme.example, ваш заказ 123456."
)


def test_a_pair_is_what_was_asked_and_answered_without_who_it_was() -> None:
    world = acme()
    asked = asks(world, "Здравствуйте! Есть ли у вас рассрочка? Мой телефон +996 555 00 11 22")
    replies(world, asked, ANSWER)
    pair = pair_of(_messages(world, asked))
    assert pair is not None
    question, answer = pair
    assert question.startswith("Есть ли у вас рассрочка?")
    assert answer.startswith("Рассрочка есть")
    assert not any(secret in question + answer for secret in ("555", "help@", "123456", "Мика"))


@pytest.mark.parametrize("words", ["Ок", "А какая у вас операционная система и какой браузер вы используете?"])
def test_a_conversation_without_an_answer_gives_no_pair(words: str) -> None:
    world = acme()
    asked = asks(world, "Почему не открывается страница входа?")
    assert pair_of(_messages(world, asked)) is None
    replies(world, asked, words)
    assert pair_of(_messages(world, asked)) is None


def test_a_person_who_resolves_owes_captain_a_thought_and_captain_himself_does_not() -> None:
    from app.assist.mining import COURIER, MINE
    from app.deliveries.courier import deliver_next

    world = acme()
    asked = asks(world, "Есть ли у вас рассрочка на заказ?")
    replies(world, asked, ANSWER)
    for _again in range(2):
        with transaction(world.account_id):
            resolve(locked(asked.account_id, asked.conversation_id), by=world.ada.actor)
    everyone_reads(world)
    # without a help center and pairs that wait there is nothing to compare with: Captain need not be asked
    while deliver_next({MINE: COURIER}):
        pass
    with transaction(world.account_id) as current:
        assert [pair.state for pair in current.exec(select(Document))] == [DocumentState.PENDING]


def test_a_draft_whose_article_has_changed_is_out_of_date() -> None:
    world = acme()
    articles = help_center(world)
    asked = asks(world, "Как сменить пароль?")
    source = {"n": 1, "article_id": articles[0].id, "title": "x", "url": "", "quote": "x"}
    with transaction(world.account_id):
        proposal = actions.Proposal("Так. [1]", [source], 0.9, [articles[0].id], [1.0], {}, True)
        draft = actions.propose(locked(asked.account_id, asked.conversation_id), asked, proposal)
    everyone_reads(world)
    with transaction(world.account_id) as current:
        assert current.get_one(Draft, (world.account_id, draft.id)).state == DraftState.SHOWN
        found = current.get_one(Article, (world.account_id, articles[0].id))
        update_article(found, by=world.ada.actor, content="Теперь иначе.")
    everyone_reads(world)
    with transaction(world.account_id) as current:
        assert current.get_one(Draft, (world.account_id, draft.id)).state == DraftState.STALE


def test_what_captain_could_not_answer_is_a_gap_with_the_persons_answer() -> None:
    world = answering(acme())
    asked = says(world, "Есть ли у вас рассрочка на заказ?")
    says(world, "Позовите человека", who="other")
    replies(world, asked, ANSWER)
    found = gaps.gaps(world.account_id)
    assert [gap.question for gap in found] == ["Есть ли у вас рассрочка на заказ?"]
    assert found[0].answer.startswith("Рассрочка есть")


def test_a_gap_has_a_draft_of_what_people_answered_each_thing_once() -> None:
    said = "Рассрочка есть: четыре платежа раз в две недели, без переплаты."
    asked = [
        ("Есть ли рассрочка?", said),
        ("Можно ли платить частями за заказ?", "Да, рассрочка есть: четыре платежа раз в две недели, без переплаты."),
        ("Какая карта нужна для рассрочки?", "Подойдёт карта любого банка, кредитная или дебетовая."),
        ("Рассрочка для юрлиц бывает?", ""),
        ("рассрочка для юрлиц бывает", ""),
    ]
    gap = gaps.Gap([gaps.Unanswered(question, n, now(), answer) for n, (question, answer) in enumerate(asked, 1)])
    outline = gap.outline
    assert outline.title == "Есть ли рассрочка?"
    assert [one.display_id for one in outline.answered] == [1, 3]
    assert outline.unanswered == ["Рассрочка для юрлиц бывает?"]
    lines = outline.markdown.splitlines()
    assert lines[0] == said
    assert [line for line in lines if line.startswith("## ")] == [
        "## Какая карта нужна для рассрочки?",
        "## Рассрочка для юрлиц бывает?",
    ]


def test_thanks_are_no_gap_and_a_gap_tells_not_who_asked() -> None:
    world = answering(acme())
    for n, words in enumerate(("Супер, вам спасибо :)", "Как подключить чат к сайту? Моя почта mika@acme.example")):
        says(world, words, who=f"guest-{n}")
    assert [gap.question for gap in gaps.gaps(world.account_id)] == ["Как подключить чат к сайту? Моя почта …"]


def test_one_click_makes_a_draft_article_of_a_gap() -> None:
    world = answering(acme())
    asked = says(world, "Есть ли у вас рассрочка на заказ?")
    replies(world, asked, ANSWER)
    help_center(world)
    ada = signed_in(world.ada, world)
    page = ada.get("/captain/gaps").text
    form = {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    }
    assert form["title"] == "Есть ли у вас рассрочка на заказ?"
    assert ada.post("/help-center/articles", data=form).status_code == 303
    with transaction(world.account_id) as current:
        made = current.exec(select(Article).order_by(col(Article.id).desc())).first()
        assert (made.title, made.status, made.locale) == (form["title"], "draft", "ru")
        assert made.content.startswith("Рассрочка есть")


def _messages(world: World, asked: Message) -> list[Message]:
    from app.conversations.queries import thread

    with transaction(world.account_id):
        return thread(locked(asked.account_id, asked.conversation_id), public_only=True)
