"""Taking in: one insert, one commit, and only then the provider hears 200."""

from sqlalchemy.dialects.postgresql import insert

from app.database import session
from app.intake.models import Intake


def take_in(
    account_id: int, inbox_id: int, *, provider_key: str, lane: str, raw: bytes, headers: dict[str, str] | None = None
) -> bool:
    """Keep the raw bytes. False if we had them already: a provider that repeats itself changes nothing."""
    current = session()
    row = {"account_id": account_id, "inbox_id": inbox_id, "provider_key": provider_key, "lane": lane, "raw": raw}
    result = current.connection().execute(
        insert(Intake).values(**row, headers=headers or {}).on_conflict_do_nothing().returning(Intake.__table__.c.id)  # type: ignore[attr-defined]
    )
    current.info.setdefault("wake", set()).add("intake")
    return result.first() is not None
