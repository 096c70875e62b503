# ruff: noqa: S608  the SQL is of our own words alone
"""What a page asks. The account is the viewer's, whatever stands in the address, and an agent sees himself alone."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import streamlit as st

from analytics import read
from analytics.checks import MARTS
from analytics.lake import AccountLake, Manifest, account, manifest, mart
from analytics.local_time import zone
from analytics.read import Attribution, Query, Time
from dashboards import look
from dashboards.gate import Viewer
from dashboards.words import say

Row = dict[str, Any]
# So many conversations behind a number are shown and downloaded at most
MOST_ROWS = 10_000


@dataclass(frozen=True)
class View:
    """One viewer's sight of one build: the days from `first` to `last`, both included; empty filters let all pass.

    shown: everything that has been asked through it, to be taken away as it stands on the page.
    """

    viewer: Viewer
    marts: Path
    first: date
    last: date
    inbox_ids: tuple[int, ...] = ()
    team_ids: tuple[int, ...] = ()
    agent_ids: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    time: Time = Time.CALENDAR
    attribution: Attribution = Attribution.EVENT
    is_compared: bool = False
    shown: dict[Query, list[Row]] = field(default_factory=dict, compare=False, repr=False)

    def query(self, metric: str, by: str | None = None) -> Query:
        """The question as this view puts it."""
        where = zone(self.viewer.timezone)
        return Query(
            metric,
            since=datetime.combine(self.first, time(), where),
            until=datetime.combine(self.last + timedelta(days=1), time(), where),
            by=by,
            timezone=self.viewer.timezone,
            inbox_ids=self.inbox_ids,
            agent_ids=self.agent_ids if self.viewer.is_administrator else (self.viewer.user_id,),
            team_ids=self.team_ids,
            labels=self.labels,
            time=self.time,
            attribution=self.attribution,
        )

    def ask(self, metric: str, by: str | None = None) -> list[Row]:
        """The rows of a metric; see analytics.read."""
        query = self.query(metric, by)
        if query not in self.shown:
            self.ask_at_once([metric], by)
        return self.shown[query]

    def ask_at_once(self, metrics: Iterable[str], by: str | None = None) -> None:
        """Ask several, which is quicker than one by one: `ask` has them then."""
        queries = tuple(self.query(metric, by) for metric in metrics)
        self.shown.update(zip(queries, _rows(self.viewer.account_id, self.marts.name, queries), strict=True))

    def plain(self) -> "View":
        """The same without what belongs to conversations: whose they are, and labels."""
        return replace(self, inbox_ids=(), team_ids=(), agent_ids=(), labels=(), attribution=Attribution.EVENT)

    def total(self, metric: str) -> Row | None:
        """Its one row, or None when there was nothing to count."""
        return next(iter(self.ask(metric)), None)

    def before(self, metric: str) -> Row | None:
        """Its one row in the period just before."""
        (rows,) = _rows(self.viewer.account_id, self.marts.name, (read.previous(self.query(metric)),))
        return next(iter(rows), None)

    def behind(self, metric: str, by: str | None, cell: Row | None) -> list[Row]:
        """The rows that a number was made of; see analytics.read."""
        return _behind(self.viewer.account_id, self.marts.name, self.query(metric, by), cell)

    def days(self) -> list[date]:
        """Every day of the window."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    def by_day(self, metric: str) -> dict[date, Row]:
        """The rows of the days on which there was something to count."""
        return {date.fromisoformat(row["day"]): row for row in self.ask(metric, "day")}

    def names(self, table: str) -> dict[int, str]:
        """The names of the account's inboxes, teams, agents …, by their number."""
        return names(self.viewer.account_id, self.marts.name, table)

    def window(self) -> str:
        """Which days, by whose clock."""
        locale = self.viewer.locale
        return say(
            "window",
            locale,
            days=look.days(self.first, self.last, locale),
            zone=look.place(self.viewer.timezone, locale),
        )

    def palette(self) -> look.Palette:
        """The colours the viewer works in."""
        return look.DARK if (st.context.theme.type or self.viewer.theme) == "dark" else look.LIGHT

    def unresolved(self) -> pl.DataFrame:
        """The conversations that are not resolved now and pass the filters; see `_unresolved`."""
        rows = _unresolved(self.viewer.account_id, self.marts.name)
        agent_ids = self.agent_ids if self.viewer.is_administrator else (self.viewer.user_id,)
        for column, chosen in (("inbox_id", self.inbox_ids), ("team_id", self.team_ids), ("agent_id", agent_ids)):
            rows = rows.filter(pl.col(column).is_in(list(chosen))) if chosen else rows
        return (
            rows.filter(pl.col("labels").list.set_intersection(list(self.labels)).list.len() > 0)
            if self.labels
            else rows
        )

    def present(self) -> list[Row]:
        """Who is there now: {"agent_id", "presence"} of each agent online or busy."""
        present = _present(self.viewer.account_id, self.marts.name)
        return [row for row in present if self.viewer.is_administrator or row["agent_id"] == self.viewer.user_id]


def home(viewer: Viewer) -> AccountLake:
    """The viewer's own folder of the lake, with what another machine has put into its storage since."""
    found = account(Path(os.environ["KULPUNAI_LAKE"]), viewer.account_id)
    if url := os.environ.get("LAKE_URL"):
        from analytics import mirror

        mirror.follow(found, mirror.store(url, viewer.account_id))
    return found


def is_old(marts: Path) -> bool:
    """Whether this build was made before an update and lacks some of today's marts."""
    return any(not (marts / f"{name}.parquet").exists() for name in MARTS)


# The account and the build stand in every key, so what one account sees can never be handed to another.


@st.cache_data(max_entries=64, show_spinner=False)
def built(account_id: int, build: str) -> Manifest:
    """What a build knows of itself."""
    return manifest(_marts(account_id, build))


@st.cache_data(max_entries=256, show_spinner=False)
def names(account_id: int, build: str, table: str) -> dict[int, str]:
    """The names in a small table, by number: inboxes, teams, agents, labels."""
    return {
        row[next(key for key in row if key.endswith("_id"))]: row.get("name") or row.get("title") or ""
        for row in read.table(_marts(account_id, build), table)
    }


@st.cache_data(max_entries=2000, ttl=3600, show_spinner=False)
def _rows(account_id: int, build: str, queries: tuple[Query, ...]) -> list[list[Row]]:
    return [answer.rows for answer in read.answers(_marts(account_id, build), queries)]


@st.cache_data(max_entries=64, ttl=600, show_spinner=False)
def _behind(account_id: int, build: str, query: Query, cell: Row | None) -> list[Row]:
    return read.behind(_marts(account_id, build), query, cell, limit=MOST_ROWS)


@st.cache_data(max_entries=16, ttl=600, show_spinner=False)
def _unresolved(account_id: int, build: str) -> pl.DataFrame:
    """display_id, status, inbox_id, agent_id, team_id, labels, created_us, waiting_since_us (null: nobody waits) of each."""
    marts = _marts(account_id, build)
    with duckdb.connect(config={"threads": 2}) as memory:
        found: pl.DataFrame = memory.sql(
            f"""select display_id, status, inbox_id, known.agent_id, known.team_id, known.labels, created_us, waiting_since_us
                from ({mart(marts, "conversations_now")}) as known
                join ({mart(marts, "conversations")}) as born on known.conversation_id = born.conversation_id
                left join ({mart(marts, "waiting_now")}) as waiting on known.conversation_id = waiting.conversation_id
                where status <> 'resolved'
                order by waiting_since_us nulls last, created_us"""
        ).pl()
    return found


@st.cache_data(max_entries=64, ttl=600, show_spinner=False)
def _present(account_id: int, build: str) -> list[Row]:
    with duckdb.connect(config={"threads": 2}) as memory:
        rows = memory.execute(
            f"""select agent_id, max_by(presence, seq) from ({mart(_marts(account_id, build), "presence")})
                where ended_us is null group by agent_id order by agent_id"""
        ).fetchall()
    return [{"agent_id": agent_id, "presence": presence} for agent_id, presence in rows]


def _marts(account_id: int, build: str) -> Path:
    return account(Path(os.environ["KULPUNAI_LAKE"]), account_id).marts / build
