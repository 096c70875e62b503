"""In Chromium: a click in a chart opens the conversations behind it, and pointing at it tells its numbers."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from dashboards import look
from tests.analytics import story as stories
from tests.dashboards.entry import answer, serving, token

DRAWN = ".stEChartsChart[aria-busy=false]"
IDLE = "[data-test-script-state=notRunning]"


@pytest.fixture
def url(world: Path) -> Iterator[str]:
    """Where the dashboards of `world` are served."""
    with serving(world) as (url, _process):
        answer(f"{url}/_stcore/health")
        yield url


@pytest.fixture
def began() -> datetime:
    """When the two customers of `world` wrote, by the clocks in Moscow."""
    return (stories.NOON - timedelta(seconds=7000)).astimezone(ZoneInfo("Europe/Moscow"))


def test_a_click_anywhere_in_a_days_column_opens_its_rows_each_time(page: Any, url: str, began: datetime) -> None:
    socket = _open(page, url, "", began)
    chart = page.locator(f".st-key-chart_conversations {DRAWN}")
    size = chart.bounding_box()
    last_of_two = {"x": size["width"] * 0.75, "y": size["height"] * 0.6}
    chart.hover(position=last_of_two)
    expect(chart).to_contain_text(f"{began:%d.%m}● 2")
    expect(chart).to_have_attribute("aria-label", re.compile("^Новые диалоги, штук в\u00a0день. .* n\u00a0=\u00a02$"))
    expect(page.locator(".st-key-chart_conversations [data-testid=stElementToolbar]")).to_be_hidden()
    for _ in range(2):
        chart.click(position=last_of_two)
        expect(page.get_by_role("dialog")).to_contain_text(look.day(began.date(), "ru"))
        expect(page.locator("[role=dialog] tbody tr")).to_have_count(2)
        with socket.expect_event("framereceived"):
            page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.wait_for_selector(IDLE)
    chart.click(position=last_of_two | {"x": size["width"] * 0.3})
    expect(page.get_by_role("dialog")).to_contain_text(look.day(began.date() - timedelta(days=1), "ru"))


def test_a_click_on_an_hour_of_the_week_opens_its_messages(page: Any, url: str, began: datetime) -> None:
    _open(page, url, "traffic", began)
    busiest = page.locator(f".st-key-chart_heat_messages_incoming {DRAWN} path[fill='#c71336']")
    busiest.click()
    expect(page.get_by_role("dialog")).to_contain_text(f", {began:%H}:00")
    expect(page.locator("[role=dialog] tbody tr")).to_have_count(2)


def test_a_click_on_a_rating_opens_its_answers(page: Any, url: str, began: datetime) -> None:
    # by then a midnight may have passed
    _open(page, url, "satisfaction", began + timedelta(hours=2))
    page.locator(f".st-key-chart_ratings {DRAWN} path[fill='#c71336']").last.click()
    expect(page.locator("[role=dialog] tbody tr")).to_have_count(1)


def _open(page: Any, url: str, name: str, last: datetime) -> Any:
    """The page of that name, of two days; its connection."""
    days = {"from": f"{last - timedelta(days=1):%Y-%m-%d}", "to": f"{last:%Y-%m-%d}"}
    page.set_viewport_size({"width": 1400, "height": 2200})
    with page.expect_websocket() as connecting:
        page.goto(f"{url}/{name}?{urlencode(days | {'token': token()})}")
    page.wait_for_selector(DRAWN)
    page.wait_for_selector(IDLE)
    return connecting.value
