"""POST /hooks/<channel>/<key>: check who sends, keep the raw bytes, commit, and only then answer 200."""

import logging

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError

from app import security
from app.channels.base import ChannelAdapter
from app.channels.registry import adapter
from app.database import across_accounts, transaction
from app.errors import NotAllowed, NotFound, Problem
from app.inboxes import queries
from app.inboxes.models import Channel, Inbox
from app.intake.actions import take_in
from app.policies import policy

logger = logging.getLogger(__name__)

BODY_LIMIT_BYTES = 1_000_000
RETRY_AFTER_SECONDS = 5

bp = Blueprint("hooks", __name__, url_prefix="/hooks")


@bp.errorhandler(Problem)
def refuse(problem: Problem) -> Response:
    """Nobody reads pages here."""
    return Response(status=problem.status)


@bp.post("/<channel>/<key>")
@policy("public")
def create(channel: str, key: str) -> Response:
    """200 once it is kept; 404 for an unknown inbox, 403 for a forged call, 413 above 1 MB, 503 when it cannot be kept."""
    request.max_content_length = BODY_LIMIT_BYTES
    found = adapter(channel)
    if found is None:
        raise NotFound
    raw = request.get_data(cache=False)
    try:
        keep(found, Channel(channel), key, raw)
    except SQLAlchemyError as problem:
        # the provider tries again as long as it does not hear 200
        logger.error("a hook of %s could not be kept: %s", channel, type(problem).__name__)
        return Response(status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    return Response(status=200)


def keep(found: ChannelAdapter, channel: Channel, key: str, raw: bytes) -> None:
    """The bytes are in the intake. NotFound or NotAllowed when they are not for us to keep."""
    inbox = _inbox(channel, key)
    if not found.is_authentic(security.unseal(inbox.sealed), dict(request.headers), raw):
        raise NotAllowed
    envelope = found.envelope(raw)
    with transaction(inbox.account_id):
        take_in(inbox.account_id, inbox.id, provider_key=envelope.provider_key, lane=envelope.lane, raw=raw)


def _inbox(channel: Channel, key: str) -> Inbox:
    with across_accounts():
        inbox = queries.by_key(key, channel)
    if inbox is None:
        raise NotFound
    return inbox
