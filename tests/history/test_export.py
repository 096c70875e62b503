"""What `kulpunai export` takes away: of people only their numbers, unless an administrator may have more."""

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from app import lake
from app.cli import main
from tests.history.past import conversation, events, happens, imports, rows, says, whole
from tests.world import World, acme

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def world() -> World:
    shutil.rmtree(lake.folder(), ignore_errors=True)
    found = acme()
    _outcome, refused = imports(found.account_id, whole(), conversation(
        says(0, "x1", "contact", "=HYPERLINK(\"http://evil.example\")\nи \"кавычки\", запятые"),
        says(1, "x2", "a1", ""),
        happens(2, "status", to="resolved", by="a1"),
        happens(3, "rating", rating=2, comment="@SUM(1)"),
        name="v9",
    ))  # fmt: skip
    assert refused == {}
    return found


def exports(world: World, out: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["export", "--account", str(world.account_id), "--out", str(out), *options])


def test_without_leave_nobody_is_named(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = exports(world, out, "--csv")
    assert said.exit_code == 0, said.output
    contacts = pl.read_parquet(out / "contacts.parquet")
    assert contacts.height == 1
    assert contacts.columns == ["contact_id", "is_blocked", "labels", "created_us", "last_activity_us"]
    everything = b"".join(file.read_bytes() for file in out.rglob("*.csv"))
    for word in ("Анна", "anna@example.org", "996555000111", "Где мой заказ", "Марат"):
        assert word.encode() not in everything
    assert {"conversations", "messages", "events", "contacts", "agents", "csat_answers", "sla_targets"} <= {
        file.stem for file in out.glob("*.parquet")
    }
    assert [event.name for event in told(world)] == []


def test_an_account_that_is_not_there_has_no_numbers_and_no_folder(world: World, tmp_path: Path) -> None:
    window = ["--from", "2026-03-01", "--to", "2026-04-01"]
    for asked in (["metrics", "csat", *window], ["export", "--out", str(tmp_path / "out")]):
        said = CliRunner().invoke(main, [*asked, "--account", "999"])
        assert said.exit_code == 1
        assert "999" in said.output
    assert not (lake.folder() / "999").exists()
    assert not (tmp_path / "out").exists()


def told(world: World) -> list[Any]:
    return [row for row in rows(world.account_id, "select name, actor from event where name = 'account.exported'")]


def test_with_leave_names_and_texts_go_along_and_the_log_says_so(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = exports(world, out, "--csv", "--with-personal-data", "--by", world.ada.email)
    assert said.exit_code == 0, said.output
    texts = pl.read_parquet(out / "message_texts.parquet")
    assert texts.height == 7
    assert texts["content"].to_list()[0] == "Где мой заказ?"
    assert texts["content"].to_list()[-1] == ""
    assert texts["content"].to_list()[-2].count("\n") == 1
    assert pl.read_parquet(out / "contacts.parquet")["email"].to_list() == ["anna@example.org"]
    assert "Марат Осмонов" in pl.read_parquet(out / "agents.parquet")["name"].to_list()
    assert pl.read_parquet(out / "rating_comments.parquet")["comment"].to_list() == ["Быстро!", "@SUM(1)"]
    assert [(row.name, row.actor) for row in told(world)] == [("account.exported", f"user:{world.ada.id}")]
    with open(out / "csv" / "message_texts.csv", encoding="utf-8-sig", newline="") as file:
        cells = [row["content"] for row in csv.DictReader(file)]
    assert cells[-2].startswith("'=HYPERLINK")


def test_who_is_no_administrator_gets_nothing(world: World, tmp_path: Path) -> None:
    said = exports(world, tmp_path / "out", "--with-personal-data", "--by", world.bo.email)
    assert said.exit_code == 1
    assert not (tmp_path / "out").exists()
    assert told(world) == []


def test_the_manifest_knows_every_file_and_the_dictionary_every_column(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exports(world, out, "--csv", "--with-personal-data")
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["schema_version"] >= 2
    files = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()} - {"manifest.json"}
    assert set(manifest["files"]) == files
    for name, about in manifest["files"].items():
        assert about["sha256"] == hashlib.sha256((out / name).read_bytes()).hexdigest()
    words = json.loads((out / "dictionary.json").read_text())["tables"]
    for file in out.glob("*.parquet"):
        assert list(words[file.stem]["columns"]) == pl.read_parquet_schema(file).names()
        assert manifest["tables"][file.stem] == pl.read_parquet(file).height
    assert len(events(world.account_id)) <= manifest["tables"]["events"]


def test_spreadsheets_are_made_when_asked_for(world: World, tmp_path: Path) -> None:
    exports(world, tmp_path / "out")
    assert not (tmp_path / "out" / "csv").exists()
