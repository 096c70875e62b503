"""The workspace, asked on behalf of one viewer: it decides anew each time what he may know."""

import json
import os
import urllib.request
from typing import Any

from itsdangerous import URLSafeTimedSerializer

SALT = "kulpunai.dashboards.request"
SECONDS = 5.0


def ask(url: str, path: str, **about: Any) -> Any:
    """What it answers at `path`. about: account_id, user_id and what is asked of them; url: where it is, if nobody says.

    OSError (as HTTPError with its code when it refuses) or ValueError when there is no answer.
    """
    word = URLSafeTimedSerializer(os.environ.get("KULPUNAI_DASHBOARD_KEY", ""), salt=SALT).dumps(about)
    address = f"{os.environ.get('KULPUNAI_WORKSPACE') or url}{path}"
    request = urllib.request.Request(address, str(word).encode(), {"Content-Type": "text/plain"})  # noqa: S310  our own
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        return json.load(answer)
