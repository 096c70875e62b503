"""The embedded PostgreSQL is ours, knows Cyrillic, guards its data and gets up again."""

import os
import signal
from pathlib import Path

import psycopg
import pytest

from app.config import Settings
from app.embedded import DATABASE, LOGIN, SUPERUSER, Unusable, check_sockets, cluster_of, make_folders
from app.ready import postgres_answers
from tests.surroundings import HOME, running


@pytest.fixture
def ours(database, cluster):
    with psycopg.connect(cluster.conninfo(DATABASE, LOGIN), autocommit=True) as connection:
        yield connection


def one(connection, question, *values):
    return connection.execute(question, values).fetchone()[0]


QUESTIONS = {
    "letters": "select lower('ПРИВЕТ') = 'привет' and 'Возврат' ilike 'ВОЗВРАТ'",
    "likeness": "select similarity('возврат', 'хочу вернуть возвраты') > 0.2",
    "stems": "select to_tsvector('russian', 'Возвраты ТОВАРОВ') @@ websearch_to_tsquery('russian', 'возврат товар')",
    "vectors": "select '[1,2,3]'::vector <-> '[1,2,3]'::vector = 0",
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_it_searches_russian_and_vectors(ours, question):
    assert one(ours, question)


def test_our_login_is_no_superuser_and_owns_the_database(ours):
    assert not one(ours, "select rolsuper or rolbypassrls or rolcreaterole from pg_roles where rolname = current_user")
    assert one(ours, "select pg_get_userbyid(datdba) from pg_database where datname = current_database()") == LOGIN


@pytest.mark.parametrize("role", ["kulpunai_app", "kulpunai_system"])
def test_our_login_may_become_each_role_and_the_roles_own_nothing(ours, role):
    assert one(ours, "select set_config('role', %s, false)", role) == role
    assert one(ours, "select count(*) from pg_class where relowner = %s::regrole", role) == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ours.execute("create table mine (id int)")


def test_nobody_else_can_reach_its_socket(cluster):
    assert cluster.sockets.stat().st_mode & 0o077 == 0
    assert cluster.data.stat().st_mode & 0o077 == 0


def test_it_listens_on_no_port(ours):
    assert one(ours, "show listen_addresses") == ""


def test_a_killed_server_comes_back_with_its_data():
    variables = {"KULPUNAI_HOME": str(HOME / "Мои данные"), "KULPUNAI_ENV": "production"}
    # Another server of this user; ours must not mind
    variables |= {"PGPORT": "5999", "PGDATA": "/nowhere"}
    with running("postgres", variables=variables) as crew:
        cluster = cluster_of(Settings(KULPUNAI_HOME=HOME / "Мои данные"))
        answers = lambda: postgres_answers(cluster.conninfo(SUPERUSER))  # noqa: E731
        crew.wait_for("postgres", answers, 60)
        with psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute("create table kept as select 42 as answer")
            busy = psycopg.connect(cluster.conninfo(SUPERUSER))
            busy.execute("select 1")
            (child,) = crew.children
            os.kill(child.process.pid, signal.SIGKILL)
            child.process.wait()
        crew.tend()
        crew.wait_for("postgres", answers, 30)
        with psycopg.connect(cluster.conninfo(SUPERUSER)) as connection:
            assert one(connection, "select answer from kept") == 42


def test_a_path_too_long_for_a_socket_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(Settings, "run_dir", property(lambda _self: Path("/tmp") / ("x" * 100)))
    with pytest.raises(Unusable, match="too long"):
        check_sockets(Settings())


def test_a_sockets_folder_of_somebody_else_is_refused(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can make something somebody else's")
    chosen = Settings(KULPUNAI_HOME=tmp_path)
    chosen.run_dir.mkdir()
    os.chown(chosen.run_dir, 65_534, 65_534)
    with pytest.raises(Unusable, match="belongs to somebody else"):
        make_folders(chosen)
    chosen.run_dir.rmdir()
