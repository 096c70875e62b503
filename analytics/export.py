# ruff: noqa: S608  the SQL is of our own words and columns
"""An account's numbers to take away: Parquet for programs, CSV for spreadsheets, and a README that explains the columns.

    OUT/README.md  OUT/dictionary.json  OUT/manifest.json  OUT/<table>.parquet  OUT/csv/<table>.csv

People are in it by their numbers alone, without names, addresses and texts, unless whoever asks may have those. The folder
can be read like a build: `read.answer(OUT, …)`.
"""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, LiteralString

import duckdb
import psycopg
import psycopg.sql

from analytics.dictionary import COLUMNS, PERSONAL, TABLES, Kind
from analytics.errors import Refused
from analytics.lake import AccountLake, Manifest, account, manifest, mart, settle_folder
from analytics.metrics import METRICS
from analytics.read import current

# So that spreadsheets take the letters for what they are: https://www.unicode.org/faq/utf_bom.html#bom4
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A cell that begins so is a formula to a spreadsheet, also after what it may take for a separator.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = r"(^|[;,|\t\r\n])([=+\-@\t\r\n])"


# Changes whenever a table or column gets another name or meaning; new ones may join without it.
SCHEMA_VERSION = 2

# What stands in PostgreSQL alone: for everybody, and for those who may have names and words
_CONTACTS: LiteralString = """select id as contact_id, is_blocked, to_json(labels) as labels,
    (extract(epoch from created_at) * 1000000)::bigint as created_us,
    (extract(epoch from last_activity_at) * 1000000)::bigint as last_activity_us"""
_FROM_CONTACTS: LiteralString = " from contact where account_id = {account_id} order by id"
PEOPLE: dict[str, LiteralString] = {"contacts": _CONTACTS + _FROM_CONTACTS}
PERSONS: dict[str, LiteralString] = {
    "contacts": _CONTACTS + ", name, email, phone_number, identifier, external_id" + _FROM_CONTACTS,
    "agent_addresses": """select user_id as agent_id, email from account_user join app_user on id = user_id
        where account_id = {account_id} order by user_id""",
    "message_texts": """select id as message_id, conversation_id, message_type, sender_type, sender_id, is_private,
        (extract(epoch from occurred_at) * 1000000)::bigint as sent_us, external_id, content
        from message where account_id = {account_id} order by id""",
    "rating_comments": """select id as survey_id, conversation_id, rating,
        (extract(epoch from answered_at) * 1000000)::bigint as answered_us, comment
        from survey where account_id = {account_id} and rating is not null order by id""",
}


@dataclass(frozen=True)
class People:
    """Where those who wrote and answered can be asked for, and whether their names and words may be taken away.

    connection: in a transaction that sees this account's rows (row-level security is the caller's).
    """

    connection: psycopg.Connection[Any]
    with_personal_data: bool = False


@dataclass(frozen=True)
class Table:
    """One table of an export, with the columns it was given."""

    name: str
    columns: list[str]
    rows: int


def export(
    lake: Path, account_id: int, out: Path, locale: str = "ru", *, people: People | None = None, is_csv: bool = True
) -> list[Table]:
    """What stands in `out` now: a new folder, or one that was empty. Refused for a folder with files in it."""
    is_personal = people is not None and people.with_personal_data
    if out.exists() and any(out.iterdir()):
        raise Refused(f"The folder {out} is not empty.", f"Папка {out} не пуста.")
    home = account(lake, account_id)
    draft = out.with_name(f".{out.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "csv" if is_csv else draft).mkdir(parents=True)
    with home.writing():  # so that nobody deletes the build we read
        build = current(lake, account_id)
        known = manifest(build)
        tables = [
            _table(name, source, known.seq, draft, is_personal=is_personal, is_csv=is_csv)
            for name, source in _sources(home, build).items()
        ]
    if people is not None:
        tables += _people(people, account_id, draft, is_csv)
    (draft / "README.md").write_text(_readme(known, tables, locale, is_personal), encoding="utf-8")
    (draft / "dictionary.json").write_text(_dictionary(tables), encoding="utf-8")
    (draft / "manifest.json").write_text(_manifest(known, tables, draft, is_personal), encoding="utf-8")
    if out.exists():
        out.rmdir()
    settle_folder(draft, out)
    return tables


def _sources(home: AccountLake, build: Path) -> dict[str, str]:
    """Where the rows of each table come from."""
    parts = [str(part.path) for part in home.parts()]
    tables = {name: f"({mart(build, name)})" for name in TABLES if (build / f"{name}.parquet").exists()}
    return ({"events": _parquet(parts)} if parts else {}) | tables


def _people(people: People, account_id: int, draft: Path, is_csv: bool) -> list[Table]:
    """The tables that PostgreSQL gives, by way of a file: there may be millions of messages."""
    tables = []
    brought = draft / ".brought.csv"
    for name, query in (PERSONS if people.with_personal_data else PEOPLE).items():
        asked = psycopg.sql.SQL("copy ({}) to stdout (format csv, header)").format(
            psycopg.sql.SQL(query).format(account_id=psycopg.sql.Literal(account_id))
        )
        with people.connection.cursor() as cursor, cursor.copy(asked) as rows, open(brought, "wb") as file:
            for row in rows:
                file.write(row)
        tables.append(_table(name, _brought(brought), 0, draft, is_personal=people.with_personal_data, is_csv=is_csv))
    brought.unlink(missing_ok=True)
    return tables


def _parquet(files: list[str]) -> str:
    return f"read_parquet([{', '.join(_quoted(file) for file in files)}])"


def _brought(path: Path) -> str:
    """What PostgreSQL wrote, with each column as its kind is kept. A quoted nothing is an empty text, a bare one null."""
    header = path.open(encoding="utf-8").readline().strip().split(",")
    columns = ", ".join(f"{_quoted(name)}: '{_TYPES[COLUMNS[name].kind]}'" for name in header)
    read = f"read_csv({_quoted(str(path))}, header = true, columns = {{{columns}}}, quote = '\"', escape = '\"'"
    lists = [name for name in header if COLUMNS[name].kind == Kind.LIST]
    replaced = "".join(f" replace (cast({name} as varchar[]) as {name})" for name in lists)
    return f"(select *{replaced} from {read}, allow_quoted_nulls = false))"


_TYPES = {
    Kind.NUMBER: "bigint",
    Kind.TEXT: "varchar",
    Kind.FLAG: "boolean",
    Kind.LIST: "json",
    Kind.JSON: "varchar",
    Kind.INSTANT: "bigint",
    Kind.SPAN: "bigint",
}


def _table(name: str, source: str, last_seq: int, out: Path, *, is_personal: bool, is_csv: bool) -> Table:
    """Write one table, one way or both."""
    with duckdb.connect() as memory:
        memory.execute(f"create view source as select * from {source}")
        columns = [str(row[0]) for row in memory.execute("describe source").fetchall()]
        kept = [column for column in columns if is_personal or column not in PERSONAL.get(name, ())]
        # the log may have grown since the build
        source = f"source where seq <= {last_seq}" if name == "events" else "source"
        _copy(memory, kept, source, out / f"{name}.parquet", "format parquet, compression zstd")
        rows = int(memory.execute(f"select count(*) from {source}").fetchall()[0][0])
        if is_csv:
            unmarked = out / "csv" / f".{name}.csv"
            _copy(memory, [_in_csv(column) for column in kept], source, unmarked, "format csv, header")
            _mark(unmarked, out / "csv" / f"{name}.csv")
    return Table(name, kept, rows)


def _mark(unmarked: Path, path: Path) -> None:
    with open(path, "wb") as marked, open(unmarked, "rb") as plain:
        marked.write(BYTE_ORDER_MARK)
        shutil.copyfileobj(plain, marked)
    unmarked.unlink()


def _copy(memory: duckdb.DuckDBPyConnection, columns: list[str], source: str, path: Path, form: str) -> None:
    memory.execute(f"copy (select {', '.join(columns)} from {source}) to {_quoted(str(path))} ({form})")


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


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


def _manifest(known: Manifest, tables: list[Table], out: Path, is_personal: bool) -> str:
    """What the build knew of itself, and what is in the folder: rows by table, and each file with its size and SHA-256."""
    files = {
        str(file.relative_to(out)): {"size_bytes": file.stat().st_size, "sha256": _sha256(file)}
        for file in sorted(out.rglob("*"))
        if file.is_file()
    }
    about = {
        "schema_version": SCHEMA_VERSION,
        "with_personal_data": is_personal,
        "tables": {table.name: table.rows for table in tables},
        "files": files,
    }
    return json.dumps({**asdict(known), **about}, ensure_ascii=False, indent=1)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dictionary(tables: list[Table]) -> str:
    """The README's tables for programs: {table: {"words", "rows", "columns": {name: {"kind", "words"}}}}."""
    told = {
        table.name: {
            "words": asdict(TABLES[table.name]),
            "rows": table.rows,
            "columns": {
                name: {"kind": COLUMNS[name].kind, "words": asdict(COLUMNS[name].words)} for name in table.columns
            },
        }
        for table in tables
    }
    return json.dumps({"schema_version": SCHEMA_VERSION, "tables": told}, ensure_ascii=False, indent=1)


def _readme(known: Manifest, tables: list[Table], locale: str, is_personal: bool) -> str:
    """The dictionary of the export, in the reader's language."""
    words = _WORDS["ru" if locale == "ru" else "en"]
    parts = [words["about"].format(seq=known.seq), words["personal" if is_personal else "pseudonyms"]]
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

Everything up to event {seq} of the log. Each table stands here as Parquet and, if it was asked for, in `csv/` for spreadsheets.

`instant` and `span` columns hold microseconds in Parquet (instants since 1970 UTC); in CSV `…_us` becomes `…_at`, a time in
UTC, or `…_seconds`. In CSV an apostrophe stands before what a spreadsheet would take for a formula. `manifest.json` has the
rows of each table and the SHA-256 of each file, `dictionary.json` this dictionary for programs.""",
        "pseudonyms": "Names, addresses and texts of people are left out: `contact_id` and `agent_id` stand for them.",
        "personal": "**This export holds personal data**: names, addresses and texts. Making it stands in the account's log.",
        "rows": "Rows",
        "head": "| Column | Kind | What it holds |",
        "metrics": "Metrics",
        "left_out": "Left out",
    },
    "ru": {
        "about": """# Выгрузка Kulpunai

Всё до события {seq} журнала включительно. Каждая таблица лежит здесь в Parquet, а если попросили, то и в `csv/`.

Столбцы `instant` и `span` в Parquet — микросекунды (моменты — с 1970 года, UTC); в CSV вместо `…_us` стоит `…_at`, время по
UTC, или `…_seconds`. В CSV перед тем, что таблица приняла бы за формулу, стоит апостроф. В `manifest.json` — число строк
каждой таблицы и SHA-256 каждого файла, в `dictionary.json` — этот же словарь для программ.""",
        "pseudonyms": "Имён, адресов и текстов людей здесь нет: вместо них `contact_id` и `agent_id`.",
        "personal": "**В выгрузке есть персональные данные**: имена, адреса и тексты. Запись о ней стоит в журнале аккаунта.",
        "rows": "Строк",
        "head": "| Столбец | Вид | Что в нём |",
        "metrics": "Метрики",
        "left_out": "Не входит",
    },
}
