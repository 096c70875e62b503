"""What a request holds, as JSON or as a form (`message[content]=…`), checked before anybody sees it."""

import math
import re
from typing import Any

from flask import request
from werkzeug.datastructures import FileStorage

from app import files
from app.conversations.actions import ATTACHMENTS_LIMIT
from app.errors import Invalid
from app.i18n import _, ngettext
from app.text import checked

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]+\])*)")
BIGGEST = 2**63 - 1
KEYS_LIMIT = 50
LEAVES = (int, bool, type(None))


def body() -> dict[str, Any]:
    """The body as nested dicts. Invalid when it is JSON, but no object."""
    if not request.is_json:
        return _nested(request.form)
    try:
        found = request.get_json()
    except RecursionError as problem:
        raise Invalid("body", _("A JSON object is wanted.")) from problem
    if not isinstance(found, dict):
        raise Invalid("body", _("A JSON object is wanted."))
    return found


def part(given: dict[str, Any], name: str) -> dict[str, Any]:
    """The object called `name`; an empty one when it is missing. Invalid for anything else."""
    found = given.get(name)
    if found is None or found == "":
        return {}
    if not isinstance(found, dict):
        raise Invalid(name, _("A JSON object is wanted."))
    return found


def attributes(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Custom attributes: up to 50 words with a text, number, yes or no, or nothing. Invalid for other things."""
    found = part(given, name)
    if len(found) > KEYS_LIMIT:
        raise Invalid(name, _("These are too many attributes."))
    return {checked(name, key, 100, required=True): _leaf(name, value) for key, value in found.items()}


def keys(given: dict[str, Any], name: str) -> list[str]:
    """One word or a list of words."""
    found = given.get(name)
    some = found if isinstance(found, list) else [found]
    if len(some) > KEYS_LIMIT:
        raise Invalid(name, _("These are too many attributes."))
    return [checked(name, key, 100, required=True) for key in some]


def cursor(name: str) -> int | None:
    """The id in the address under `name`; None where there is none. Invalid when it is no id."""
    value = request.args.get(name, "")
    if not value:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", value) or int(value) > BIGGEST:
        raise Invalid(name, _("This is not an id."))
    return int(value)


def uploads(account_id: int) -> tuple[list[files.Stored], list[str]]:
    """The files that came along, on disk, and what the visitor calls them."""
    some = [found for name in ("message[attachments][]", "attachments[]") for found in request.files.getlist(name)]
    chosen: list[FileStorage] = [upload for upload in some if upload.filename]
    if len(chosen) > ATTACHMENTS_LIMIT:
        raise Invalid("attachments", ngettext("%(n)s file at most.", "%(n)s files at most.", ATTACHMENTS_LIMIT))
    names = [re.split(r"[/\\]", checked("attachments", upload.filename, 255))[-1] for upload in chosen]
    return [files.put(account_id, upload.stream, name) for upload, name in zip(chosen, names, strict=True)], names


def _leaf(name: str, value: object) -> Any:
    if isinstance(value, str):
        return checked(name, value, 1000)
    if isinstance(value, LEAVES) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise Invalid(name, _("An attribute is a text, a number, or yes or no."))


def _nested(form: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in form.items():
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        *path, last = [match[1], *re.findall(r"\[([^\[\]]+)\]", match[2])]
        place = found
        for step in path:
            inner = place.setdefault(step, {})
            place = inner if isinstance(inner, dict) else {}
        place[last] = value
    return found
