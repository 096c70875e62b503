"""`kulpunai captain evaluate` against a running Captain and a real database."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlmodel import col, select

from app.assist import courier
from app.cli import main
from app.config import settings
from app.database import session, transaction
from app.deliveries.models import Delivery
from app.help_center.actions import create_article, create_category, create_portal
from tests.captain.conftest import ARTICLES
from tests.captain.process import start
from tests.world import World, acme, everyone_reads

pytestmark = pytest.mark.usefixtures("database", "running_captain")


@pytest.fixture(scope="module")
def running_captain() -> Iterator[None]:
    """A Captain at the socket that the settings name."""
    process = start(settings().captain_socket)
    yield
    process.terminate()
    process.wait(timeout=30)


def tea_shop() -> World:
    """Acme with the tea shop's Russian articles, as Captain has read them."""
    world = acme()
    with transaction(world.account_id):
        portal = create_portal(world.account_id, "tea", "Чай", by=world.ada.actor, locales=["ru"])
        category = create_category(portal, "ru", "Всё", by=world.ada.actor)
        for article in ARTICLES:
            if article.locale == "ru":
                create_article(
                    portal, "ru", article.title, article.markdown, by=world.ada.actor, category=category,
                    external_id=article.external_id, status="published",
                )  # fmt: skip
    everyone_reads(world)
    kind = courier.COURIERS["captain.embed"]
    with transaction(world.account_id):
        owed = list(session().exec(select(Delivery.id).where(col(Delivery.kind) == "captain.embed")))
    for number in owed:
        with transaction(world.account_id) as current:
            prepared = kind.prepare(current.get_one(Delivery, (world.account_id, number)))
        if prepared is not None:
            told = kind.send(prepared)
            with transaction(world.account_id) as current:
                kind.sent(current.get_one(Delivery, (world.account_id, number)), told)
    return world


def test_the_running_system_is_graded_on_a_set(tmp_path: Path) -> None:
    world = tea_shop()
    rows = [
        {"question": "забыл пороль", "external_id": "password", "answer": "Не помню пароль"},
        {"question": "сколько стоит доставка в Ош", "external_id": "delivery", "answer": "350 сомов"},
        {"question": "в Ош довезёте?", "external_id": "delivery", "context": ["Здравствуйте"]},
        {"question": "кто президент Франции", "external_id": None},
    ]
    file = tmp_path / "set.jsonl"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    ran = CliRunner().invoke(main, ["captain", "evaluate", "--account", str(world.account_id), "--set", str(file)])
    assert ran.exit_code == 0, ran.output
    told = dict(line.rsplit(maxsplit=1) for line in ran.output.splitlines())
    assert float(told["questions"]) == 4
    assert float(told["hit@1"]) == 1
    assert float(told["answer holds the words, 1"]) == 1
    assert float(told["AUROC"]) == 1
    assert float(told["p95 ms"]) > 0


def test_a_set_that_is_none_is_told_by_its_line(tmp_path: Path) -> None:
    world = acme()
    with transaction(world.account_id):
        create_portal(world.account_id, "tea", "Чай", by=world.ada.actor)
    file = tmp_path / "set.jsonl"
    file.write_text('{"question": "чай", "external_id": null}\n{"question": "чай"}\n', "utf-8")
    ran = CliRunner().invoke(main, ["captain", "evaluate", "--account", str(world.account_id), "--set", str(file)])
    assert ran.exit_code == 1
    assert "set.jsonl: line 2" in ran.output


def test_an_account_without_a_help_center_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text("", "utf-8")
    ran = CliRunner().invoke(main, ["captain", "evaluate", "--account", str(acme().account_id), "--set", str(file)])
    assert ran.exit_code == 1
    assert "центра поддержки" in ran.output or "help center" in ran.output
