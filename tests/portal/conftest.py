"""The help center behind Flask's test client."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import limits
from app.main import create_app


@pytest.fixture(scope="session")
def web() -> Flask:
    return create_app()


@pytest.fixture
def reader(web: Flask, database: None) -> FlaskClient:
    """Somebody with a browser and no cookies."""
    limits._local.clear()
    return web.test_client()
