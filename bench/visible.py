"""How soon a customer's message stands in the agent's browser.

The customer writes through the public API; the agent's browser is a stream of server-sent events that, told of a message,
fetches its partial as the page's script does. Measured from before the customer's request until the partial is here.
"""

import http.client
import json
import time

from bench.figures import Figure, spread
from bench.people import open_conversations, team
from bench.stage import Stage

MESSAGES = 150
PAUSE_SECONDS = 0.1


def measure(stage: Stage) -> list[Figure]:
    """One agent, one customer, a message every tenth of a second."""
    desk = team("visible")
    open_conversations(desk, 100)
    cookie = {"Cookie": f"kulpunai_session={desk.cookie}"}
    live = http.client.HTTPConnection(stage.host, stage.port, timeout=30)
    live.request("GET", "/live?after=0", headers=cookie)
    stream = live.getresponse()
    browser, customer = (http.client.HTTPConnection(stage.host, stage.port, timeout=30) for _ in range(2))
    written, told, shown = [], [], []
    for n in range(MESSAGES):
        time.sleep(PAUSE_SECONDS)
        number = n % 100 + 1
        body = json.dumps({"content": f"Где мой заказ {n}?", "echo_id": f"visible-{n}"})
        address = f"/public/api/v1/inboxes/{desk.inbox.key}/contacts/source-{number}/conversations/{number}/messages"
        began = time.perf_counter()
        message_id = json.loads(_asked(customer, "POST", address, body))["id"]
        written.append(time.perf_counter() - began)
        _wait_for(stream, message_id)
        told.append(time.perf_counter() - began)
        _asked(browser, "GET", f"/conversations/{number}/messages/{message_id}", headers=cookie | {"X-Part": "true"})
        shown.append(time.perf_counter() - began)
    live.close()
    return [
        *spread("customer writes until the agent sees it", shown, ("≤ 150", "≤ 300")),
        *spread("  until his request is answered", written),
        *spread("  until the agent's stream tells of it", told),
    ]


def _wait_for(stream: http.client.HTTPResponse, message_id: int) -> None:
    """Read on until the event of that message. RuntimeError when the stream ends before."""
    while line := stream.readline():
        if line.startswith(b"data:") and json.loads(line[5:]).get("message_id") == message_id:
            return
    raise RuntimeError("the stream ended")


def _asked(
    connection: http.client.HTTPConnection,
    method: str,
    address: str,
    body: str = "",
    headers: dict[str, str] | None = None,
) -> bytes:
    kind = {"Content-Type": "application/json"} if body else {}
    connection.request(method, address, body or None, kind | (headers or {}))
    answer = connection.getresponse()
    words = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{address}: {answer.status} {words[:300]!r}")
    return words
