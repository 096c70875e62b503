"""The visitor's chat: the loader and its card, and the JSON they speak, which is Chatwoot's."""

from flask import Flask


def register(app: Flask) -> None:
    """Open this door."""
    from app.widget import answers, config, contact, conversations, demo, live, messages, page, survey
    from app.widget.blueprint import api, pages

    del answers, config, contact, conversations, demo, live, messages, page, survey
    app.register_blueprint(api)
    app.register_blueprint(pages)
