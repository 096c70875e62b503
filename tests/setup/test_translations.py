"""Russian is complete: every sentence of the code has one, with its three plurals and the same names to fill in."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from app.config import ROOT
from app.i18n import ngettext, speaking

KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
RUSSIAN = ROOT / "app" / "translations" / "ru" / "LC_MESSAGES" / "messages.po"
_NAMES = re.compile(r"%\((\w+)\)s|\{(\w+)\}")


@pytest.fixture(scope="module")
def said() -> set[str | tuple[str, ...]]:
    """Every sentence that the code says."""
    mapping, options = _mapping(ROOT / "babel.cfg")
    return {found[2] for found in extract_from_dir(ROOT, mapping, options, KEYWORDS) if found[2]}


@pytest.fixture(scope="module")
def russian() -> Catalog:
    with RUSSIAN.open("rb") as file:
        return read_po(file, locale="ru")


def test_every_sentence_has_its_russian(said: set[str | tuple[str, ...]], russian: Catalog) -> None:
    assert len(said) > 300
    missing = []
    for message in said:
        found = russian.get(message if isinstance(message, str) else message[0])
        strings = [found.string] if found and isinstance(found.string, str) else list(found.string) if found else []
        if not strings or not all(strings) or (not isinstance(message, str) and len(strings) != 3):
            missing.append(message)
    assert missing == []


def test_a_translation_fills_in_the_same_names(russian: Catalog) -> None:
    for message in russian:
        if not message.id:
            continue
        english = message.id if isinstance(message.id, str) else message.id[-1]
        wanted = {one or other for one, other in _NAMES.findall(english)}
        for string in [message.string] if isinstance(message.string, str) else message.string:
            assert {one or other for one, other in _NAMES.findall(string)} <= wanted, english


def test_plurals_are_russian() -> None:
    with speaking("ru"):
        told = [ngettext("%(n)s person", "%(n)s people", n) for n in (1, 2, 5, 11, 21, 22, 111)]
    assert told == ["1 человек", "2 человека", "5 человек", "11 человек", "21 человек", "22 человека", "111 человек"]


def _mapping(path: Path) -> tuple[list[tuple[str, str]], dict[str, dict[str, str]]]:
    with path.open() as file:
        mapping, options = parse_mapping_cfg(file, str(path))
    return mapping, options
