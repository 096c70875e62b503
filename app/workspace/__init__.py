"""The workspace: where agents answer. One file per noun; every change comes back to the screens through `live`."""

from flask import Flask


def register(app: Flask) -> None:
    """Open this door."""
    from app.workspace import contacts, conversations, health, help_center, live, messages, reports, sessions, settings
    from app.workspace.blueprint import bp

    del contacts, conversations, health, help_center, live, messages, reports, sessions, settings
    app.register_blueprint(bp)
