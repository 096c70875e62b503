"""How gunicorn serves the web: one process, many threads, since each open page holds one for its live stream."""

import os

from app.config import settings

bind = f"[{settings().host}]:{settings().port}" if ":" in settings().host else f"{settings().host}:{settings().port}"
worker_class = "gthread"
workers = 1
threads = settings().web_threads
# Beyond this, new connections wait: it must be more than the threads, or nobody is told that all are busy
worker_connections = 2 * settings().web_threads
timeout = 60
# Live streams never end by themselves; browsers come back to them
graceful_timeout = 3
keepalive = 30
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
# Chatwoot's clients send their token in a header with underscores, `api_access_token`. It alone may pass, from anybody;
# gunicorn drops all others, because for a program `x_forwarded_for` and `x-forwarded-for` would be one header. Nothing
# else is believed because of this: whether a proxy spoke https is for ProxyFix to say (app/main.py)
forwarder_headers = "API_ACCESS_TOKEN"
forwarded_allow_ips = "*"
secure_scheme_headers: dict[str, str] = {}
