"""Signed in: a client of the application, and who holds it."""

from flask.testing import FlaskClient

from app.database import across_accounts
from app.doors import COOKIE
from app.main import create_app
from app.users import tokens
from app.users.models import Purpose, User
from tests.world import World


def enter(client: FlaskClient, user: User, world: World) -> None:
    """From now on `client` is signed in as the user."""
    with across_accounts() as current:
        plain = tokens.issue(current.get_one(User, user.id), Purpose.SESSION, account_id=world.account_id)
    client.set_cookie(COOKIE, plain)


def signed_in(user: User, world: World) -> FlaskClient:
    """A client of the user's own, whose requests come from our pages."""
    client = create_app().test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    enter(client, user, world)
    return client
