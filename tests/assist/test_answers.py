"""Captain with his model: he answers customers from what he may know, with its source, and from nothing else."""

import pytest

from app.assist import actions, insight, queries
from app.assist.assistants import first_assistant, in_portal
from app.conversations.models import Holder, Message, Status
from app.database import transaction
from app.events import log
from app.help_center.actions import unpublish, update_article, update_portal
from app.help_center.models import Article, Portal
from app.help_center.queries import portals
from captain.wire import Verdict
from tests.assist.desk import answering, help_center, said, says, works
from tests.world import World, acme, conversation_of

pytestmark = pytest.mark.usefixtures("database", "captain")


def test_a_customer_gets_an_answer_with_its_source() -> None:
    world = _ready()
    asked = says(world, "Сколько файлов можно прикрепить к сообщению?")
    answer = _last(asked)
    assert "пятнадцати файлов" in answer.content
    assert answer.content_attributes["captain"] == "answer"
    assert answer.content_attributes["citations"][0]["title"] == "Сколько файлов можно прикрепить"
    assert conversation_of(asked).held_by == Holder.CAPTAIN
    assert conversation_of(asked).waiting_since is None
    replied = [event for event in _log(world) if event.name == "captain.replied"]
    assert [event.data["kind"] for event in replied] == ["answer"]


def test_the_same_words_are_not_said_twice_and_then_a_person_has_it() -> None:
    world = _ready()
    asked = says(world, "Сколько файлов можно прикрепить к сообщению?")
    says(world, "а сколько файлов прикрепить можно к одному сообщению")
    answer, again = said(asked)
    assert again.content_attributes["captain"] == "suggest"
    assert "пятнадцати файлов" not in again.content
    assert answer.content_attributes["citations"][0]["title"] in again.content
    says(world, "так сколько файлов можно прикрепить к сообщению, скажите")
    assert conversation_of(asked).status == Status.OPEN


def test_who_asks_whether_he_is_a_machine_is_told() -> None:
    asked = says(_ready(), "ты бот?")
    assert conversation_of(asked).held_by == Holder.CAPTAIN
    assert "автоматическ" in _last(asked).content or "automatic" in _last(asked).content


def test_what_the_help_center_does_not_say_goes_to_people_with_a_note() -> None:
    world = _ready(accepted_error=0.05)
    asked = says(world, "Можно ли перекрасить ваш самолёт в фиолетовый?")
    assert conversation_of(asked).status == Status.OPEN


def test_an_unpublished_article_is_not_cited_from_that_moment() -> None:
    world = answering(acme())
    articles = help_center(world)
    works(world)
    with transaction(world.account_id) as current:
        unpublish(current.get_one(Article, (world.account_id, articles[1].id)), by=world.ada.actor)
        found = first_assistant(world.account_id)
    trial = insight.trial(found, "Сколько файлов можно прикрепить к сообщению?")
    assert trial.reply is not None
    assert articles[1].id not in {hit.article_id for hit in trial.reply.ranking.hits}


def test_a_pair_that_was_approved_is_answered_with() -> None:
    world = _ready()
    with transaction(world.account_id):
        actions.suggest_pair(
            first_assistant(world.account_id), "Есть ли у вас скидки студентам?", "Да, десять процентов.", by="user:1"
        )
    works(world)
    answer = _last(says(world, "Есть ли у вас скидки студентам?"))
    assert "десять процентов" in answer.content


def test_the_help_center_knows_what_its_chat_tells_anybody_and_no_more() -> None:
    world = _ready(accepted_error=0.4)
    question, secret = "Есть ли у вас скидки студентам?", "десять процентов"
    with transaction(world.account_id):
        actions.suggest_pair(first_assistant(world.account_id), question, f"Да, {secret}.", by="user:1")
        portal = portals(world.account_id)[0]
    works(world)

    def told() -> queries.Answer:
        with transaction(world.account_id):
            asked = in_portal(portals(world.account_id)[0], "ru")
        return queries.answer(*asked, question, 20)

    assert secret not in told().text, "nobody answers in a chat of this help center"
    with transaction(world.account_id) as current:
        update_portal(current.get_one(Portal, (world.account_id, portal.id)), by="system", inbox_id=world.inbox.id)
    answer = told()
    assert secret in answer.text
    assert answer.citations[0]["article_id"] < 0
    with transaction(world.account_id):
        actions.change_assistant(first_assistant(world.account_id), by="system", portal_ids=[portal.id + 1])
    assert secret not in told().text, "he does not serve this one"
    with transaction(world.account_id):
        actions.change_assistant(first_assistant(world.account_id), by="system", portal_ids=[], mode="drafts")
    assert secret not in told().text, "drafts are for agents"


def test_an_assistant_knows_only_his_own_shelf() -> None:
    world = _ready()
    with transaction(world.account_id):
        found = first_assistant(world.account_id)
        actions.change_assistant(found, by=world.ada.actor, locales=["en"])
    trial = insight.trial(found, "Сколько файлов можно прикрепить к сообщению?")
    assert trial.reply is None or not trial.reply.ranking.hits


def test_the_trial_tells_all_that_led_to_the_reply() -> None:
    world = _ready()
    with transaction(world.account_id):
        found = first_assistant(world.account_id)
    trial = insight.trial(found, "Как отложить диалог?")
    assert trial.reply is not None
    assert trial.reply.verdict == Verdict.ANSWER
    assert trial.reply.ranking.hits[0].title == "Как отложить диалог"
    assert trial.reply.ranking.features
    assert trial.citations


def test_an_article_tells_which_questions_it_answered() -> None:
    world = answering(acme())
    articles = help_center(world)
    works(world)
    says(world, "Сколько файлов можно прикрепить к сообщению?")
    with transaction(world.account_id):
        seen = insight.article(articles[1], None)
        hidden = insight.article(articles[1], [])
    assert [one.question for one in seen.answered] == ["Сколько файлов можно прикрепить к сообщению?"]
    assert hidden.answered == []
    assert seen.waiting == 0
    assert not seen.answered[0].is_stale
    with transaction(world.account_id) as current:
        found = current.get_one(Article, (world.account_id, articles[1].id))
        update_article(found, by=world.ada.actor, content=f"{found.content}\n\nИ ещё одно предложение.")
        assert not insight.article(found, None).answered[0].is_stale, "the quoted words still stand there"
        update_article(found, by=world.ada.actor, content="К одному сообщению можно прикрепить двадцать файлов.")
        assert insight.article(found, None).answered[0].is_stale


def _ready(accepted_error: float = 0.5) -> World:
    world = answering(acme(), accepted_error)
    help_center(world)
    works(world)
    return world


def _last(asked: Message) -> Message:
    return said(asked)[-1]


def _log(world: World) -> list[log.Event]:
    with transaction(world.account_id):
        return log.read(world.account_id, 0, 1000)
