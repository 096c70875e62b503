"""T19: nobody sees another account's rows, whatever the route, the role, the id; and a route without a policy cannot exist."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.routing import Rule

from app.contacts.actions import create_contact
from app.conversations import actions
from app.conversations.actions import Writing, by_user
from app.conversations.queries import locked
from app.database import across_accounts, transaction
from app.doors import COOKIE
from app.help_center.actions import create_article, create_category, create_portal
from app.labels.actions import create_label
from app.main import create_app
from app.policies import POLICIES, policy_of, require_policies
from app.shortcuts.actions import create_canned_response
from app.users import tokens
from app.users.actions import make_team
from app.users.models import Purpose, User
from tests.world import World, acme, asks, everyone_reads, globex

CANARY = "КАНАРЕЙКА"
# Tables of the installation, not of an account: each with a policy of its own in the first migration
WITHOUT_ACCOUNT = {"account", "app_user", "token", "alembic_version"}

pytestmark = pytest.mark.usefixtures("database")


def test_every_table_is_secured_and_the_application_owns_none() -> None:
    acme()
    with across_accounts() as current:
        tables = current.connection().execute(_TABLES).all()
    assert len(tables) > 30
    for table in tables:
        if table.name == "alembic_version":
            continue
        assert table.enabled, f"row-level security is off on {table.name}"
        assert table.forced, f"row-level security is not forced on {table.name}"
        assert table.owner not in {"kulpunai_app", "kulpunai_system"}
        assert table.name in WITHOUT_ACCOUNT or table.has_account, f"{table.name} has no account_id"


def test_raw_sql_without_a_filter_finds_ones_own_rows_alone() -> None:
    mine, theirs = acme(), _with_canaries(globex())
    with across_accounts() as current:
        names = [row.name for row in current.connection().execute(_TABLES) if row.name not in WITHOUT_ACCOUNT]
        filled = {name for name in names if current.connection().execute(_select(name, theirs.account_id)).scalar()}
    assert {"conversation", "message", "event", "contact", "article"} <= filled
    with transaction(mine.account_id) as current:
        for name in filled:
            assert current.connection().execute(_select(name, theirs.account_id)).scalar() == 0, name


def test_a_row_cannot_be_written_into_another_account() -> None:
    mine, theirs = acme(), globex()
    with pytest.raises(Exception, match="row-level security"), transaction(mine.account_id) as current:
        current.connection().execute(
            text("insert into label (account_id, title) values (:a, 'подкидыш')"), {"a": theirs.account_id}
        )


def test_a_row_cannot_have_a_parent_in_another_account() -> None:
    mine, theirs = acme(), globex()
    asked = asks(theirs)
    with pytest.raises(Exception, match="foreign key"), across_accounts() as current:
        current.connection().execute(
            text(
                "insert into reply_draft (account_id, conversation_id, user_id, is_private) values (:a, :c, :u, false)"
            ),
            {"a": mine.account_id, "c": asked.conversation_id, "u": mine.ada.id},
        )


def test_a_route_without_a_policy_cannot_start() -> None:
    app = create_app()
    app._got_first_request = False
    app.add_url_rule("/open-by-mistake", "mistake", lambda: "oops")
    with pytest.raises(RuntimeError, match="open-by-mistake"):
        require_policies(app)


def test_no_route_shows_another_accounts_rows_to_anybody() -> None:
    """Every route × method × (nobody, agent, administrator, their API tokens), with the other account's ids in the path."""
    mine, theirs = acme(), _with_canaries(globex())
    asks(mine)
    app = create_app()
    values = _values(theirs)
    walked = 0
    for rule, method in _routes(app):
        path = _filled(rule, values)
        for name, client, headers in _askers(app, mine):
            response = client.open(path, method=method, headers=headers, follow_redirects=False, buffered=False)
            body = b"" if response.mimetype == "text/event-stream" else response.get_data()
            response.close()
            walked += 1
            where = f"{method} {path} as {name}: {response.status_code}"
            assert response.status_code < 500, where
            assert CANARY.encode() not in body, where
            assert CANARY.encode("unicode_escape") not in body, where
            _check_policy(app, rule, name, response.status_code, where)
    assert walked > 300


# -- below


def _check_policy(app: Flask, rule: Rule, name: str, status: int, where: str) -> None:
    policy = policy_of(app, rule.endpoint)
    assert policy in POLICIES, where
    if policy in {"agent", "administrator", "signed_in"} and name == "nobody":
        assert status in {302, 401}, where
    if policy == "administrator" and name == "agent":
        assert status == 403, where
    if policy and policy.startswith("api_") and name == "nobody":
        assert status == 401, where


def _askers(app: Flask, world: World) -> Iterator[tuple[str, FlaskClient, dict[str, str]]]:
    origin = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    yield "nobody", app.test_client(), origin
    for name, user in (("agent", world.bo), ("administrator", world.ada)):
        client = app.test_client()
        with across_accounts() as current:
            here = current.get_one(User, user.id)
            plain = tokens.issue(here, Purpose.SESSION, account_id=world.account_id)
            key = tokens.api_token(here)
        client.set_cookie(COOKIE, plain)
        yield name, client, origin
        yield f"{name}'s token", app.test_client(), {"Api-Access-Token": key}


def _routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if rule.endpoint != "static":
                yield rule, method


def _filled(rule: Rule, values: dict[str, Any]) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda found: str(values.get(found[1]) or 1), rule.rule)


def _values(theirs: World) -> dict[str, Any]:
    """The other account's ids, by the names that paths give them."""
    with across_accounts() as current:
        one = lambda sql: current.connection().execute(text(sql), {"a": theirs.account_id}).scalar()  # noqa: E731
        ids = {
            name: one(f"select max(id) from {table} where account_id = :a")
            for name, table in {
                "contact_id": "contact", "inbox_id": "inbox", "message_id": "message", "label_id": "label",
                "team_id": "team", "article_id": "article", "draft_id": "draft", "attachment_id": "attachment",
            }.items()
        }  # fmt: skip
        ids["display_id"] = one("select max(display_id) from conversation where account_id = :a")
        ids["conversation_id"] = ids["display_id"]
        ids["seq"] = one("select max(seq) from event where account_id = :a")
    words = {"locale": "ru", "slug": "secret", "channel": "telegram"}
    return ids | words | {"account_id": theirs.account_id, "user_id": theirs.ada.id}


def _with_canaries(world: World) -> World:
    """Private words everywhere, which must never leave the account."""
    by = world.ada.actor
    for n in range(7):
        asked = asks(world, f"{CANARY} письмо {n}", who=f"{CANARY}-{n}")
    with transaction(world.account_id):
        found = locked(world.account_id, asked.conversation_id)
        actions.write_note(found, by_user(world.ada), Writing(f"{CANARY} заметка"))
        actions.set_labels(found, [f"{CANARY.lower()}-метка"], by=by)
        create_label(world.account_id, f"{CANARY.lower()}-метка", by=by)
        create_contact(world.account_id, by=by, name=f"{CANARY} контакт", email="canary@globex.example")
        create_canned_response(world.account_id, f"{CANARY}", f"{CANARY} шаблон", by=by)
        make_team(world.account_id, f"{CANARY} команда", by=by)
        portal = create_portal(world.account_id, "globex", "Globex", by=by)
        category = create_category(portal, "ru", "Общее", by=by)
        create_article(portal, "ru", f"{CANARY} черновик", f"{CANARY} текст", by=by, category=category)
    everyone_reads(world)
    return world


def _select(table: str, account_id: int) -> Any:
    return text(f'select count(*) from "{table}" where account_id = {account_id}')


_TABLES = text("""
    select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
        pg_get_userbyid(c.relowner) as owner,
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'account_id') as has_account
    from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
""")
