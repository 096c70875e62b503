"""The log comes to the lake whole, once, in order, and nobody else's with it."""

import json
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import text

from analytics import build, extract
from analytics.lake import LakeError, account, manifest
from analytics.read import current
from app.accounts.actions import open_account
from app.accounts.models import Account
from app.database import across_accounts, session, transaction
from app.events.record import record
from tests.analytics.story import ACCOUNT, Story, value


def an_account(name: str) -> int:
    with across_accounts():
        return open_account(name, by="system").id


def say(account_id: int, *words: str) -> None:
    """One event for each word."""
    with transaction(account_id) as current_session:
        subject = current_session.get_one(Account, account_id)
        for word in words:
            record("account.updated", subject, by="user:7", changed=[word])


def bring(account_id: int, lake: Path) -> int:
    with transaction(account_id):
        return extract.extract(session().connection().connection.dbapi_connection, account_id, lake)


def events(account_id: int, lake: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(part.path) for part in account(lake, account_id).parts()])


def words(account_id: int, lake: Path) -> list[str]:
    told = events(account_id, lake).filter(pl.col("name") == "account.updated")["data"]
    return [json.loads(data)["changed"][0] for data in told]


def test_the_lake_holds_the_log_as_postgres_does(database: None, lake: Path) -> None:
    acme = an_account("Acme")
    say(acme, 'кавычка " и, запятая', "строка\nвторая", "", "\\x", "'", "юникод 🍓")
    last = bring(acme, lake)
    with transaction(acme) as current_session:
        rows = current_session.execute(text("select seq, name, actor, occurred_at, data from event order by seq")).all()
    found = events(acme, lake)
    assert last == len(rows) == len(found)
    for row, brought in zip(rows, found.to_dicts(), strict=True):
        assert (row.seq, row.name, row.actor) == (brought["seq"], brought["name"], brought["actor"])
        assert row.data == json.loads(brought["data"])
        assert round(row.occurred_at.timestamp() * 1e6) == brought["occurred_us"]


def test_the_second_time_only_what_is_new_is_brought(database: None, lake: Path) -> None:
    acme = an_account("Acme")
    say(acme, "one", "two")
    first = bring(acme, lake)
    assert bring(acme, lake) == first
    say(acme, "three")
    assert bring(acme, lake) == first + 1
    assert words(acme, lake) == ["one", "two", "three"]
    assert [part.events for part in account(lake, acme).parts()] == [first, 1]


def test_a_database_restored_from_yesterday_is_copied_again(database: None, lake: Path) -> None:
    acme = an_account("Acme")
    say(acme, "one", "two", "three")
    last = bring(acme, lake)
    with across_accounts() as current_session:
        # as after a restore: the end of the log is gone, and went another way since
        current_session.execute(text("set local role none"))
        current_session.execute(text("alter table event no force row level security"))
        current_session.execute(
            text("delete from event where account_id = :a and seq > :s"), {"a": acme, "s": last - 2}
        )
        current_session.execute(text("alter table event force row level security"))
        current_session.execute(text("update counter set value = :s where kind = 'event'"), {"s": last - 2})
    say(acme, "other", "way", "on", "it goes")
    assert bring(acme, lake) == last + 2
    assert words(acme, lake) == ["one", "other", "way", "on", "it goes"]


def test_new_columns_bring_the_log_anew(database: None, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = an_account("Acme")
    say(acme, "one")
    bring(acme, lake)
    monkeypatch.setattr(
        extract, "STAGING", extract.STAGING.replace("    data\nfrom", "    data,\n    1 as newest\nfrom")
    )
    bring(acme, lake)
    assert "newest" in events(acme, lake).columns
    assert words(acme, lake) == ["one"]


def test_a_log_that_cannot_be_seen_any_more_is_not_forgotten(database: None, lake: Path) -> None:
    acme, globex = an_account("Acme"), an_account("Globex")
    say(acme, "one")
    bring(acme, lake)
    with transaction(globex), pytest.raises(extract.LogIsGone):
        extract.extract(session().connection().connection.dbapi_connection, acme, lake)
    assert words(acme, lake) == ["one"]


def test_many_batches_make_one_log(database: None, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "BATCH", 7)
    acme = an_account("Acme")
    said = [str(number) for number in range(60)]
    say(acme, *said)
    bring(acme, lake)
    assert words(acme, lake) == said


def test_an_account_never_gets_the_rows_of_another(database: None, lake: Path) -> None:
    acme, globex = an_account("Acme"), an_account("Globex")
    say(acme, "ours")
    say(globex, "theirs")
    bring(acme, lake)
    assert words(acme, lake) == ["ours"]
    # a transaction that may see Acme alone brings nothing of Globex
    with transaction(acme):
        assert extract.extract(session().connection().connection.dbapi_connection, globex, lake) == 0
    assert [table["name"] for table in pl.read_parquet(account(lake, acme).tables / "accounts.parquet").to_dicts()] == [
        "Acme"
    ]


def test_a_log_with_a_hole_is_refused_and_nothing_of_it_is_written(lake: Path) -> None:
    story = Story()
    story.talk(0).customer(1).agent(2)
    rows = pl.DataFrame(story.events, schema=extract.ROW).filter(pl.col("seq") != 2)
    home = account(lake, ACCOUNT)
    with home.writing(), pytest.raises(extract.LogIsNotDense):
        extract.add_part(home, rows, 1, 3)
    assert home.parts() == []


def test_a_deleted_contact_is_taken_out_of_every_part_that_knew_him(lake: Path) -> None:
    story, home = Story(), account(lake, ACCOUNT)
    story.talk(0, contact_id=55).customer(0).agent(60)
    story.talk(0, contact_id=56).customer(0)
    story.build(lake)
    story.tell("contact.deleted", 100, "user:7", {"contact_id": 55})
    story.tell("contact.updated", 100, "contact:55", {"contact_id": 55, "changed": ["name"]})
    with home.writing():
        extract.add_part(home, pl.DataFrame(story.events[-2:], schema=extract.ROW), 6, 7)
        for _ in range(2):
            extract.erase(home)
    told = events(ACCOUNT, lake)
    assert set(told["contact_id"]) == {None, 56}
    assert "55" not in "".join(told["data"]) + "".join(told["actor"])
    assert told["seq"].to_list() == list(range(1, len(story.events) + 1))
    marts = story.build(lake)
    assert set(pl.read_parquet(marts / "conversations.parquet")["contact_id"]) == {None, 56}
    assert value(marts, "first_response_human") == 60


# -- what a process leaves that dies


def a_lake_of(lake: Path, parts: int) -> Story:
    """One event in each part."""
    story, home = Story(), account(lake, ACCOUNT)
    talk = story.talk(0)
    for second in range(parts - 1):
        talk.customer(second)
    with home.writing():
        for event in story.events:
            extract.add_part(home, pl.DataFrame([event], schema=extract.ROW), event["seq"], event["seq"])
    return story


def test_small_parts_are_put_together_and_nothing_changes_for_the_reader(lake: Path) -> None:
    a_lake_of(lake, extract.SMALL_PARTS + 1)
    before = events(ACCOUNT, lake)
    with account(lake, ACCOUNT).writing():
        extract.compact(account(lake, ACCOUNT))
    assert len(account(lake, ACCOUNT).parts()) == 1
    assert events(ACCOUNT, lake).equals(before)


def test_a_compaction_cut_off_before_it_deleted_doubles_nothing(lake: Path) -> None:
    story, home = a_lake_of(lake, 5), account(lake, ACCOUNT)
    pl.concat([pl.read_parquet(part.path) for part in home.parts()[1:4]]).write_parquet(home.part(2, 4))
    assert [(part.first, part.last) for part in home.parts()] == [(1, 1), (2, 4), (5, 5)]
    assert events(ACCOUNT, lake)["seq"].to_list() == [1, 2, 3, 4, 5]
    assert manifest(story.build(lake)).seq == 5


def test_a_half_written_part_is_not_a_part(lake: Path) -> None:
    story, home = a_lake_of(lake, 2), account(lake, ACCOUNT)
    (home.events / f".{home.part(3, 4).name}.draft").write_bytes(b"PAR1 half a file")
    assert home.last_seq() == 2
    assert manifest(story.build(lake)).seq == 2


def test_a_missing_part_is_noticed(lake: Path) -> None:
    a_lake_of(lake, 3)
    home = account(lake, ACCOUNT)
    home.part(2, 2).unlink()
    with pytest.raises(LakeError):
        home.last_seq()


def test_a_half_made_build_is_never_read_and_is_cleared_away(lake: Path) -> None:
    story = a_lake_of(lake, 2)
    good = story.build(lake)
    half = account(lake, ACCOUNT).marts / ".000000000003-half"
    half.mkdir()
    (half / "messages.parquet").write_bytes(b"PAR1")
    assert current(lake, ACCOUNT) == good
    assert build.build(lake, ACCOUNT) is False, "nothing is new"
    assert not half.exists()


def test_what_a_killed_build_had_no_memory_for_is_cleared_away(lake: Path) -> None:
    story, home = a_lake_of(lake, 2), account(lake, ACCOUNT)
    home.spill.mkdir()
    (home.spill / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"spilled")
    story.build(lake)
    assert not home.spill.exists()


def test_only_the_newest_builds_are_kept(lake: Path) -> None:
    story = Story()
    for _ in range(6):
        story.talk(0)
        newest = story.build(lake)
    kept = sorted(folder.name for folder in account(lake, ACCOUNT).marts.iterdir())
    assert len(kept) == build.KEPT_BUILDS
    assert newest.name == kept[-1]
