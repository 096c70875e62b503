"""Reports in the workspace: a frame of the dashboards, which a shared address opens as it was."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from app.main import create_app
from tests.entering import enter
from tests.world import acme

pytestmark = pytest.mark.usefixtures("database", "valkey")


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


def frame(client: Any, address: str) -> Any:
    page = client.get(address).text
    return urlsplit(page.partition('<iframe class="frame" src="')[2].partition('"')[0].replace("&amp;", "&"))


def test_a_shared_view_opens_on_its_page_with_its_filters(client: Any) -> None:
    world = acme()
    enter(client, world.ada, world)
    found = frame(client, "/reports?page=sla&days=7&label=возврат&time=business&account_id=2")
    assert found.path == "/sla"
    said = parse_qs(found.query)
    assert (said["days"], said["label"], said["time"]) == (["7"], ["возврат"], ["business"])
    assert "account_id" not in said
    assert said["token"]


@pytest.mark.parametrize("name", ["", "overview", "../x", "//evil.example", "a/b", "x?y"])
def test_another_page_than_there_can_be_is_the_first(client: Any, name: str) -> None:
    world = acme()
    enter(client, world.ada, world)
    assert frame(client, f"/reports?page={name}").path == "/"


def test_something_stands_in_for_the_reports_until_they_are_drawn(client: Any) -> None:
    world = acme()
    enter(client, world.ada, world)
    page = client.get("/reports").text
    assert 'id="frame-wait" role="status"' in page
    assert "js/workspace/frame.js" in page
