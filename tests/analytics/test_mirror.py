"""The lake on S3-compatible storage, before a real server of that protocol: always whole, the same on every machine."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from analytics import build, extract, mirror
from analytics.lake import LakeError, account, manifest
from analytics.mirror import Store
from analytics.read import current
from app import lake as app_lake
from app import outbound
from app.accounts.actions import open_account
from app.database import across_accounts
from tests.analytics.storage import KEYS, make_bucket, s3_server
from tests.analytics.story import ACCOUNT, Story, value
from tests.surroundings import forget_settings


@pytest.fixture(scope="module")
def _endpoint() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def storage(_endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Store]:
    """An account's storage with nothing in it."""
    for name, content in (KEYS | {"AWS_ENDPOINT_URL": _endpoint}).items():
        monkeypatch.setenv(name, content)
    mirror._system.cache_clear()
    bucket = f"bucket-{abs(hash(request.node.name))}"
    make_bucket(_endpoint, bucket)
    yield mirror.store(f"s3://{bucket}/lakes", ACCOUNT)
    mirror._system.cache_clear()


def told(storage: Store) -> dict[str, str]:
    """Each file's name there by its place in the folder."""
    with storage.system.open_input_stream(f"{storage.prefix}/files/{storage.current()}") as index:
        found: dict[str, str] = json.loads(index.read())["files"]
    return found


def a_story(lake: Path, storage: Store) -> Story:
    story = Story()
    story.talk(0, contact_id=55).customer(0).agent(60).resolve(100)
    story.build(lake)
    mirror.push(account(lake, ACCOUNT), storage)
    return story


def test_a_new_machine_has_the_numbers_without_asking_the_database(lake: Path, storage: Store) -> None:
    a_story(lake / "here", storage)
    there = account(lake / "there", ACCOUNT)
    assert mirror.pull(there, storage) is True
    assert value(current(lake / "there", ACCOUNT), "first_response_human") == 60
    assert there.last_seq() == account(lake / "here", ACCOUNT).last_seq()
    assert build.build(lake / "there", ACCOUNT) is False, "it is built already"
    assert mirror.pull(there, storage) is False, "and nothing is new"


def test_the_machine_that_took_over_goes_on_where_the_first_one_stopped(lake: Path, storage: Store) -> None:
    story = a_story(lake / "here", storage)
    mirror.pull(account(lake / "there", ACCOUNT), storage)
    story.talk(10).customer(10).agent(30)
    made = manifest(story.build(lake / "there"))
    assert made.base_seq != made.seq, "by an increment"
    mirror.push(account(lake / "there", ACCOUNT), storage)
    mirror.pull(account(lake / "here", ACCOUNT), storage)
    assert value(current(lake / "here", ACCOUNT), "first_response_human") == 40
    assert current(lake / "here", ACCOUNT).name == made.build


def test_what_stands_in_the_storage_already_is_not_put_again(
    lake: Path, storage: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = a_story(lake, storage)
    before = storage.objects()
    story.talk(10).customer(10)
    story.build(lake)
    put: list[str] = []
    whole = Store.put
    monkeypatch.setattr(Store, "put", lambda self, name, path: (put.append(name), whole(self, name, path)))
    mirror.push(account(lake, ACCOUNT), storage)
    assert put
    assert not before & set(put)
    assert any(name.endswith("messages.parquet") for name in before & set(told(storage).values())), "the base's"


def test_nothing_is_kept_that_is_named_no_more(lake: Path, storage: Store) -> None:
    story = a_story(lake, storage)
    for number in range(3):
        story.talk(number)
        story.build(lake)
        mirror.push(account(lake, ACCOUNT), storage)
        assert storage.objects() == {storage.current(), *told(storage).values()}


def test_a_deleted_contact_leaves_the_storage_and_the_other_machines(lake: Path, storage: Store) -> None:
    here, there = account(lake / "here", ACCOUNT), account(lake / "there", ACCOUNT)
    story = a_story(lake / "here", storage)
    mirror.pull(there, storage)
    there.past.mkdir()
    story.tell("contact.deleted", 200, "user:7", {"contact_id": 55})
    with here.writing():
        last = len(story.events)
        extract.add_part(here, pl.DataFrame(story.events[-1:], schema=extract.ROW), last, last)
        extract.erase(here)
    story.build(lake / "here")
    mirror.push(here, storage)
    assert storage.objects() == {storage.current(), *told(storage).values()}
    mirror.pull(there, storage)
    kept = [*there.events.glob("*.parquet"), *current(lake / "there", ACCOUNT).glob("*.parquet")]
    tables = [pl.read_parquet(file) for file in kept if file != there.part(last, last)]
    known = {contact for table in tables if "contact_id" in table.columns for contact in table["contact_id"]}
    assert known == {None}
    assert not there.past.exists(), "what was made of it before knows him still"


def test_accounts_lie_apart(lake: Path, storage: Store) -> None:
    a_story(lake, storage)
    other = Store(storage.system, storage.prefix[: -len(str(ACCOUNT))] + "2")
    assert other.current() == ""
    assert other.objects() == set()
    assert mirror.pull(account(lake, 2), other) is False


def test_why_a_build_is_refused_is_known_everywhere(lake: Path, storage: Store) -> None:
    story, here = a_story(lake / "here", storage), account(lake / "here", ACCOUNT)
    with contextlib.suppress(AssertionError):
        story.events.append(story.events[0] | {"seq": len(story.events) + 1})  # created twice
        story.build(lake / "here")
    assert here.problems() is not None
    mirror.push(here, storage)
    there = account(lake / "there", ACCOUNT)
    mirror.pull(there, storage)
    assert there.problems() == here.problems()
    assert there.current() is not None


def test_a_damaged_file_is_refused_and_what_was_here_stays(lake: Path, storage: Store) -> None:
    story = a_story(lake / "here", storage)
    there = account(lake / "there", ACCOUNT)
    mirror.pull(there, storage)
    story.talk(10)
    story.build(lake / "here")
    mirror.push(account(lake / "here", ACCOUNT), storage)
    name = told(storage)[f"marts/{account(lake / 'here', ACCOUNT).current().name}/manifest.json"]
    with storage.system.open_output_stream(f"{storage.prefix}/files/{name}") as out:
        out.write(b"{}")
    with pytest.raises(LakeError):
        mirror.pull(there, storage)
    assert value(current(lake / "there", ACCOUNT), "conversations") == 1


def test_who_only_reads_keeps_his_numbers_when_the_storage_is_away(
    lake: Path, storage: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    story = a_story(lake / "here", storage)
    there = account(lake / "there", ACCOUNT)
    monkeypatch.setattr(mirror, "LOOK_SECONDS", 0)
    mirror.follow(there, storage)
    mirror.follow(there, Store(storage.system, f"no-such-bucket/{ACCOUNT}"))
    story.talk(10)
    story.build(lake / "here")
    with there.writing():
        mirror.follow(there, storage)  # a writer is at it: it waits for nobody
    assert value(current(lake / "there", ACCOUNT), "conversations") == 1
    mirror.follow(there, storage)
    mirror.push(account(lake / "here", ACCOUNT), storage)
    mirror.follow(there, storage)
    assert value(current(lake / "there", ACCOUNT), "conversations") == 2


def test_an_endpoint_in_a_private_network_must_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", "s3://lakes")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.1.2.3:9000")
    forget_settings()
    with pytest.raises(outbound.Refused, match="EGRESS_ALLOW_CIDRS"):
        app_lake.storage_url()
    monkeypatch.setenv("EGRESS_ALLOW_CIDRS", "10.1.0.0/16")
    forget_settings()
    assert app_lake.storage_url() == "s3://lakes"
    monkeypatch.undo()
    forget_settings()


def test_numbers_stay_fresh_when_the_storage_is_away(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", "s3://lakes")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.1.2.3:9000")
    forget_settings()
    with across_accounts():
        acme = open_account("Acme", by="system").id
    assert app_lake.refresh(acme) is False, "to be tried again"
    assert value(current(app_lake.folder(), acme), "conversations") is None
    monkeypatch.undo()
    forget_settings()
    shutil.rmtree(app_lake.folder())


# -- what a process leaves that dies


class Died(BaseException):
    pass


@pytest.mark.parametrize("where", ["put", "show", "delete", "mark"])
def test_a_death_while_putting_leaves_the_old_lake_or_the_new_one(
    lake: Path, storage: Store, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    story, here = a_story(lake / "here", storage), account(lake / "here", ACCOUNT)
    story.talk(10)
    story.build(lake / "here")

    def die(*_arguments: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(*((mirror, "_mark") if where == "mark" else (Store, where)), die)
        with pytest.raises(Died):
            mirror.push(here, storage)
    there = lake / "there"
    mirror.pull(account(there, ACCOUNT), storage)
    assert value(current(there, ACCOUNT), "conversations") == (1 if where in {"put", "show"} else 2)
    # the next one puts it right
    mirror.pull(here, storage)
    mirror.push(here, storage)
    mirror.pull(account(there, ACCOUNT), storage)
    assert value(current(there, ACCOUNT), "conversations") == 2
    assert storage.objects() == {storage.current(), *told(storage).values()}
    assert current(lake / "here", ACCOUNT).name == current(there, ACCOUNT).name


@pytest.mark.parametrize("step", range(8))
def test_a_death_while_taking_is_made_up_for(
    lake: Path, storage: Store, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    story, there = a_story(lake / "here", storage), account(lake / "there", ACCOUNT)
    mirror.pull(there, storage)
    story.talk(10).customer(10)
    story.build(lake / "here")
    mirror.push(account(lake / "here", ACCOUNT), storage)
    renames = iter(range(100))
    rename = Path.rename

    def fragile(self: Path, target: Path) -> Path:
        if next(renames) == step:
            raise Died
        return rename(self, target)

    with monkeypatch.context() as patch, contextlib.suppress(Died):
        patch.setattr(Path, "rename", fragile)
        mirror.pull(there, storage)
    assert value(current(lake / "there", ACCOUNT), "conversations") in {1, 2}
    with there.writing():
        assert there.last_seq() in {0, 4, 6}, "all, or nothing that could not be brought anew"
    mirror.pull(there, storage)
    assert there.last_seq() == 6
    assert value(current(lake / "there", ACCOUNT), "conversations") == 2
    assert not [path for path in there.path.rglob(".*")]
