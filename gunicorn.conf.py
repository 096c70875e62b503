"""How gunicorn serves the web process: a few workers of many threads, since streams and sockets wait in threads."""

import gc
import os
from typing import Any

from app.config import settings

wsgi_app = "app.main:create_app()"
bind = f"{settings().host}:{settings().port}"
worker_class = "gthread"
workers = settings().web_workers or min(os.cpu_count() or 1, 4)
threads = settings().web_threads
worker_connections = 2 * settings().web_threads
keepalive = 30
graceful_timeout = 3
control_socket_disable = True

# Chatwoot's clients send their token in a header with underscores, which servers drop, and rightly: only this one passes.
forwarder_headers = "API_ACCESS_TOKEN"
forwarded_allow_ips = "*"
secure_scheme_headers: dict[str, str] = {}


def post_worker_init(_worker: Any) -> None:
    """What is loaded once is not looked through again and again by the garbage collector."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
