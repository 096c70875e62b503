"""The door at which providers knock: keep what they bring, say 200, and look at it later."""

from flask import Flask

from app.hooks.views import bp


def register(app: Flask) -> None:
    """Open the door."""
    app.register_blueprint(bp)
