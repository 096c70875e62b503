"""What a client sent, wherever it put it: query, form, multipart or JSON body, on every method, wrapped or flat, as Rails
reads it. Each reader checks its type, so that nothing below the door meets a value it cannot take.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, NoReturn, cast

from flask import request
from werkzeug.datastructures import FileStorage

from app import files
from app.conversations.actions import ATTACHMENTS_LIMIT
from app.errors import Invalid, Problem
from app.i18n import _, ngettext
from app.text import NAME_LIMIT, checked

JSON_LIMIT_BYTES = 1_000_000
DEPTH_LIMIT = 20
NUMBER_LIMIT = 2**63
SECRET_LIMIT = 1000
_KEY_PART = re.compile(r"\[([^\[\]]*)\]")
_WHOLE_NUMBER = re.compile(r"-?\d{1,18}")
# True and 1 are one to a set
_TRUE, _FALSE = {True, "1", "true", "t", "on"}, {False, "0", "false", "f", "off"}


class Params(dict[str, Any]):
    """What was sent, by name. A reader gives None, or "", for what is missing, and Invalid for what is of a wrong type."""

    def text(self, name: str, limit: int = NAME_LIMIT, *, required: bool = False) -> str:
        """A text, stripped; a number is taken as its digits."""
        value = self.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return checked(name, str(value) if is_number else value, limit, required=required)

    def secret(self, name: str) -> str:
        """A password: to the letter, spaces and all."""
        value = self.get(name, "")
        if not isinstance(value, str) or len(value) > SECRET_LIMIT:
            raise Invalid(name, _("This must be text."))
        return value

    def number(self, name: str) -> int | None:
        """A whole number, written as one or as text."""
        value = self.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= NUMBER_LIMIT:
            raise Invalid(name, _("This must be a whole number."))
        return value

    def page(self) -> int:
        """Which page is wanted, from 1."""
        return min(max(self.number("page") or 1, 1), 1_000_000)

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, bool | int | str) or value not in _TRUE | _FALSE:
            raise Invalid(name, _("This must be true or false."))
        return value in _TRUE

    def moment(self, name: str) -> datetime | None:
        """A time: seconds since 1970, or ISO 8601."""
        value = self.get(name)
        if value is None or value == "":
            return None
        try:
            if isinstance(value, str) and not _WHOLE_NUMBER.fullmatch(value):
                moment = datetime.fromisoformat(value)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return datetime.fromtimestamp(float(value), UTC)
        except (TypeError, ValueError, OverflowError, OSError):
            raise Invalid(name, _("This must be a time.")) from None

    def texts(self, name: str) -> list[str]:
        """Several texts; one alone is a list of one."""
        value = self.get(name)
        if value is None or value == "":
            return []
        return [checked(name, item, NAME_LIMIT) for item in (value if isinstance(value, list) else [value])]

    def numbers(self, name: str) -> list[int]:
        """Several whole numbers."""
        value = self.get(name)
        listed = [] if value is None or value == "" else value if isinstance(value, list) else [value]
        return [number for item in listed if (number := Params({name: item}).number(name)) is not None]

    def record(self, name: str) -> dict[str, Any] | None:
        """A JSON object; it may come as text."""
        value = self.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            value = _parsed(value)
        if not isinstance(value, dict):
            raise Invalid(name, _("This must be a JSON object."))
        return value

    def inner(self, name: str) -> "Params":
        """The parameters within `name`, such as `message[content]`; none if it is missing."""
        return Params(self.record(name) or {})

    def uploads(self, *names: str) -> list[FileStorage]:
        """The files sent under these names, with [] or without."""
        found = [f for name in names for f in (*request.files.getlist(name), *request.files.getlist(f"{name}[]"))]
        found = [file for file in found if file.filename]
        if len(found) > ATTACHMENTS_LIMIT:
            raise Invalid("attachments", ngettext("%(n)s file at most.", "%(n)s files at most.", ATTACHMENTS_LIMIT))
        return found


def params(wrapper: str | None = None) -> Params:
    """What the client sent. `{wrapper: {…}}` and `{…}` are the same. Problem 400 for JSON that cannot be read."""
    found = Params(_nested(request.args.items(multi=True)))
    if request.is_json:
        found |= _body()
    elif request.form:
        found |= _nested(request.form.items(multi=True))
    if wrapper and isinstance(found.get(wrapper), dict):
        found |= found.pop(wrapper)
    return found


def stored(account_id: int, uploads: Sequence[FileStorage]) -> tuple[list[files.Stored], list[str]]:
    """The files, kept, and their names; before any transaction, for writing takes time."""
    return [files.put(account_id, cast(BinaryIO, f.stream), f.filename or "") for f in uploads], [
        f.filename or "" for f in uploads
    ]


def _body() -> dict[str, Any]:
    request.max_content_length = JSON_LIMIT_BYTES
    raw = request.get_data()
    if not raw.strip():
        return {}
    try:
        # not left to json, which would let halves of characters through
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(_("This JSON cannot be read.")) from None
    found = _parsed(text)
    if not isinstance(found, dict):
        raise Invalid("body", _("This must be a JSON object."))
    return found


def _parsed(text: str) -> Any:
    """JSON that our database can keep: no NUL, no half characters, no NaN, and not too deep."""
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Problem(_("This JSON cannot be read.")) from None
    if text.count("[") + text.count("{") > DEPTH_LIMIT or "\\u" in text:
        _check(found, DEPTH_LIMIT)
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _check(value: Any, depth: int) -> None:
    if depth < 0:
        raise Problem(_("This JSON is nested too deeply."))
    if isinstance(value, str):
        checked("body", value, JSON_LIMIT_BYTES)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            checked("body", key, JSON_LIMIT_BYTES)
            _check(item, depth - 1)


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[]=1&b[c]=2` as {"a": ["1"], "b": {"c": "2"}}; Problem 400 where the same name is two kinds of thing."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        head, _bracket, rest = name.partition("[")
        steps = [head, *_KEY_PART.findall(f"[{rest}")] if rest else [name]
        if len(steps) > DEPTH_LIMIT or "\x00" in name + value:
            raise Problem(_("This request cannot be read."))
        _put(found, steps, value)
    return found


def _put(found: dict[str, Any], steps: list[str], value: str) -> None:
    is_list = len(steps) > 1 and steps[-1] == ""
    keys = steps[:-1] if is_list else steps
    try:
        for key in keys[:-1]:
            found = found.setdefault(key, {})
        if is_list:
            found.setdefault(keys[-1], []).append(value)
        else:
            found[keys[-1]] = value
    except (AttributeError, TypeError):
        raise Problem(_("This request cannot be read.")) from None
