"""The header that web servers lose: `api_access_token`, with underscores, over the real server."""

import http.client
from urllib.parse import urlsplit

from app.accounts.models import Account
from app.database import across_accounts
from app.users import tokens
from tests.api.cast import company
from tests.conftest import Server


def ask(server: Server, account: Account, headers: dict[str, str]) -> int:
    """The status of a list that only who works in the account may see."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    try:
        connection.request("GET", f"/api/v1/accounts/{account.id}/labels", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_token_in_a_header_with_underscores_reaches_us(server: Server) -> None:
    acme, ada = company("Acme", "ada@acme.example", "Ада")
    with across_accounts():
        token = tokens.api_token(ada)
    for headers in (
        {"api_access_token": token},
        {"Api-Access-Token": token},
        {"api_access_token": token, "Authorization": f"Bearer {token}"},
        {"api_access_token": token, "api-access-token": token},
    ):
        assert ask(server, acme, headers) == 200, headers
    assert ask(server, acme, {"api_access_token": "nobody"}) == 401
    assert ask(server, acme, {"api_access_token": token, "api-access-token": "another"}) == 401


def test_no_other_header_with_underscores_does(server: Server) -> None:
    acme, ada = company("Acme", "ada@acme.example", "Ада")
    with across_accounts():
        device = tokens.issue(ada, tokens.Purpose.DEVICE, client="phone")
    three = {"access-token": device, "client": "phone", "uid": "ada@acme.example"}
    assert ask(server, acme, three) == 200
    assert ask(server, acme, {"access_token": device, "client": "phone", "uid": "ada@acme.example"}) == 401
    # a program that could say where it is mounted could show other addresses than it asks for
    assert ask(server, acme, {"script_name": "/api/v1"}) == 401
    assert ask(server, acme, {"path_info": "/api"}) == 401
