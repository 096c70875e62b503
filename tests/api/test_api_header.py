"""The header that web servers lose: `api_access_token`, with underscores, over the real server."""

import http.client
import json
from urllib.parse import urlsplit

from app.database import across_accounts
from app.users import tokens
from tests.api.cast import company
from tests.conftest import Server


def ask(server: Server, headers: dict[str, str], path: str = "/api/v1/profile") -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_token_in_a_header_with_underscores_reaches_us(server: Server) -> None:
    _account, ada = company("Acme", "ada@acme.example", "Ада")
    with across_accounts():
        token = tokens.api_token(ada)
    for headers in (
        {"api_access_token": token},
        {"Api-Access-Token": token},
        {"api_access_token": token, "Authorization": f"Bearer {token}"},
        {"api_access_token": token, "api-access-token": token},
    ):
        status, told = ask(server, headers)
        assert (status, told.get("email")) == (200, "ada@acme.example"), headers
    assert ask(server, {"api_access_token": "nobody"})[0] == 401
    assert ask(server, {"api_access_token": token, "api-access-token": "another"})[0] == 401


def test_no_other_header_with_underscores_does(server: Server) -> None:
    _account, ada = company("Acme", "ada@acme.example", "Ада")
    with across_accounts():
        device = tokens.issue(ada, tokens.Purpose.DEVICE, client="phone")
    three = {"access-token": device, "client": "phone", "uid": "ada@acme.example"}
    assert ask(server, three)[0] == 200
    assert ask(server, {"access_token": device, "client": "phone", "uid": "ada@acme.example"})[0] == 401
    # a program that could say where it is mounted could show other addresses than it asks for
    assert ask(server, {"script_name": "/api/v1"})[0] == 401
    assert ask(server, {"path_info": "/api"})[0] == 401
