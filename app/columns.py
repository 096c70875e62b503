"""Columns as we like them: bigint keys inside an account, aware times, text enums with a CHECK, JSONB.

Every table of an account has the primary key (account_id, id), so that a foreign key always names the account
too: a row can never have a parent in somebody else's account, whatever the code above does.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Enum, ForeignKeyConstraint, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(SQLModel):
    """A row of one account."""

    account_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="account.id")
    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": True})


def belongs_to(table: str, column: str) -> ForeignKeyConstraint:
    """(account_id, column) must be a row of `table` in the same account."""
    return ForeignKeyConstraint(["account_id", column], [f"{table}.account_id", f"{table}.id"])


def reference(*, index: bool = False, nullable: bool = False) -> Any:
    """A bigint that `belongs_to` makes a key."""
    return Field(default=None, sa_column=Column(BigInteger, nullable=nullable, index=index))


def number(default: int = 0, *, nullable: bool = False) -> Any:
    """A bigint."""
    if nullable:
        return Field(default=None, sa_column=Column(BigInteger, nullable=True))
    return Field(default=default, sa_column=Column(BigInteger, nullable=False, server_default=text(str(default))))


def words(default: str = "", *, nullable: bool = False, unique: bool = False) -> Any:
    """A text."""
    if nullable or unique:
        return Field(default=None if nullable else default, sa_column=Column(Text, nullable=nullable, unique=unique))
    return Field(default=default, sa_column=Column(Text, nullable=False, server_default=text(f"'{default}'")))


def moment(*, nullable: bool = True, is_now: bool = False) -> Any:
    """An aware time. With `is_now` the database fills it in."""
    if is_now:
        return Field(
            default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()"))
        )
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=nullable))


def choice(kind: type[StrEnum], default: StrEnum | None, name: str) -> Any:
    """One of `kind`, kept as text with a CHECK called `name`; nullable when `default` is None."""
    column: Column[Any] = Column(
        Enum(
            kind,
            name=name,
            native_enum=False,
            create_constraint=True,
            length=40,
            values_callable=lambda members: [m.value for m in members],
        ),
        nullable=default is None,
        server_default=None if default is None else text(f"'{default.value}'"),
    )
    return Field(default=default, sa_column=column)


def flag(default: bool = False) -> Any:
    """A claim, true or false."""
    return Field(default=default, sa_column_kwargs={"server_default": text(str(default).lower())})


def record_of() -> Any:
    """A JSON object. Assign a new one to change it; changes inside go unnoticed."""
    return Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb")))


def list_of_words() -> Any:
    """A list of texts."""
    return Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'")))


def list_of_numbers() -> Any:
    """A list of bigints."""
    return Field(default_factory=list, sa_column=Column(ARRAY(BigInteger), nullable=False, server_default=text("'{}'")))


def quoted(kind: Sequence[StrEnum]) -> str:
    """The values as an SQL list: 'open', 'pending'."""
    return ", ".join(f"'{member.value}'" for member in kind)
