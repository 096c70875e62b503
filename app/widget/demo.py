"""A small shop with the chat on it: how a visitor meets Kulpunai."""

from flask import render_template
from flask.typing import ResponseReturnValue

from app.database import across_accounts
from app.inboxes.queries import demo
from app.policies import policy
from app.widget.blueprint import pages


@pages.get("/demo")
@policy("public")
def show_shop() -> ResponseReturnValue:
    """The shop; a friendly sentence where there is no demo inbox."""
    with across_accounts():
        inbox = demo()
    return render_template("widget/demo.html", key=inbox.key if inbox else None)
