"""Whether what we depend on answers right now."""

import contextlib
import http.client
import socket

import psycopg
from redis import Redis, RedisError


def postgres_answers(conninfo: str) -> bool:
    """Whether a connection to the database can be had."""
    try:
        psycopg.connect(conninfo, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def valkey_answers(url: str) -> bool:
    """Whether Valkey (or Redis) says PONG."""
    try:
        with contextlib.closing(Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False


def web_answers(host: str, port: int) -> bool:
    """Whether a page comes back, whatever it says."""
    connection = http.client.HTTPConnection(within_reach(host), port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trying:
        # As servers do: connections of a server that has just stopped are no hindrance
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((host, port))
        except OSError:
            return False
    return True


def within_reach(host: str) -> str:
    """The address to knock at when the server listens on `host`: all of them means the loopback one, too."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
