"""What can be done to a label."""

import re
from typing import Any

from sqlmodel import col, select

from app.clock import now
from app.database import session
from app.errors import Invalid, NotFound
from app.events.record import record
from app.i18n import _
from app.labels.models import Label
from app.text import checked

_TITLE = re.compile(r"[\w-]{2,100}")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def labels(account_id: int) -> list[Label]:
    """All labels, by title."""
    return list(session().exec(select(Label).where(col(Label.account_id) == account_id).order_by(col(Label.title))))


def label(account_id: int, label_id: int) -> Label:
    """A label of the account. NotFound for any other."""
    found = session().get(Label, (account_id, label_id))
    if found is None:
        raise NotFound(_("There is no such label."))
    return found


def create_label(account_id: int, title: str, *, by: str, **fields: Any) -> Label:
    """A new label; letters, digits, _ and -, in lower case."""
    made = Label(account_id=account_id, title=_title(account_id, title), created_at=now())
    _apply(made, fields)
    session().add(made)
    record("label.created", made, by=by)
    return made


def update_label(found: Label, *, by: str, **fields: Any) -> None:
    """Another description, colour or place; the title stays, since conversations carry it."""
    _apply(found, fields)
    record("label.updated", found, by=by, changed=sorted(fields))


def delete_label(found: Label, *, by: str) -> None:
    """Take it off the list; conversations that carry it keep the word."""
    record("label.deleted", found, by=by)
    session().delete(found)


def _title(account_id: int, value: str) -> str:
    title = checked("title", value, 100, required=True).lower()
    if not _TITLE.fullmatch(title):
        raise Invalid("title", _("A label has letters, digits, hyphens and underscores, two at least."))
    if any(title == other.title for other in labels(account_id)):
        raise Invalid("title", _("There is a label of this name."))
    return title


def _apply(found: Label, fields: dict[str, Any]) -> None:
    if "description" in fields:
        found.description = checked("description", fields["description"], 1000)
    if "color" in fields:
        if not _COLOR.fullmatch(str(fields["color"])):
            raise Invalid("color", _("A colour looks like #c8102e."))
        found.color = str(fields["color"])
    if "show_on_sidebar" in fields:
        found.show_on_sidebar = bool(fields["show_on_sidebar"])
