"""The site's accent colour, and what can be read on it and beside it (WCAG 2.2: 4.5 to 1 for text)."""

import re
from dataclasses import dataclass

READABLE = 4.5
STRAWBERRY = "#c8102e"
WHITE, INK, BLACK = "#ffffff", "#1c1917", "#000000"
# The papers of the light and the dark card, as tokens.css has them
LIGHT_PAPER, DARK_PAPER = "#fdfcfa", "#211f1d"

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Accent:
    """fill: the ground of buttons. on_fill: text on it. light, dark: the accent as text on light and on dark paper."""

    fill: str
    on_fill: str
    light: str
    dark: str


def accent(value: object) -> Accent:
    """The four colours made of one; strawberry where there is none that can be read."""
    fill = value.lower() if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value) else STRAWBERRY
    # on the greys in the middle neither white nor our ink is enough; black then is
    on_fill = next(ink for ink in (WHITE, INK, BLACK) if contrast(fill, ink) >= READABLE)
    return Accent(fill, on_fill, _readable(fill, LIGHT_PAPER, INK), _readable(fill, DARK_PAPER, WHITE))


def contrast(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white. https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _readable(colour: str, paper: str, ink: str) -> str:
    """The colour itself, or as little of the ink mixed in as it takes to be read on the paper."""
    for percent in range(0, 101, 5):
        mixed = _mixed(colour, ink, percent / 100)
        if contrast(mixed, paper) >= READABLE:
            return mixed
    return ink


def _luminance(colour: str) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mixed(one: str, other: str, share: float) -> str:
    parts = (mine * (1 - share) + theirs * share for mine, theirs in zip(_rgb(one), _rgb(other), strict=True))
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _rgb(colour: str) -> RGB:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue
