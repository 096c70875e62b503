"""Asking how it was: by the inbox's rule, once for each resolution, credited to who resolved it."""

from typing import Any

import pytest
from sqlmodel import col, select

from app.contacts.models import Contact
from app.conversations import actions
from app.conversations.models import Message
from app.conversations.queries import locked
from app.database import session, transaction
from app.errors import Invalid
from app.events import log
from app.inboxes.actions import update_inbox
from app.inboxes.models import Channel, Inbox
from app.main import create_app
from app.surveys.actions import answer
from app.surveys.models import Survey
from app.users.actions import make_team
from tests.entering import signed_in
from tests.world import World, acme, asks, everyone_reads, replies

SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def world(database: None) -> World:
    return acme()


def test_each_resolution_is_asked_about_once(world: World) -> None:
    asked = _answered(world)
    for _ in range(2):
        _resolve(world, asked)
        everyone_reads(world)
        everyone_reads(world)
        _change(world, asked, lambda c: actions.reopen(c, by="system"))
    assert len(_surveys(world)) == 2


@pytest.mark.parametrize(
    ("rule", "carried", "is_asked"),
    [
        ({}, ["спам"], True),
        ({"csat_labels": ["vip"]}, ["vip", "вопрос"], True),
        ({"csat_labels": ["vip"]}, ["вопрос"], False),
        ({"csat_labels": ["спам", "тест"], "is_csat_unless_labelled": True}, ["тест"], False),
        ({"csat_labels": ["спам"], "is_csat_unless_labelled": True}, [], True),
        ({"csat_enabled": False}, [], False),
    ],
)
def test_the_inbox_says_whom_to_ask(world: World, rule: dict[str, Any], carried: list[str], is_asked: bool) -> None:
    with transaction(world.account_id):
        update_inbox(_inbox(world), by="system", **rule)
    asked = _answered(world)
    _change(world, asked, lambda c: actions.set_labels(c, carried, by="system"))
    _resolve(world, asked)
    everyone_reads(world)
    assert bool(_surveys(world)) == is_asked


def test_without_an_answer_of_ours_there_is_nothing_to_rate(world: World) -> None:
    asked = asks(world)
    _resolve(world, asked)
    everyone_reads(world)
    assert _surveys(world) == []


def test_whom_we_have_blocked_is_not_asked(world: World) -> None:
    asked = _answered(world)
    with transaction(world.account_id) as current:
        current.exec(select(Contact)).one().is_blocked = True
    _resolve(world, asked)
    everyone_reads(world)
    assert _surveys(world) == []


def test_the_rating_is_credited_to_who_resolved_and_to_the_team_of_that_moment(world: World) -> None:
    asked = _answered(world)
    with transaction(world.account_id):
        team, other = (make_team(world.account_id, name, by="system") for name in ("оплата", "доставка"))
        found = locked(world.account_id, asked.conversation_id)
        actions.assign_team(found, team, by="system")
        actions.assign(found, world.ada.id, by="system")
    _resolve(world, asked)
    _change(world, asked, lambda c: actions.assign_team(c, other, by="system"))
    everyone_reads(world)
    [survey] = _surveys(world)
    _answer(survey, 5)
    [told] = [event for event in _told(world) if event.name == "csat.answered"]
    assert (told.data["resolver_id"], told.data["resolver_team_id"]) == (world.bo.id, team.id)


def test_the_last_answer_counts_and_nonsense_does_not(world: World) -> None:
    asked = _answered(world)
    _resolve(world, asked)
    everyone_reads(world)
    [survey] = _surveys(world)
    for rating in (2, 5):
        _answer(survey, rating, "спасибо")
    for nonsense in (0, 6, "пять", None, True):
        with pytest.raises(Invalid):
            _answer(survey, nonsense)
    [survey] = _surveys(world)
    assert (survey.rating, survey.comment) == (5, "спасибо")


def test_elsewhere_than_on_the_website_the_question_comes_with_a_page(world: World) -> None:
    with transaction(world.account_id):
        _inbox(world).channel = Channel.API
    asked = _answered(world)
    _resolve(world, asked)
    everyone_reads(world)
    [survey] = _surveys(world)
    with transaction(world.account_id) as current:
        words = current.get_one(Message, (world.account_id, survey.message_id)).content
    address = words.splitlines()[-1]
    assert address.endswith(f"/survey/{survey.uuid}")
    client = create_app().test_client()
    assert "Отлично" in client.get(f"/survey/{survey.uuid}").text
    sent = client.post(f"/survey/{survey.uuid}", data={"rating": "4", "comment": "Быстро"})
    assert sent.status_code == 303, "so that a page loaded again sends nothing again"
    assert "Спасибо" in client.get(sent.headers["Location"]).text
    [survey] = _surveys(world)
    assert (survey.rating, survey.comment) == (4, "Быстро")
    assert client.post(f"/survey/{survey.uuid}", data={"rating": "9"}).status_code == 422
    assert client.get("/survey/00000000-0000-4000-8000-000000000000").status_code == 404


def test_an_administrator_notes_what_he_thinks_and_an_agent_does_not_see_it(world: World) -> None:
    asked = _answered(world)
    _resolve(world, asked)
    everyone_reads(world)
    [survey] = _surveys(world)
    _answer(survey, 1, "Долго")
    client = signed_in(world.ada, world)
    assert "Долго" in client.get("/settings/ratings").text
    client.post(f"/settings/ratings/{survey.id}/review", data={"note": "Позвонили, извинились"}, headers=SAME)
    [survey] = _surveys(world)
    assert (survey.review_note, survey.reviewer_id) == ("Позвонили, извинились", world.ada.id)
    assert "csat.reviewed" in {event.name for event in _told(world)}
    assert signed_in(world.bo, world).get("/settings/ratings").status_code == 403


# -- below


def _answered(world: World) -> Message:
    asked = asks(world)
    replies(world, asked)
    return asked


def _resolve(world: World, asked: Message) -> None:
    _change(world, asked, lambda c: actions.resolve(c, by=world.bo.actor))


def _change(world: World, asked: Message, change: Any) -> None:
    with transaction(world.account_id):
        change(locked(world.account_id, asked.conversation_id))


def _answer(survey: Survey, rating: object, comment: str = "") -> None:
    with transaction(survey.account_id) as current:
        answer(current.get_one(Survey, (survey.account_id, survey.id)), rating, comment)


def _inbox(world: World) -> Inbox:
    return session().get_one(Inbox, (world.account_id, world.inbox.id))


def _surveys(world: World) -> list[Survey]:
    with transaction(world.account_id) as current:
        return list(current.exec(select(Survey).order_by(col(Survey.id))))


def _told(world: World) -> list[log.Event]:
    with transaction(world.account_id):
        return log.read(world.account_id, 0, 1000)
