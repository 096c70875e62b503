"""The door at which providers knock: keep what they bring, say 200, and look at it later."""

from app.hooks.views import bp

__all__ = ["bp"]
