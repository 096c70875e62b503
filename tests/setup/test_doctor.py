"""The doctor finds what is wrong, says what to do, and keeps quiet when all is well."""

import psycopg
import pytest

from app import doctor
from app.migrations.server import connected
from tests.surroundings import forget_settings


@pytest.fixture
def set_to(monkeypatch):
    def change(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        forget_settings()

    yield change
    monkeypatch.undo()
    forget_settings()


def complaints():
    return {finding.name: finding.mend for finding in doctor.findings() if finding.mend}


def test_a_healthy_world_has_no_complaints(database, valkey):
    assert complaints().keys() <= {"Front-end files", "Translations"}  # these depend on who set up this folder


def test_the_database_and_valkey_are_missed(set_to, tmp_path):
    set_to(KULPUNAI_HOME=str(tmp_path))
    assert {"Database", "Valkey"} <= complaints().keys()
    assert doctor.examine() == 1


def test_it_speaks_russian_where_the_environment_does(set_to, tmp_path, capsys):
    set_to(KULPUNAI_HOME=str(tmp_path), LC_ALL="ru_RU.UTF-8")
    doctor.examine()
    assert "База данных: не отвечает" in capsys.readouterr().out


def test_a_wrong_setting_is_named(set_to):
    set_to(PORT="seventy")
    assert "PORT" in complaints()["Settings"]


def test_a_guessable_secret_is_refused(set_to):
    set_to(SECRET_KEY="secretsecretsecretsecretsecretsecret")
    assert "Secret key" in complaints()


def test_an_address_without_a_database_is_told_with_its_reason(set_to):
    set_to(DATABASE_URL="postgresql://somebody@127.0.0.1:1/nothing")
    assert "refused" in complaints()["Database"]


def test_an_old_schema_is_told(database, cluster):
    with connected() as connection:
        newest = connection.exec_driver_sql("update alembic_version set version_num = 'old' returning 1").scalar_one()
        assert newest == 1
        mend = doctor._schema(connection)
        connection.rollback()
    assert "kulpunai migrate" in mend


def test_an_administrator_is_told_in_sql_what_a_foreign_database_lacks(database, cluster, set_to):
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("drop database if exists foreign_one")
        connection.execute("drop role if exists stranger")
        connection.execute("create role stranger login")
        connection.execute("create database foreign_one owner stranger template template0")
    set_to(DATABASE_URL=f"postgresql://stranger@/foreign_one?host={cluster.sockets}&port=5432")
    mend = complaints()["Extensions and roles"]
    assert "CREATE EXTENSION IF NOT EXISTS vector;" in mend
    assert "GRANT kulpunai_app TO stranger;" in mend
