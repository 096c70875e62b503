"""A label in Chatwoot's JSON."""

from typing import Any

from app.labels.models import Label


def label(found: Label) -> dict[str, Any]:
    """The label."""
    return {
        "id": found.id,
        "title": found.title,
        "description": found.description,
        "color": found.color,
        "show_on_sidebar": found.show_on_sidebar,
    }
