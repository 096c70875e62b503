"""The workspace: where agents answer. One file per noun; every change comes back to the screens through `live`."""

from flask import Flask


def register(app: Flask) -> None:
    """Open this door."""
    from app.workspace import (
        calendars,
        captain,
        contacts,
        conversations,
        health,
        help_center,
        live,
        messages,
        ratings,
        reports,
        sessions,
        settings,
        sla,
    )
    from app.workspace.blueprint import bp

    del (
        calendars,
        captain,
        contacts,
        conversations,
        health,
        help_center,
        live,
        messages,
        ratings,
        reports,
        sessions,
        settings,
        sla,
    )
    app.register_blueprint(bp)
