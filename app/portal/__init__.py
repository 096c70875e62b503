"""The public help center: pages anybody may read, without a cookie and without JavaScript."""

from flask import Flask


def register(app: Flask) -> None:
    """Open this door."""
    from app.portal import answers, articles, categories, portals, search
    from app.portal.blueprint import bp

    del answers, articles, categories, portals, search
    app.register_blueprint(bp)
