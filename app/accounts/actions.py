"""What can be done to an account."""

from collections.abc import Callable

from sqlalchemy.dialects.postgresql import insert

from app.accounts.models import Account
from app.clock import now
from app.database import session
from app.errors import Invalid
from app.events.log import Counter
from app.events.record import record
from app.i18n import LOCALES, _, is_timezone
from app.text import NAME_LIMIT, checked


def open_account(
    name: str, *, by: str, locale: str = "ru", timezone: str = "Europe/Moscow", support_email: str = ""
) -> Account:
    """A new account, empty but for its counters."""
    account = Account(
        name=checked("name", name, NAME_LIMIT, required=True),
        locale=_locale(locale),
        timezone=_timezone(timezone),
        support_email=checked("support_email", support_email, NAME_LIMIT),
        created_at=now(),
    )
    current = session()
    current.add(account)
    current.flush()
    current.connection().execute(insert(Counter).values(account_id=account.id, kind="conversation", value=0))
    record("account.created", account, by=by)
    return account


def update_account(account: Account, *, by: str, **changes: str) -> None:
    """Change the name, locale, time zone or support address; others are refused."""
    checks: dict[str, Callable[[str], str]] = {
        "name": lambda value: checked("name", value, NAME_LIMIT, required=True),
        "locale": _locale,
        "timezone": _timezone,
        "support_email": lambda value: checked("support_email", value, NAME_LIMIT),
        "domain": lambda value: checked("domain", value, NAME_LIMIT),
    }
    wanted = {field: checks[field](value) for field, value in changes.items() if field in checks}
    changed = [field for field, value in wanted.items() if getattr(account, field) != value]
    for field in changed:
        setattr(account, field, wanted[field])
    if changed:
        record("account.updated", account, by=by, changed=changed)


def tell_of_export(account: Account, *, by: str) -> None:
    """The log knows who took names, addresses and texts of people away, and when."""
    record("account.exported", account, by=by, with_personal_data=True)


def _locale(value: str) -> str:
    if value not in LOCALES:
        raise Invalid("locale", _("Choose one of the languages offered."))
    return value


def _timezone(value: str) -> str:
    if not isinstance(value, str) or not is_timezone(value):
        raise Invalid("timezone", _("There is no such time zone."))
    return value
