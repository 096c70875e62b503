"""What every notebook begins with: the export it was given, its tables in SQL, and numbers as one writes them in Russian."""

import html
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import marimo as mo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from analytics import extract
from analytics.read import wilson

WEEKDAYS = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")


def folder() -> Path:
    """The export named by `--export` or KULPUNAI_EXPORT, else ./export. Where there is none, the run ends and says so."""
    export = Path(mo.cli_args().get("export") or os.environ.get("KULPUNAI_EXPORT", "export"))
    if not (export / "manifest.json").exists():
        raise SystemExit(f"{export}: no export here. Make one with `kulpunai export --account 1 --out {export}`.")
    return export


def opened(export: Path) -> duckdb.DuckDBPyConnection:
    """Every table of the export under its name. `events` is there, and empty, also where nothing has happened yet."""
    tables = duckdb.connect()
    tables.register("batch", extract.ROW.to_frame())
    tables.execute(f"create view events as {extract.STAGING}")
    for file in sorted(export.glob("*.parquet")):
        tables.read_parquet(str(file)).create_view(file.stem)
    return tables


def instant(moment_us: int) -> datetime:
    """The time, aware, of so many microseconds since 1970 UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment_us)


def number(value: float, digits: int = 0) -> str:
    """1 234,5"""
    return f"{value:,.{digits}f}".replace(",", "\u00a0").replace(".", ",")


def percent(fraction: float) -> str:
    """0.8 is 80 %."""
    return f"{number(100 * fraction)}\u00a0%"


def span(seconds: float) -> str:
    """A span in seconds, minutes from 90 seconds on, or hours from three on."""
    if seconds >= 3 * 3600:
        return f"{number(seconds / 3600)}\u00a0ч"
    return f"{number(seconds / 60)}\u00a0мин" if seconds >= 90 else f"{number(seconds)}\u00a0с"


def share(hits: int, n: int) -> str:
    """The share, where the true one lies in 95 cases of 100 (Wilson), and of how many."""
    if n == 0:
        return "—"
    low, high = wilson(hits, n)
    return f"{percent(hits / n)} (95\u00a0%: {number(100 * low)}–{percent(high)}, n\u00a0=\u00a0{n})"


def listed(head: Sequence[str], rows: Iterable[Sequence[object]], words: int = 1) -> str:
    """A Markdown table: so many columns of words, then numbers."""
    lines = [head, [":---"] * words + ["---:"] * (len(head) - words), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return html.escape(str(value), quote=False).replace("|", "&#124;").replace("\n", " ")
