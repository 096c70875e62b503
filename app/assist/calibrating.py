"""How sure Captain is, corrected for an account by what its agents did with his drafts."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import text

from app.database import session
from captain.calibration import Judged, raw, recalibration
from captain.wire import Calibration

UNCORRECTED = Calibration()
# What a draft went through stands among its features
SLOPE, INTERCEPT = "slope", "intercept"


def correction(account_id: int) -> Calibration:
    """Of this account, from its newest thousand decided drafts; UNCORRECTED while there are too few. In a transaction."""
    newest = session().connection().execute(_NEWEST, {"account_id": account_id}).first()
    return _learned(account_id, newest.id, newest.decided_at) if newest else UNCORRECTED


def noted(used: Calibration) -> dict[str, float]:
    """What to keep with a draft, so that its probability can be read once the correction is another."""
    return {SLOPE: used.slope, INTERCEPT: used.intercept}


@lru_cache(maxsize=256)
def _learned(account_id: int, _newest: int, _decided_at: datetime) -> Calibration:
    rows = session().connection().execute(_DECIDED, {"account_id": account_id}).all()
    return recalibration([_judged(row) for row in rows]) or UNCORRECTED


def _judged(row: Any) -> Judged:
    used = Calibration(float(row.features.get(SLOPE, 1.0)), float(row.features.get(INTERCEPT, 0.0)))
    probability = raw(row.confidence, used)
    if row.state == "edited":
        return Judged.edited(probability, row.edit_distance or 0, row.length)
    return Judged(probability, 1.0 if row.state == "accepted" else 0.0)


_NEWEST = text("""
    select id, decided_at from draft where account_id = :account_id and state in ('accepted', 'edited', 'rejected')
    order by id desc limit 1
""")
_DECIDED = text("""
    select confidence, state, edit_distance, length(content) as length, features from draft
    where account_id = :account_id and state in ('accepted', 'edited', 'rejected')
    order by id desc limit 1000
""")
