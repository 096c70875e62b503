"""«Ещё вариант»: another draft from other sources, never in the same words; and the word that there is none."""

import pytest

from app.assist import actions
from app.assist.another import another_now
from app.assist.models import Draft, DraftState
from app.assist.queries import draft_for
from app.conversations.models import Message
from app.conversations.queries import locked
from app.database import transaction
from app.events import log
from app.help_center.actions import create_article
from app.help_center.models import Category, Portal
from tests.assist.desk import help_center, says, works
from tests.world import World, acme, replies

pytestmark = pytest.mark.usefixtures("database", "captain")

KINDS = "К сообщению можно прикрепить картинки, видео и документы. Файл больше 40 МБ не отправится."
ASKED = "Сколько файлов можно прикрепить к сообщению?"


def test_another_draft_comes_from_other_sources_in_the_first_ones_place() -> None:
    world, asked, first = _drafted()
    second = _another(world, first)
    assert second is not None
    assert (second.attempt, second.message_id) == (1, asked.id)
    cited = [{source["article_id"] for source in draft.citations} for draft in (first, second)]
    assert cited[0].isdisjoint(cited[1])
    with transaction(world.account_id):
        conversation = locked(world.account_id, asked.conversation_id)
        assert draft_for(conversation).id == second.id
        assert actions.draft(conversation, first.id).state == DraftState.REJECTED


def test_in_the_end_there_is_none_and_the_last_draft_stays() -> None:
    world, asked, draft = _drafted()
    seen = [draft.content]
    while (other := _another(world, draft)) is not None:
        assert other.content not in seen
        seen.append(other.content)
        draft = other
        assert len(seen) < 6
    with transaction(world.account_id):
        assert draft_for(locked(world.account_id, asked.conversation_id)).id == draft.id


def test_each_attempt_is_told_and_the_last_can_be_sent() -> None:
    world, asked, first = _drafted()
    second = _another(world, first)
    with transaction(world.account_id):
        actions.accept(locked(world.account_id, asked.conversation_id), second.id, by=world.ada)
    with transaction(world.account_id):
        told = [(e.name, e.data.get("attempt")) for e in log.read(world.account_id, 0, 1000) if "draft" in e.name]
    assert told == [
        ("captain.drafted", 0),
        ("captain.draft_rejected", None),
        ("captain.drafted", 1),
        ("captain.draft_accepted", None),
    ]


def test_who_asks_twice_at_once_gets_one_other() -> None:
    world, _asked, first = _drafted()
    second = _another(world, first)
    assert _another(world, first) is None
    assert second is not None
    with transaction(world.account_id):
        assert len(actions.drafts_of(first)) == 2


def test_there_is_no_other_draft_to_what_has_been_answered() -> None:
    world, asked, first = _drafted()
    replies(world, asked)
    assert _another(world, first) is None


def _drafted() -> tuple[World, Message, Draft]:
    world = acme()
    articles = help_center(world)
    with transaction(world.account_id) as current:
        portal = current.get_one(Portal, (world.account_id, articles[0].portal_id))
        shelf = current.get_one(Category, (world.account_id, articles[0].category_id))
        more = {"by": world.ada.actor, "category": shelf, "status": "published"}
        create_article(portal, "ru", "Какие файлы можно прикрепить к сообщению", KINDS, **more)
    works(world)
    asked = says(world, ASKED)
    with transaction(world.account_id):
        draft = draft_for(locked(world.account_id, asked.conversation_id))
    assert draft is not None
    return world, asked, draft


def _another(world: World, draft: Draft) -> Draft | None:
    return another_now(world.account_id, draft.conversation_id, draft.id, 30, by=world.ada)
