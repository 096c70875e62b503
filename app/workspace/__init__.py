"""Not open yet."""

from flask import Flask


def register(app: Flask) -> None:
    """Nothing to register so far."""
