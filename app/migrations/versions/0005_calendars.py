"""Calendars for inboxes and teams instead of hours of each inbox; promises in open time; surveys by rule; presence"""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations.columns import parent
from app.migrations.security import SYSTEM, grant_sequences, secure

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _calendars()
    _sla()
    _surveys()
    _presence()
    for table in ("calendar", "calendar_version", "agent_presence"):
        secure(table)
    grant_sequences()
    # the owner sees no rows
    op.execute(f"set local role {SYSTEM}")
    _from_hours()
    op.execute("update sla_target set seconds = extract(epoch from due_at - started_at)")
    op.execute("reset role")
    for column in ("hours", "timezone", "working_hours_enabled"):
        op.drop_column("inbox", column)


def _calendars() -> None:
    op.create_table(
        "calendar",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        _moment("created_at"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_calendar_account_id")),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_calendar")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_calendar_account_id_name")),
    )
    op.create_index("uq_calendar_external_id", "calendar", ["account_id", "external_id"], unique=True)
    op.create_table(
        "calendar_version",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("calendar_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("week", postgresql.JSONB(), nullable=False),
        sa.Column("holidays", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        _moment("created_at"),
        parent("calendar_version", "calendar"),
        sa.PrimaryKeyConstraint("account_id", "calendar_id", "version", name=op.f("pk_calendar_version")),
    )
    for table in ("inbox", "team"):
        op.add_column(table, sa.Column("calendar_id", sa.BigInteger(), nullable=True))
        _point(table, "calendar")
    # who wants to know which calendar held when; there are few of these
    op.execute("create index ix_event_assigned on event (account_id, seq) where name = 'calendar.assigned'")


def _sla() -> None:
    op.add_column("sla_policy", sa.Column("external_id", sa.Text(), nullable=True))
    op.create_index("uq_sla_policy_external_id", "sla_policy", ["account_id", "external_id"], unique=True)
    op.add_column("team", sa.Column("sla_policy_id", sa.BigInteger(), nullable=True))
    op.add_column("sla_target", sa.Column("seconds", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column(
        "sla_target", sa.Column("is_business_time", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "sla_target",
        sa.Column("pause_while", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column(
        "sla_target", sa.Column("warned_percent", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("sla_target", sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("sla_target", "due_at", nullable=True)
    op.add_column("conversation", sa.Column("sla_missed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_conversation_due",
        "conversation",
        ["account_id", "status", "sla_due_at", "id"],
        postgresql_where=sa.text("sla_due_at is not null"),
    )


def _surveys() -> None:
    op.add_column(
        "inbox", sa.Column("csat_labels", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column(
        "inbox", sa.Column("is_csat_unless_labelled", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("survey", sa.Column("review_note", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("survey", sa.Column("reviewer_id", sa.BigInteger(), nullable=True))
    op.add_column("survey", sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True))


def _presence() -> None:
    op.create_table(
        "agent_presence",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("presence", sa.Text(), server_default=sa.text("'offline'"), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conversation_id", sa.BigInteger(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["account_user.account_id", "account_user.user_id"],
            name=op.f("fk_agent_presence_account_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("account_id", "user_id", name=op.f("pk_agent_presence")),
    )


def _from_hours() -> None:
    """Each inbox that kept hours gets a calendar of its own with them; the log is told, as of the inbox's beginning."""
    connection = op.get_bind()
    for inbox in connection.execute(_WITH_HOURS).mappings().all():
        week = [
            sorted([hours["opens"], hours["closes"]] for hours in inbox["hours"] if hours["day"] == day)
            for day in range(1, 8)
        ]
        known = {"account_id": inbox["account_id"], "inbox_id": inbox["id"], "since": inbox["created_at"]}
        known |= {"name": f"{inbox['name']} · {inbox['id']}", "timezone": inbox["timezone"], "week": json.dumps(week)}
        known["calendar_id"] = connection.execute(_CALENDAR, known).scalar_one()
        for statement in (_VERSION, _GIVE):
            connection.execute(statement, known)
        told = {"calendar_id": known["calendar_id"]}
        version = told | {"name": known["name"], "version": 1, "since": known["since"].isoformat(), "week": week}
        version |= {"timezone": known["timezone"], "holidays": []}
        given = told | {"inbox_id": inbox["id"], "team_id": None}
        for name, data in (("calendar.versioned", version), ("calendar.assigned", given)):
            connection.execute(_TELL, known | {"event": name, "data": json.dumps(data)})


def _point(table: str, parent: str) -> None:
    name = op.f(f"fk_{table}_account_id_{parent}_id")
    op.create_foreign_key(name, table, parent, ["account_id", f"{parent}_id"], ["account_id", "id"])


def _moment(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


_WITH_HOURS = sa.text(
    "select account_id, id, name, hours, timezone, created_at from inbox where working_hours_enabled order by account_id, id"
)
_CALENDAR = sa.text(
    "insert into calendar (account_id, name, created_at) values (:account_id, :name, :since) returning id"
)
_VERSION = sa.text(
    "insert into calendar_version (account_id, calendar_id, version, since, timezone, week)"
    " values (:account_id, :calendar_id, 1, :since, :timezone, cast(:week as jsonb))"
)
_GIVE = sa.text("update inbox set calendar_id = :calendar_id where account_id = :account_id and id = :inbox_id")
_TELL = sa.text(
    "with bumped as (insert into counter (account_id, kind, value) values (:account_id, 'event', 1)"
    " on conflict (account_id, kind) do update set value = counter.value + 1 returning value)"
    " insert into event (account_id, seq, name, actor, occurred_at, data)"
    " select :account_id, value, :event, 'system', :since, cast(:data as jsonb) from bumped"
)
