"""Passwords, tokens, seals, signatures."""

import base64
import hashlib
import hmac
import json
import secrets
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.config import settings
from app.errors import NotAllowed, SealBroken
from app.i18n import _

_hasher = PasswordHasher()
# Checked when there is no such user, so that the answer takes as long as for one there is
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The password as it may be stored (argon2id)."""
    return _hasher.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the one behind `stored`; as slow for a missing one."""
    try:
        return _hasher.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> str:
    """A secret nobody can guess: 192 random bits, fit for addresses."""
    return secrets.token_urlsafe(24)


def digest(token: str) -> str:
    """What we keep of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal(value: Any) -> str:
    """JSON, encrypted with the installation's key: for secrets that we must be able to use, such as a bot's token."""
    return _fernet(settings().signing_key).encrypt(json.dumps(value).encode()).decode()


def unseal(sealed: str | None) -> Any:
    """What `seal` closed; an empty dict for nothing. SealBroken when it was closed with another key than today's."""
    try:
        return json.loads(_fernet(settings().signing_key).decrypt(sealed.encode())) if sealed else {}
    except InvalidToken as problem:
        told = _("The installation's SECRET_KEY is not the one this was encrypted with. Put the old one back.")
        raise SealBroken(told) from problem


def signed(purpose: str, value: Any) -> str:
    """`value` with our signature, for `purpose` alone. Readable by anybody."""
    return _serializer(purpose).dumps(value)


def verified(purpose: str, token: str, max_age_seconds: int) -> Any:
    """The value we signed for `purpose`, or None when it is forged, for something else, or too old."""
    try:
        return _serializer(purpose).loads(token, max_age=max_age_seconds)
    except BadSignature:
        return None


def hmac_sha256(key: str, text: str) -> str:
    """The hexadecimal HMAC a website computes over a visitor's identifier."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_equal(one: str, other: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


@cache
def _fernet(signing_key: str) -> Fernet:
    key = hashlib.sha256(b"kulpunai.seal:" + signing_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().signing_key, salt=f"kulpunai.{purpose}")


def dashboard_key() -> str:
    """The key that the web process signs with and the dashboards check: theirs alone, so that they hold no other."""
    return hmac.new(settings().signing_key.encode(), b"kulpunai.dashboards", hashlib.sha256).hexdigest()


def dashboard_token(value: Any) -> str:
    """Who looks at the dashboards, signed."""
    return URLSafeTimedSerializer(dashboard_key(), salt="kulpunai.dashboards").dumps(value)


def dashboard_request(word: str) -> Any:
    """What the dashboards ask for a viewer of theirs, within the minute. NotAllowed when they did not sign it."""
    try:
        return URLSafeTimedSerializer(dashboard_key(), salt="kulpunai.dashboards.request").loads(word, max_age=60)
    except BadSignature:
        raise NotAllowed from None
