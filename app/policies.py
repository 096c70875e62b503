"""Who may do what. Every route declares a policy; one without is refused at start, so that nothing is open by mistake.

public          anybody, signed in or not
signed_in       a user, of whatever account
agent           a member of the account in the session
administrator   … who is an administrator there
visitor         the holder of a widget token
api_agent       a token or device of a member of the account in the address
api_administrator
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask

POLICIES = ("public", "signed_in", "agent", "administrator", "visitor", "api_user", "api_agent", "api_administrator")

View = TypeVar("View", bound=Callable[..., Any])


def policy(name: str) -> Callable[[View], View]:
    """Declare who may call the view. It stands directly above the function."""
    if name not in POLICIES:
        raise ValueError(f"{name} is not a policy")

    def declare(view: View) -> View:
        view.policy = name  # type: ignore[attr-defined]
        return view

    return declare


def policy_of(app: Flask, endpoint: str | None) -> str | None:
    """The policy of a route, None where there is none."""
    if endpoint is None:
        return None
    return (
        "public"
        if endpoint == "static" or endpoint.endswith(".static")
        else getattr(app.view_functions[endpoint], "policy", None)
    )


def require_policies(app: Flask) -> None:
    """RuntimeError if a route has none: it must not start."""
    missing = sorted(rule.rule for rule in app.url_map.iter_rules() if policy_of(app, rule.endpoint) is None)
    if missing:
        raise RuntimeError(f"No policy on {', '.join(missing)}")
