"""How times and absent people look in Chatwoot's JSON; what each noun looks like stands in its room's `wire.py`."""

from datetime import UTC, datetime

# Chatwoot has an address here, or this: nobody has a picture yet
NO_PICTURE = ""


def epoch(moment: datetime | None) -> int:
    """Seconds since 1970; 0 where it never happened."""
    return int(moment.timestamp()) if moment else 0


def iso(moment: datetime | None) -> str | None:
    """2026-01-05T12:30:00.000Z; None where it never happened."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
