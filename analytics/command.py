"""What `kulpunai metrics` and `kulpunai export` do. The caller prints; Refused carries the sentence for whoever asked."""

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from analytics.build import as_known
from analytics.errors import Refused
from analytics.export import People, export
from analytics.local_time import zone
from analytics.read import NAMED, Attribution, Query, Time, answer, behind, current, previous, table
from analytics.restated import restated


def metrics_command(
    lake: Path,
    account_id: int,
    metric: str,
    *,
    since: str,
    until: str,
    by: str | None = None,
    inbox: tuple[int | str, ...] = (),
    agent: tuple[int | str, ...] = (),
    team: tuple[int | str, ...] = (),
    label: tuple[str, ...] = (),
    timezone: str | None = None,
    time: str = "calendar",
    attribution: str = "event",
    as_of: str | None = None,
    spread: bool = True,
    compared: bool = False,
    rows: bool = False,
    why: bool = False,
) -> dict[str, Any]:
    """{"metric", "unit", "rows"} as the newest build knows it; rows as in `read.Answer`, ready for JSON.

    since, until, as_of: ISO days or times, in the account's zone unless they name one; [since, until). inbox, agent, team:
    our numbers, or the external ids of an import. as_of: as the log knew it then. spread: p50 and p90 of spans too. compared:
    adds "previous", the rows of the period before. rows: adds "behind", the conversations. why: adds "restated", what has
    changed since as_of.
    """
    if why and as_of is None:
        raise Refused("--why goes with --as-of.", "--why имеет смысл вместе с --as-of.")
    words = {"--time": (time, Time), "--attribution": (attribution, Attribution)}
    for option, (word, allowed) in words.items():
        _among(option, word, [choice.value for choice in allowed])
    marts = current(lake, account_id)
    where = timezone or timezone_of(marts)
    if as_of is not None:
        marts = as_known(lake, account_id, moment(as_of, zone(where)))
    query = Query(
        metric,
        moment(since, zone(where)),
        moment(until, zone(where)),
        by,
        where,
        _numbers(marts, "inbox", inbox),
        _numbers(marts, "agent", agent),
        _numbers(marts, "team", team),
        tuple(label),
        Time(time),
        Attribution(attribution),
        with_spread=spread,
    )
    told = asdict(answer(marts, query))
    if compared:
        told["previous"] = answer(marts, previous(query)).rows
    if rows:
        told["behind"] = behind(marts, query)
    if as_of is not None and why:
        told["restated"] = restated(lake, account_id, query, moment(as_of, zone(where)))
    return told


def _numbers(marts: Path, kind: str, names: tuple[int | str, ...]) -> tuple[int, ...]:
    """Our numbers of these inboxes, agents or teams; each is given by number or by external id."""
    known = table(marts, NAMED[kind])
    ours = {int(row[f"{kind}_id"]) for row in known}
    theirs = {row["external_id"]: int(row[f"{kind}_id"]) for row in known if row.get("external_id") is not None}
    found = []
    for name in map(str, names):
        number = int(name) if name.isascii() and name.isdigit() else None
        # a lake of marts alone knows no names, and takes every number
        if number is None or (known and number not in ours):
            number = theirs.get(name)
        if number is None:
            raise Refused(f"There is no {kind} “{name}”.", f"{_NONE_OF[kind]} «{name}» нет.")
        found.append(number)
    return tuple(found)


def _among(option: str, word: str, allowed: list[str]) -> None:
    if word not in allowed:
        choices = ", ".join(allowed)
        raise Refused(f"{option} {word}: it can be {choices}.", f"{option} {word}: можно {choices}.")


def export_command(
    lake: Path, account_id: int, out: Path, locale: str = "ru", *, people: People | None = None, is_csv: bool = True
) -> dict[str, int]:
    """Rows by table, once the account's export stands in the folder `out`."""
    made = export(lake, account_id, out.absolute(), locale, people=people, is_csv=is_csv)
    return {table.name: table.rows for table in made}


def timezone_of(marts: Path) -> str:
    """The account's IANA zone, as the build knew it."""
    accounts = table(marts, "accounts")
    return str(accounts[0]["timezone"]) if accounts else "UTC"


def moment(words: str, where: ZoneInfo) -> datetime:
    """The instant an ISO day (its midnight) or time stands for; in the zone `where` unless it names its own."""
    try:
        found = (
            datetime.fromisoformat(words) if len(words) > 10 else datetime.combine(date.fromisoformat(words), _MIDNIGHT)
        )
    except ValueError:
        raise Refused(
            f"“{words}” is no day or time: write 2026-03-02 or 2026-03-02T09:00.",
            f"«{words}» — не день и не время: напишите 2026-03-02 или 2026-03-02T09:00.",
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=where)


_MIDNIGHT = datetime.min.time()
_NONE_OF = {"inbox": "Канала", "agent": "Агента", "team": "Команды"}
