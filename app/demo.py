"""The demo world: a berry shop's support team, four months of conversations, a help center about Kulpunai itself.

The last nine days are made through the real actions, each at its own moment, from the texts in data/seeds, before the
application starts. What lies before (`app/demo_history.py` makes it up, always the same for the day the world was made) is
imported as any history is, by the worker, while one looks around already. A second run changes nothing.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from app import clock
from app.accounts.actions import open_account
from app.calendars.actions import assign as assign_calendar
from app.calendars.actions import create_calendar
from app.config import ROOT
from app.consumers import READERS
from app.contacts.actions import identify, update_contact
from app.contacts.models import Contact
from app.conversations import actions
from app.conversations.actions import Writing, by_user
from app.conversations.models import Conversation, Priority
from app.conversations.queries import locked
from app.database import across_accounts, session, transaction
from app.demo_history import DAYS, NEWEST, lines
from app.events.runner import catch_up
from app.help_center.actions import create_portal
from app.help_center.importing import load_seeds
from app.history.actions import Outcome
from app.history.importing import import_history
from app.inboxes.actions import create_inbox, set_members, update_inbox
from app.inboxes.models import Channel, Inbox
from app.labels.actions import create_label
from app.security import hash_password, new_token
from app.shortcuts.actions import create_canned_response
from app.sla.actions import create_policy
from app.surveys.actions import answer
from app.surveys.models import Survey
from app.users import actions as users
from app.users.models import Role, Team, User
from app.users.queries import accounts_of, by_email

SEEDS = ROOT / "data" / "seeds"
PASSWORD = "kulpunai-demo"  # noqa: S105  printed by `make run`; made in development alone
PORTAL = "kulpunai"
# The shop opened so long ago: before the first conversation of its history
AGE = timedelta(days=DAYS + 10)


@dataclass
class World:
    """Who and what there is, by the names the texts use."""

    account_id: int
    inbox: Inbox
    people: dict[str, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    conversations: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One thing that somebody did, and when."""

    moment: datetime
    key: str
    contact: str
    entry: dict[str, Any]


def build() -> None:
    """Make it, unless it is there."""
    plan = _read("team.json")
    with across_accounts():
        is_there = by_email(plan["people"][0]["email"]) is not None
    if not is_there:
        now = clock.now()
        with clock.stopped_at(now - AGE):
            world = _people_and_inbox(plan)
            _help_center(world)
        _conversations(world, now)


def recall() -> Outcome:
    """Import the months before, unless they are here; what was cut off goes on."""
    with across_accounts():
        first = by_email(_read("team.json")["people"][0]["email"])
        account = accounts_of(first.id)[0][0] if first else None
    if account is None:
        return Outcome()
    with transaction(account.id) as current:
        query = select(Conversation.id).where(
            col(Conversation.account_id) == account.id, col(Conversation.external_id) == NEWEST
        )
        if current.exec(query).first() is not None:
            return Outcome()
    past = lines(account.created_at + AGE)
    return import_history(account.id, (json.dumps(line, ensure_ascii=False).encode() for line in past))


def sign_ins() -> list[tuple[str, str, str]]:
    """(name, e-mail, password) of an administrator and an agent of the demo account; empty where there is none."""
    people = _read("team.json")["people"]
    with across_accounts():
        if by_email(people[0]["email"]) is None:
            return []
    chosen = [people[0], next(person for person in people if person["role"] == Role.AGENT)]
    return [(person["name"], person["email"], PASSWORD) for person in chosen]


def _people_and_inbox(plan: dict[str, Any]) -> World:
    with across_accounts() as current:
        about = plan["account"]
        account = open_account(about["title"]["ru"], by="system", locale=about["locale"], timezone=about["time_zone"])
        password = hash_password(PASSWORD)
        people = {}
        for person in plan["people"]:
            user = User(
                name=person["name"],
                email=person["email"],
                message_signature=person["signature"],
                password_hash=password,
                pubsub_token=new_token(),
                confirmed_at=clock.now(),
                created_at=clock.now(),
            )
            current.add(user)
            current.flush()
            users.join(account.id, user, Role(person["role"]), by="system").availability = person["availability"]
            people[user.email] = user
    with transaction(account.id):
        first = people[plan["people"][0]["email"]]
        world = World(account.id, _inbox(account.id, plan, people, first), people)
        for wanted in plan["teams"]:
            team = users.make_team(account.id, wanted["name"], by=first.actor, description=wanted["description"])
            users.set_team_members(team, {people[email].id for email in wanted["members"]}, by=first.actor)
            world.teams[team.name] = team
        for label in plan["labels"]:
            create_label(account.id, label.pop("title"), by=first.actor, **label)
        for response in plan["canned_responses"]:
            create_canned_response(account.id, response["short_code"], response["content"], by=first.actor)
    return world


def _inbox(account_id: int, plan: dict[str, Any], people: dict[str, User], by: User) -> Inbox:
    wanted, promised = plan["inboxes"][0], plan["sla_policies"][0]
    seconds = {name: promised[name] for name in promised if name.endswith("_seconds")}
    policy = create_policy(
        account_id,
        promised["name"],
        by=by.actor,
        description=promised["description"],
        is_business_time=promised["business_time"],
        pause_while=promised["pause_while"],
        **seconds,
    )
    look = {name: wanted[name] for name in ("website_url", "widget_color", "welcome_title", "welcome_tagline")}
    inbox = create_inbox(
        account_id,
        Channel.WEBSITE,
        wanted["name"],
        by=by.actor,
        settings=look | {"is_demo": True},
        greeting_enabled=wanted["greeting_enabled"],
        greeting_message=wanted["greeting_message"],
        out_of_office_message=wanted["out_of_office_message"],
        csat_enabled=True,
        sla_policy_id=policy.id,
    )
    set_members(inbox, {user.id for user in people.values()}, by=by.actor)
    times = {name: wanted[name] for name in ("week", "holidays")}
    assign_calendar(
        inbox,
        create_calendar(account_id, wanted["name"], by=by.actor, timezone=wanted["time_zone"], **times),
        by=by.actor,
    )
    return inbox


def _help_center(world: World) -> None:
    first = next(iter(world.people.values()))
    with transaction(world.account_id) as current:
        portal = create_portal(
            world.account_id,
            PORTAL,
            "Kulpunai",
            by=first.actor,
            locales=["ru", "en"],
            timezone="Asia/Bishkek",
            inbox_id=world.inbox.id,
        )
        update_inbox(current.merge(world.inbox), by=first.actor, portal_id=portal.id)
    load_seeds(
        world.account_id, portal, SEEDS / "help_center", {email: user.id for email, user in world.people.items()}
    )


def _conversations(world: World, now: datetime) -> None:
    """Everything that was said and done, in the order of time; the readers follow each step, as they would have."""
    plan = _read("conversations.json")
    world.contacts = {contact["key"]: contact for contact in plan["contacts"]}
    for step in sorted(_steps(plan, now), key=lambda step: (step.moment, step.key)):
        with clock.stopped_at(step.moment):
            with transaction(world.account_id):
                _do(world, step)
            # what the others do is dated by their events, and may wait for the next of these
            if step.entry["do"] in {"customer_message", "resolve"}:
                _let_readers_follow(world)
    _let_readers_follow(world)


def _let_readers_follow(world: World) -> None:
    for reader in READERS.values():
        catch_up(reader, world.account_id)


def _steps(plan: dict[str, Any], now: datetime) -> Iterator[Step]:
    for conversation in plan["conversations"]:
        started = now - timedelta(hours=conversation["started_hours_ago"])
        for entry in conversation["timeline"]:
            moment = started + timedelta(minutes=entry["minutes"])
            yield Step(moment, conversation["key"], conversation["contact"], entry)


def _do(world: World, step: Step) -> None:
    entry = step.entry
    user = world.people.get(entry.get("by") or "")
    by = user.actor if user else "automation"
    if entry["do"] == "customer_message":
        _customer_writes(world, step)
        return
    found = locked(world.account_id, world.conversations[step.key])
    match entry["do"]:
        case "agent_reply" if user:
            actions.reply(found, by_user(user), Writing(entry["text"]))
            actions.mark_seen(found, user)
        case "note" if user:
            actions.write_note(found, by_user(user), Writing(entry["text"]))
        case "assign":
            actions.assign(found, world.people[entry["to"]].id if entry.get("to") else None, by=by)
        case "team":
            actions.assign_team(found, world.teams.get(entry.get("to") or ""), by=by)
        case "label":
            actions.set_labels(found, [*found.labels, *entry["labels"]], by=by)
        case "unlabel":
            actions.set_labels(found, [label for label in found.labels if label not in entry["labels"]], by=by)
        case "priority":
            actions.set_priority(found, Priority(entry["to"]) if entry.get("to") else None, by=by)
        case "snooze":
            hours = entry.get("until_hours")
            actions.snooze(found, step.moment + timedelta(hours=hours) if hours else None, by=by)
        case "pending":
            actions.wait_for_customer(found, by=by)
        case "resolve":
            actions.resolve(found, by=by)
        case "reopen":
            actions.reopen(found, by=by)
        case "rate":
            _rate(found, entry)


def _customer_writes(world: World, step: Step) -> None:
    who = world.contacts[step.contact]
    identity = identify(
        world.inbox, f"demo-{who['key']}", name=who["name"], email=who.get("email"), phone_number=who.get("phone")
    )
    contact = session().get_one(Contact, (world.account_id, identity.contact_id))
    if not contact.additional_attributes:
        update_contact(contact, by="system", additional_attributes={"city": who.get("city", "")})
    known = world.conversations.get(step.key)
    if known is None:
        browser = {"browser_name": who.get("browser", ""), "platform_name": who.get("platform", "")}
        about = {"browser": browser, "referer": who.get("referer", "")}
        started = actions.start(world.inbox, identity, by=contact.actor, additional_attributes=about)
        known = world.conversations[step.key] = started.id
    actions.write_incoming(locked(world.account_id, known), contact.id, Writing(step.entry["text"]))


def _rate(found: Conversation, entry: dict[str, Any]) -> None:
    """Answer the newest survey of the conversation."""
    query = select(Survey).where(col(Survey.account_id) == found.account_id, col(Survey.conversation_id) == found.id)
    survey = session().exec(query.order_by(col(Survey.id).desc())).first()
    if survey is not None:
        answer(survey, entry["rating"], entry.get("comment") or "")


def _read(name: str) -> Any:
    return json.loads((SEEDS / name).read_text(encoding="utf-8"))
