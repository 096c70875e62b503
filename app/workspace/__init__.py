"""The workspace: where agents answer. One file per noun; every change comes back to the screens through `live`."""

from flask import Flask


def register(app: Flask) -> None:
    """Open this door."""
    from app.workspace import (
        calendars,
        captain,
        contacts,
        conversations,
        copilot,
        health,
        help_center,
        live,
        messages,
        people,
        ratings,
        reports,
        sessions,
        settings,
        sla,
        suggestions,
        teams,
        trials,
    )
    from app.workspace.blueprint import bp

    del (
        calendars,
        captain,
        contacts,
        conversations,
        copilot,
        health,
        help_center,
        live,
        messages,
        people,
        ratings,
        reports,
        sessions,
        settings,
        sla,
        suggestions,
        teams,
        trials,
    )
    app.register_blueprint(bp)
