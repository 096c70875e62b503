"""What a page asks. The account is the viewer's, whatever stands in the address, and an agent sees himself alone."""

import os
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import streamlit as st

from analytics import read
from analytics.lake import AccountLake, Manifest, account, manifest
from analytics.local_time import zone
from dashboards.gate import Viewer


@dataclass(frozen=True)
class View:
    """One viewer's sight of one build: the days from `first` to `last`, both included, in these inboxes (none: all)."""

    viewer: Viewer
    marts: Path
    first: date
    last: date
    inbox_ids: tuple[int, ...] = ()

    def ask(self, metric: str, by: str | None = None) -> list[dict[str, Any]]:
        """The rows of a metric; see analytics.read."""
        where = zone(self.viewer.timezone)
        query = read.Query(
            metric,
            since=datetime.combine(self.first, time(), where),
            until=datetime.combine(self.last + timedelta(days=1), time(), where),
            by=by,
            timezone=self.viewer.timezone,
            inbox_ids=self.inbox_ids,
            agent_ids=() if self.viewer.is_administrator else (self.viewer.user_id,),
        )
        return _rows(self.viewer.account_id, self.marts.name, query)

    def total(self, metric: str) -> dict[str, Any] | None:
        """Its one row, or None when there was nothing to count."""
        return next(iter(self.ask(metric)), None)

    def days(self) -> list[date]:
        """Every day of the window."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    def by_day(self, metric: str) -> dict[date, dict[str, Any]]:
        """The rows of the days on which there was something to count."""
        return {date.fromisoformat(row["day"]): row for row in self.ask(metric, "day")}


def home(viewer: Viewer) -> AccountLake:
    """The viewer's own folder of the lake."""
    return account(Path(os.environ["KULPUNAI_LAKE"]), viewer.account_id)


@st.cache_data(max_entries=64, show_spinner=False)
def built(account_id: int, build: str) -> Manifest:
    """What a build knows of itself."""
    return manifest(_marts(account_id, build))


@st.cache_data(max_entries=64, show_spinner=False)
def inboxes(account_id: int, build: str) -> dict[int, str]:
    """The names of the account's inboxes."""
    return {row["inbox_id"]: row["name"] for row in read.table(_marts(account_id, build), "inboxes")}


# The account and the build stand in the key, so what one account sees can never be handed to another.
@st.cache_data(max_entries=2000, ttl=3600, show_spinner=False)
def _rows(account_id: int, build: str, query: read.Query) -> list[dict[str, Any]]:
    return read.answer(_marts(account_id, build), query).rows


def _marts(account_id: int, build: str) -> Path:
    return account(Path(os.environ["KULPUNAI_LAKE"]), account_id).marts / build
