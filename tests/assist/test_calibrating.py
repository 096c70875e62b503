"""Agents who reject drafts that Captain was sure of make him humbler, in their account."""

import pytest
from sqlalchemy import delete

from app.assist import queries
from app.assist.assistants import first_assistant, scope_of
from app.assist.calibrating import UNCORRECTED, correction
from app.assist.courier import draft_now
from app.assist.models import Draft, DraftState
from app.config import settings
from app.database import session, transaction
from captain.client import Captain
from captain.wire import Calibration
from tests.assist.desk import decided, help_center, works
from tests.world import World, acme, asks

pytestmark = pytest.mark.usefixtures("database")


def corrected(world: World) -> Calibration:
    with transaction(world.account_id):
        return correction(world.account_id)


def test_a_few_decisions_correct_nothing() -> None:
    world = acme()
    message = asks(world, "Как сменить пароль?")
    assert corrected(world) == UNCORRECTED
    decided(world, message, 100, DraftState.REJECTED)
    decided(world, message, 60, DraftState.ACCEPTED)
    assert corrected(world) == UNCORRECTED


def test_two_hundred_do_and_a_draft_is_read_by_what_it_went_through() -> None:
    world = acme()
    message = asks(world, "Как сменить пароль?")
    decided(world, message, 150, DraftState.REJECTED)
    decided(world, message, 60, DraftState.EDITED)
    once = corrected(world)
    assert once.intercept < 0
    with transaction(world.account_id):
        session().connection().execute(delete(Draft))
    # as sure after a correction that doubted everything: he was surer before it
    decided(world, message, 150, DraftState.REJECTED, Calibration(1.0, -3.0))
    decided(world, message, 60, DraftState.EDITED, Calibration(1.0, -3.0))
    assert corrected(world) != once


@pytest.mark.usefixtures("captain")
def test_captain_is_less_sure_where_agents_rejected_what_he_was_sure_of() -> None:
    world = acme()
    help_center(world)
    works(world)
    asked = "Сколько файлов можно прикрепить к сообщению?"
    before = draft_now(world.account_id, asks(world, asked).id, 30)
    assert before is not None
    assert before.features["slope"] == 1.0
    message = asks(world, "Ещё вопрос", who="other")
    decided(world, message, 180, DraftState.REJECTED)
    decided(world, message, 40, DraftState.ACCEPTED)
    with transaction(world.account_id):
        scope = scope_of(first_assistant(world.account_id))
    assert scope is not None
    after = queries.ask(Captain(settings().captain_socket, 30), scope, asked, sure_from=0.4)
    assert after.confidence < before.confidence - 0.1
    plain = queries.ask(Captain(settings().captain_socket, 30), scope, asked, sure_from=0.4, calibration=UNCORRECTED)
    assert plain.confidence == pytest.approx(before.confidence, abs=1e-6)
