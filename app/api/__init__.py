"""The door for programs: Chatwoot's JSON, one file per resource. `/api/v1/widget/*` is the widget's own door."""

from flask import Flask

from app.api import door


def register(app: Flask) -> None:
    """Open the door."""
    from app.api import (  # noqa: F401  # each brings its routes
        accounts,
        agents,
        auth,
        captain,
        contacts,
        conversations,
        files,
        inboxes,
        labels,
        messages,
        notes,
        profile,
        public,
        shortcuts,
        teams,
    )

    door.open_to(app)
