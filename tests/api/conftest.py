"""The cast, on the real database, behind Flask's test client."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.api import door, public
from app.main import create_app
from tests.api.cast import Asking, World, asking, build


@pytest.fixture(scope="session")
def web() -> Flask:
    return create_app()


@pytest.fixture
def client(web: Flask, database: None) -> FlaskClient:
    """A program without any token."""
    door._known.clear()
    public._known.clear()
    return web.test_client()


@pytest.fixture
def world(database: None) -> World:
    return build()


@pytest.fixture
def ada(world: World, client: FlaskClient) -> Asking:
    """The administrator's program."""
    return asking(client, world.acme, world.ada)


@pytest.fixture
def bo(world: World, client: FlaskClient) -> Asking:
    """The agent's program: he is in the inboxes Website and App, not in Shop."""
    return asking(client, world.acme, world.bo)


@pytest.fixture
def eve(world: World, client: FlaskClient) -> Asking:
    """A program of Globex."""
    return asking(client, world.globex, world.eve)


@pytest.fixture
def customer(client: FlaskClient, world: World) -> Asking:
    """A program of customers: no token, below the API inbox's public address."""
    return Asking(client, world.acme.id, "")
