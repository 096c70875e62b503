"""What `kulpunai metrics` and `kulpunai export` do. The caller prints; Refused carries the sentence for whoever asked."""

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from analytics.errors import Refused
from analytics.export import export
from analytics.local_time import zone
from analytics.read import Query, answer, current, table


def metrics_command(
    lake: Path,
    account_id: int,
    metric: str,
    *,
    since: str,
    until: str,
    by: str | None = None,
    inbox: tuple[int, ...] = (),
    agent: tuple[int, ...] = (),
    team: tuple[int, ...] = (),
    label: tuple[str, ...] = (),
    timezone: str | None = None,
    time: str = "calendar",
    attribution: str = "event",
    as_of: str | None = None,
) -> dict[str, Any]:
    """{"metric", "unit", "rows"} as the newest build knows it; rows as in `read.Answer`, ready for JSON.

    since, until: ISO days or times, in the account's zone unless they name one; [since, until).
    """
    if time != "calendar":
        raise Refused(
            f"--time {time}: only calendar time can be asked for so far.",
            f"--time {time}: пока можно спросить только календарное время.",
        )
    if attribution != "event":
        raise Refused(
            f"--attribution {attribution}: only “event” (as it was then) can be asked for so far.",
            f"--attribution {attribution}: пока можно спросить только «event» — как было в тот момент.",
        )
    if as_of is not None:
        raise Refused(
            "--as-of: numbers as they were known at a past time cannot be asked for yet.",
            "--as-of: числа, какими их знали в прошлом, спросить пока нельзя.",
        )
    marts = current(lake, account_id)
    where = timezone or timezone_of(marts)
    window = moment(since, zone(where)), moment(until, zone(where))
    return asdict(answer(marts, Query(metric, *window, by, where, inbox, agent, team, label)))


def export_command(lake: Path, account_id: int, out: Path, locale: str = "ru") -> dict[str, int]:
    """Rows by table, once the account's export stands in the folder `out`."""
    return {made.name: made.rows for made in export(lake, account_id, out.absolute(), locale)}


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
