"""Row-level security for a table, as every migration that makes one must call it. A test finds the table that was forgotten.

The owner has no policy and security is forced on it, so even the migrating user sees no rows unless he takes a role.
"""

from alembic import op

MINE = "nullif(current_setting('app.account_id', true), '')::bigint"
APP = "kulpunai_app"
SYSTEM = "kulpunai_system"

ROLES = f"""
do $$ begin
    if not exists (select from pg_roles where rolname = '{APP}') then create role {APP} nologin; end if;
    if not exists (select from pg_roles where rolname = '{SYSTEM}') then create role {SYSTEM} nologin; end if;
    if not pg_has_role(current_user, '{APP}', 'member') then execute 'grant {APP} to ' || quote_ident(current_user); end if;
    if not pg_has_role(current_user, '{SYSTEM}', 'member') then execute 'grant {SYSTEM} to ' || quote_ident(current_user); end if;
end $$;
grant usage on schema public to {APP}, {SYSTEM};
"""


def secure(table: str, *, mine: str = f"account_id = {MINE}", app: str = "select, insert, update, delete",
           system: str = "select, insert, update, delete") -> None:  # fmt: skip
    """Let the application see the rows where `mine` holds, and do `app` with them; the installation, all rows."""
    op.execute(f'alter table "{table}" enable row level security')
    op.execute(f'alter table "{table}" force row level security')
    op.execute(f'revoke all on "{table}" from public')
    op.execute(f'grant {system} on "{table}" to {SYSTEM}')
    op.execute(f'create policy every_account on "{table}" to {SYSTEM} using (true) with check (true)')
    if app:
        op.execute(f'grant {app} on "{table}" to {APP}')
        op.execute(f'create policy own_account on "{table}" to {APP} using ({mine}) with check ({mine})')


def grant_sequences() -> None:
    """Let both roles number new rows."""
    op.execute(f"grant usage on all sequences in schema public to {APP}, {SYSTEM}")
