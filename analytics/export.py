# ruff: noqa: S608  the SQL is of our own words and columns
"""An account's numbers to take away: Parquet for programs, CSV for spreadsheets, and a README that explains the columns.

    OUT/README.md  OUT/manifest.json  OUT/<table>.parquet  OUT/csv/<table>.csv

No names, addresses or texts of people are in it. The folder can be read like a build: `read.answer(OUT, …)`.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from analytics.dictionary import COLUMNS, PERSONAL, TABLES, Kind
from analytics.errors import Refused
from analytics.lake import AccountLake, Manifest, account, manifest, settle_folder
from analytics.metrics import METRICS
from analytics.read import current

# So that spreadsheets take the letters for what they are: https://www.unicode.org/faq/utf_bom.html#bom4
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A cell that begins so is a formula to a spreadsheet, also after what it may take for a separator.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = r"(^|[;,|\t\r\n])([=+\-@\t\r\n])"


@dataclass(frozen=True)
class Table:
    """One table of an export, without the personal columns."""

    name: str
    columns: list[str]
    rows: int


def export(lake: Path, account_id: int, out: Path, locale: str = "ru") -> list[Table]:
    """What stands in `out` now: a new folder, or one that was empty. Refused for a folder with files in it."""
    if out.exists() and any(out.iterdir()):
        raise Refused(f"The folder {out} is not empty.", f"Папка {out} не пуста.")
    home = account(lake, account_id)
    draft = out.with_name(f".{out.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "csv").mkdir(parents=True)
    with home.writing():  # so that nobody deletes the build we read
        build = current(lake, account_id)
        known = manifest(build)
        tables = [_table(name, files, known.seq, draft) for name, files in _files(home, build).items()]
        shutil.copyfile(build / "manifest.json", draft / "manifest.json")
    (draft / "README.md").write_text(_readme(known, tables, locale), encoding="utf-8")
    if out.exists():
        out.rmdir()
    settle_folder(draft, out)
    return tables


def _files(home: AccountLake, build: Path) -> dict[str, list[str]]:
    """The files each table comes from."""
    parts = [str(part.path) for part in home.parts()]
    tables = {name: [str(build / f"{name}.parquet")] for name in TABLES if (build / f"{name}.parquet").exists()}
    return ({"events": parts} if parts else {}) | tables


def _table(name: str, files: list[str], last_seq: int, out: Path) -> Table:
    """Write one table both ways."""
    with duckdb.connect() as memory:
        memory.read_parquet(files).create_view("source")
        columns = [str(row[0]) for row in memory.execute("describe source").fetchall()]
        kept = [column for column in columns if column not in PERSONAL.get(name, ())]
        # the log may have grown since the build
        source = f"source where seq <= {last_seq}" if name == "events" else "source"
        _copy(memory, kept, source, out / f"{name}.parquet", "format parquet, compression zstd")
        unmarked = out / "csv" / f".{name}.csv"
        _copy(memory, [_in_csv(column) for column in kept], source, unmarked, "format csv, header")
        rows = int(memory.execute(f"select count(*) from {source}").fetchall()[0][0])
    with open(out / "csv" / f"{name}.csv", "wb") as marked, open(unmarked, "rb") as plain:
        marked.write(BYTE_ORDER_MARK)
        shutil.copyfileobj(plain, marked)
    unmarked.unlink()
    return Table(name, kept, rows)


def _copy(memory: duckdb.DuckDBPyConnection, columns: list[str], source: str, path: Path, form: str) -> None:
    target = str(path).replace("'", "''")
    memory.execute(f"copy (select {', '.join(columns)} from {source}) to '{target}' ({form})")


def _in_csv(column: str) -> str:
    """How a column is written for a spreadsheet: times and seconds instead of microseconds, and no formulas."""
    name = column.removesuffix("_us")
    match COLUMNS[column].kind:
        case Kind.INSTANT:
            return f"strftime(make_timestamp({column}), '%Y-%m-%dT%H:%M:%S.%fZ') as {name}_at"
        case Kind.SPAN:
            return f"{column} / 1e6 as {name}_seconds"
        case Kind.LIST:
            return f"{_harmless(f'array_to_string({column}, $$, $$)')} as {column}"
        case Kind.TEXT | Kind.JSON:
            return f"{_harmless(column)} as {column}"
    return column


def _harmless(words: str) -> str:
    return rf"regexp_replace({words}, '{FORMULA}', '\1''\2', 'g')"


def _readme(known: Manifest, tables: list[Table], locale: str) -> str:
    """The dictionary of the export, in the reader's language."""
    words = _WORDS["ru" if locale == "ru" else "en"]
    parts = [words["about"].format(seq=known.seq)]
    for table in tables:
        parts.append(f"## {table.name}\n\n{TABLES[table.name].in_(locale)} {words['rows']}: {table.rows}.")
        lines = [f"| {name} | {COLUMNS[name].kind} | {COLUMNS[name].words.in_(locale)} |" for name in table.columns]
        parts.append("\n".join([words["head"], "|---|---|---|", *lines]))
    parts.append(f"## {words['metrics']}")
    for metric in METRICS.values():
        said = f"**{metric.title.in_(locale)}** (`{metric.name}`). {metric.sentence.in_(locale)}"
        parts.append(f"{said} *{words['left_out']}.* {metric.exclusions.in_(locale)}")
    return "\n\n".join(parts) + "\n"


_WORDS = {
    "en": {
        "about": """# Kulpunai export

Everything up to event {seq} of the log. Each table stands here as Parquet and in `csv/` for spreadsheets.

`instant` and `span` columns hold microseconds in Parquet (instants since 1970 UTC); in CSV `…_us` becomes `…_at`, a time in
UTC, or `…_seconds`. In CSV an apostrophe stands before what a spreadsheet would take for a formula. Names, addresses and
texts of people are left out.""",
        "rows": "Rows",
        "head": "| Column | Kind | What it holds |",
        "metrics": "Metrics",
        "left_out": "Left out",
    },
    "ru": {
        "about": """# Выгрузка Kulpunai

Всё до события {seq} журнала включительно. Каждая таблица лежит здесь в Parquet, а для электронных таблиц — в `csv/`.

Столбцы `instant` и `span` в Parquet — микросекунды (моменты — с 1970 года, UTC); в CSV вместо `…_us` стоит `…_at`, время по
UTC, или `…_seconds`. В CSV перед тем, что таблица приняла бы за формулу, стоит апостроф. Имён, адресов и текстов людей в
выгрузке нет.""",
        "rows": "Строк",
        "head": "| Столбец | Вид | Что в нём |",
        "metrics": "Метрики",
        "left_out": "Не входит",
    },
}
