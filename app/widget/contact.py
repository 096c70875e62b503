"""The visitor himself: what he or the site says of him."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from app import limits
from app.contacts import queries
from app.contacts.actions import forget_attributes, identify
from app.contacts.identity import BY, is_proven, tell
from app.contacts.models import Contact
from app.errors import Invalid
from app.i18n import _
from app.policies import policy
from app.text import NAME_LIMIT, checked
from app.widget import given, identity, wire
from app.widget.blueprint import api
from app.widget.visitor import Visitor, token, visitor

View = Callable[[], ResponseReturnValue]


def look_again(view: View) -> View:
    """Two visitors may claim one e-mail at the same moment: the slower looks once more, and finds it taken."""

    @wraps(view)
    def wrapped() -> ResponseReturnValue:
        try:
            return view()
        except IntegrityError:
            return view()

    return wrapped


@api.get("/contact")
@policy("visitor")
def show_contact() -> ResponseReturnValue:
    """Which of his details we have."""
    asking = visitor()
    with asking.own_account():
        return jsonify(wire.contact(_contact(asking)))


@api.route("/contact", methods=["PATCH", "PUT"])
@policy("visitor")
@look_again
def change_contact() -> ResponseReturnValue:
    """What he tells of himself: name, email, phone_number, custom_attributes."""
    asking, told = visitor(), details(given.body())
    spend_update(asking)
    with asking.own_account():
        place = identify(asking.inbox, asking.source_id, by=BY)
        tell(place, told)
        return jsonify(wire.contact(_contact(asking)))


@api.route("/contact/set_user", methods=["PATCH", "PUT"])
@policy("visitor")
@look_again
def set_user() -> ResponseReturnValue:
    """Who the site says he is: `identifier` with `identifier_hash`, and his details. 401 when the hash is wrong.

    With `widget_auth_token` in the answer he goes on under that token.
    """
    asking, body = visitor(), given.body()
    identifier = _identifier(body)
    told = details(body)
    spend_update(asking)
    hashed = checked("identifier_hash", body.get("identifier_hash"), 200)
    is_his = is_proven(asking.inbox, identifier, hashed)
    with asking.own_account():
        place = (identity.prove if is_his else identity.claim)(asking, identifier, told)
        answer = wire.contact(queries.contact(place.account_id, place.contact_id))
    if place.source_id != asking.source_id:
        answer["widget_auth_token"] = token(asking.inbox, place.source_id)
    return jsonify(answer)


@api.post("/contact/destroy_custom_attributes")
@policy("visitor")
def destroy_contact_attributes() -> ResponseReturnValue:
    """Take some of his custom attributes away."""
    asking, names = visitor(), given.keys(given.body(), "custom_attributes")
    with asking.own_account():
        contact = _contact(asking)
        if contact is not None:
            forget_attributes(contact, names, by=contact.actor)
        return jsonify(wire.contact(contact))


def details(body: dict[str, Any]) -> dict[str, Any]:
    """Name, email, phone_number and custom_attributes, as far as they are given. Invalid for what cannot be true."""
    found: dict[str, Any] = {
        "name": checked("name", body.get("name"), NAME_LIMIT),
        "email": checked("email", body.get("email"), NAME_LIMIT).lower(),
        "phone_number": re.sub(r"[\s()\-]", "", checked("phone_number", body.get("phone_number"), 40)),
        "custom_attributes": given.attributes(body, "custom_attributes"),
    }
    return {name: value for name, value in found.items() if value}


def spend_update(asking: Visitor) -> None:
    """60 changes an hour are more than any form makes."""
    limits.spend(f"widget.contact:{asking.inbox.id}:{asking.source_id}", 3600, 60)
    limits.spend(f"widget.contact:{asking.inbox.id}:{request.remote_addr}", 3600, 3000)


def _identifier(body: dict[str, Any]) -> str:
    found = body.get("identifier")
    if isinstance(found, bool):
        raise Invalid("identifier", _("This must be text."))
    return checked("identifier", str(found) if isinstance(found, int) else found, NAME_LIMIT)


def _contact(asking: Visitor) -> Contact | None:
    place = asking.identity()
    return queries.contact(place.account_id, place.contact_id) if place else None
