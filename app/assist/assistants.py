"""Which assistant serves an inbox, and where he may look."""

from dataclasses import replace

from sqlmodel import col, select

from app.accounts.models import Account
from app.assist.models import Assistant, Document, DocumentState, Mode
from app.assist.queries import Manner, Scope
from app.config import settings
from app.database import session
from app.errors import NotFound
from app.help_center.models import Portal
from app.i18n import LOCALES, _, speaking
from app.inboxes.models import Channel, Inbox
from app.inboxes.queries import inboxes


def assistants(account_id: int) -> list[Assistant]:
    """All of the account, the default first. There is always one."""
    first_assistant(account_id)
    query = select(Assistant).where(col(Assistant.account_id) == account_id)
    return list(
        session().exec(query.order_by(col(Assistant.is_default).desc(), col(Assistant.name), col(Assistant.id)))
    )


def assistant(account_id: int, assistant_id: int) -> Assistant:
    """One of the account. NotFound for any other."""
    found = session().get(Assistant, (account_id, assistant_id))
    if found is None:
        raise NotFound(_("There is no such assistant."))
    return found


def first_assistant(account_id: int) -> Assistant:
    """The account's default, made when nobody has asked for it before: accounts are opened by those who do not know us."""
    current = session()
    query = select(Assistant).where(col(Assistant.account_id) == account_id, col(Assistant.is_default))
    if (found := current.exec(query).first()) is not None:
        return found
    account = current.get_one(Account, account_id, with_for_update=True)
    if (found := current.exec(query).first()) is not None:
        return found
    with speaking(account.locale):
        made = Assistant(account_id=account_id, name=_("Captain"), is_default=True)
    current.add(made)
    current.flush()
    return made


def serving(inbox: Inbox) -> Assistant | None:
    """Who serves the inbox; None when nobody does, or he is off."""
    if not inbox.is_captain_on or inbox.deleted_at is not None:
        return None
    chosen = session().get(Assistant, (inbox.account_id, inbox.assistant_id)) if inbox.assistant_id else None
    found = chosen or first_assistant(inbox.account_id)
    return None if found.mode == Mode.OFF else found


def served_by(found: Assistant) -> list[Inbox]:
    """The inboxes he serves."""
    return [
        inbox
        for inbox in inboxes(found.account_id)
        if inbox.is_captain_on and (inbox.assistant_id == found.id or (found.is_default and inbox.assistant_id is None))
    ]


def scope_of(found: Assistant) -> Scope | None:
    """The open portals, languages and categories he may use, and his own documents; None when that leaves nothing."""
    query = select(Portal).where(col(Portal.account_id) == found.account_id, col(Portal.is_archived).is_(False))
    portals = [portal for portal in session().exec(query) if not found.portal_ids or portal.id in found.portal_ids]
    offered = {locale for portal in portals for locale in (*portal.locales, portal.default_locale)}
    locales = offered & set(found.locales) if found.locales else offered
    if not portals and not _has_documents(found):
        return None
    return Scope(
        found.account_id,
        tuple(portal.id for portal in portals),
        tuple(sorted(locales)),
        tuple(found.category_ids),
        found.id,
    )


def in_portal(portal: Portal, locale: str) -> tuple[Scope, Manner]:
    """Where Captain looks for the readers of a help center, and how he answers them.

    Its articles, for all; and what an assistant knows besides where he tells it to anybody already: when he himself answers
    in the chat of this help center (docs/decisions/0014).
    """
    scope = Scope(portal.account_id, (portal.id,), (locale,))
    spoken = locale if locale in LOCALES else None
    inbox = session().get(Inbox, (portal.account_id, portal.inbox_id)) if portal.inbox_id else None
    found = serving(inbox) if inbox is not None and inbox.channel == Channel.WEBSITE else None
    if found is None or found.mode != Mode.ANSWERS or (found.portal_ids and portal.id not in found.portal_ids):
        return scope, Manner(settings().captain_answer_confidence, spoken)
    manner = Manner(1 - found.accepted_error, spoken, found.tone, found.instructions)
    return replace(scope, assistant_id=found.id), manner


def _has_documents(found: Assistant) -> bool:
    query = select(Document.id).where(
        col(Document.account_id) == found.account_id,
        col(Document.assistant_id) == found.id,
        col(Document.state) == DocumentState.APPROVED,
    )
    return session().exec(query.limit(1)).first() is not None
