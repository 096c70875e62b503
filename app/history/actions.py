"""Writing the past down: a batch of conversations, or of contacts, in a few statements and one transaction.

What stands here already is left as it is: an external id is written once. The counters, which every live change waits
for, are locked late and not for long.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import text

from app.clock import now
from app.contacts.actions import checked_email, checked_phone, remembered_as
from app.conversations.actions import WAKE
from app.conversations.models import Status
from app.database import session
from app.errors import Invalid
from app.events.record import append_history
from app.history import lines
from app.history.lines import stamp
from app.history.story import Life, Names, Story, check, tell, unknown
from app.i18n import _, ngettext

ERASED = 0
Numbered = tuple[int, lines.Conversation]
NumberedContact = tuple[int, lines.Contact]


@dataclass
class Outcome:
    """What became of lines: how many of each kind are new, how many stood here already, and which cannot be taken."""

    made: dict[str, int] = field(default_factory=dict)
    known: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)

    def count(self, kind: str, n: int = 1) -> None:
        """`n` more of `kind`."""
        if n:
            self.made[kind] = self.made.get(kind, 0) + n

    def refuse(self, number: int, problem: Invalid) -> None:
        """This line cannot be taken."""
        self.problems.append((number, problem.reason if not problem.field else f"{problem.field}: {problem.reason}"))

    def add(self, other: "Outcome") -> None:
        """Both together."""
        for kind, n in other.made.items():
            self.count(kind, n)
        self.known += other.known
        self.problems += sorted(other.problems)


# -- conversations


def write_conversations(account_id: int, batch: Sequence[Numbered], names: Names) -> Outcome:
    """Those of the batch that are new and hold together become conversations. In a transaction, which then commits."""
    outcome = Outcome()
    _only_import(account_id)
    new = [each for each in _unknown(account_id, batch, outcome) if _holds(each, names, outcome)]
    people = _contacts(account_id, [line.contact for _number, line in new])
    new = _with_contact(new, people, outcome)
    if not new:
        return outcome
    identities = _identities(account_id, new, names, people)
    stories = _tell(account_id, new, names, people, identities)
    _write(account_id, stories)
    outcome.count("conversation", len(stories))
    outcome.count("message", sum(len(story.messages) for story in stories))
    return outcome


def _unknown(account_id: int, batch: Sequence[Numbered], outcome: Outcome) -> list[Numbered]:
    """Lines whose conversation is not here. Of one that is here, only messages that it lacks are worth a word."""
    here = _ids(account_id, "conversation", [line.external_id for _number, line in batch])
    said = _ids(account_id, "message", [entry.external_id for _number, line in batch for entry in _said(line)])
    new = []
    for number, line in batch:
        ids = [entry.external_id for entry in _said(line)]
        missing = sum(external_id not in said for external_id in ids)
        try:
            if line.external_id not in here:
                _refuse_known_messages(ids, said)
                said |= dict.fromkeys(ids, 0)
                new.append((number, line))
            elif missing:
                raise Invalid("", ngettext(
                    "this conversation was imported before; %(n)s message of the line is new and is not taken.",
                    "this conversation was imported before; %(n)s messages of the line are new and are not taken.",
                    missing,
                ))  # fmt: skip
            else:
                outcome.known += 1
        except Invalid as problem:
            outcome.refuse(number, problem)
    return new


def _refuse_known_messages(ids: Sequence[str | None], said: Mapping[str | None, int]) -> None:
    seen: set[str | None] = set()
    for external_id in ids:
        if external_id in said or external_id in seen:
            raise Invalid("", _("another message has the external_id “%(name)s” already.", name=external_id))
        seen.add(external_id)


def _said(line: lines.Conversation) -> Iterator[lines.Said]:
    return (entry for entry in line.timeline if isinstance(entry, lines.Said) and entry.external_id is not None)


def _holds(each: Numbered, names: Names, outcome: Outcome) -> bool:
    number, line = each
    try:
        check(line, names)
    except Invalid as problem:
        outcome.refuse(number, problem)
        return False
    return True


def _with_contact(batch: list[Numbered], people: Mapping[str | None, int], outcome: Outcome) -> list[Numbered]:
    for number, line in batch:
        if line.contact not in people:
            outcome.refuse(number, Invalid("", unknown("contact", line.contact)))
        elif people[line.contact] == ERASED:
            outcome.refuse(number, Invalid("", _("the contact “%(name)s” was deleted here.", name=line.contact)))
    return [each for each in batch if people.get(each[1].contact, ERASED) != ERASED]


def _identities(
    account_id: int, batch: Sequence[Numbered], names: Names, people: Mapping[str | None, int]
) -> dict[tuple[int, int], int]:
    """{(inbox, contact): contact inbox}: one of its own, so that what a visitor writes today goes on where he is today."""
    pairs = sorted({(names.inboxes[line.inbox], people[line.contact]) for _number, line in batch})
    rows = _json([{"inbox_id": inbox_id, "contact_id": contact_id} for inbox_id, contact_id in pairs])
    values = {"account_id": account_id, "rows": rows}
    current = session().connection()
    current.execute(_MAKE_IDENTITIES, values)
    return {(row.inbox_id, row.contact_id): row.id for row in current.execute(_IDENTITIES, values)}


def _tell(
    account_id: int,
    batch: Sequence[Numbered],
    names: Names,
    people: Mapping[str | None, int],
    identities: Mapping[tuple[int, int], int],
) -> list[Story]:
    ids = _reserve("conversation", len(batch))
    entries = [entry for _number, line in batch for entry in line.timeline]
    numbers = {
        "message": _reserve("message", sum(isinstance(entry, lines.Said) for entry in entries)),
        "survey": _reserve("survey", sum(isinstance(entry, lines.Rated) for entry in entries)),
    }
    number: Callable[[str], int] = lambda table: next(numbers[table])  # noqa: E731
    values = {"account_id": account_id, "n": len(batch)}
    display_id = session().connection().execute(_NUMBER, values).scalar_one() - len(batch)
    stories = []
    for _number, line in batch:
        display_id += 1
        inbox_id, contact_id = names.inboxes[line.inbox], people[line.contact]
        conversation = Life(
            id=next(ids),
            display_id=display_id,
            external_id=line.external_id,
            inbox_id=inbox_id,
            contact_id=contact_id,
            contact_inbox_id=identities[inbox_id, contact_id],
            created_at=line.created_at,
            updated_at=line.created_at,
            last_activity_at=line.created_at,
        )
        stories.append(tell(line, names, conversation, number))
    return stories


def _write(account_id: int, stories: Sequence[Story]) -> None:
    current = session().connection()
    rows = [_row(story.conversation) for story in stories]
    current.execute(_CONVERSATIONS, {"account_id": account_id, "rows": _json(rows)})
    messages = [message for story in stories for message in story.messages]
    current.execute(_MESSAGES, {"account_id": account_id, "rows": _json(messages)})
    snoozed = [story.conversation for story in stories if _wakes(story.conversation)]
    timers = [{"ref": str(found.id), "due_at": stamp(found.snoozed_until)} for found in snoozed if found.snoozed_until]
    current.execute(_TIMERS, {"account_id": account_id, "kind": WAKE, "rows": _json(timers)})
    current.execute(_TOUCH, {"account_id": account_id, "rows": _json([_touched(story) for story in stories])})
    _make_labels(account_id, stories)
    first_seq = append_history(account_id, [fact for story in stories for fact in story.facts])
    surveys = []
    for story in stories:
        surveys += _surveys(story, first_seq)
        first_seq += len(story.facts)
    current.execute(_SURVEYS, {"account_id": account_id, "rows": _json(surveys)})


def _wakes(conversation: Life) -> bool:
    """Whether its snooze is still to end. One that ended long ago is left as the history leaves it."""
    until = conversation.snoozed_until
    return conversation.status == Status.SNOOZED and until is not None and until > now()


def _touched(story: Story) -> dict[str, Any]:
    found, wrote_at = story.conversation, story.customer_wrote_at
    return {
        "contact_id": found.contact_id,
        "created_at": stamp(found.created_at),
        "wrote_at": stamp(wrote_at) if wrote_at else None,
    }


def _surveys(story: Story, first_seq: int) -> list[dict[str, Any]]:
    return [
        {
            "id": rating.id,
            "conversation_id": story.conversation.id,
            "contact_id": story.conversation.contact_id,
            "resolved_seq": 0 if rating.resolve is None else first_seq + rating.resolve,
            "resolver_id": rating.resolver_id,
            "team_id": rating.team_id,
            "rating": rating.rating,
            "comment": rating.comment,
            "sent_at": stamp(rating.sent_at),
            "answered_at": stamp(rating.answered_at),
        }
        for rating in story.ratings
    ]


def _make_labels(account_id: int, stories: Sequence[Story]) -> None:
    """Labels that nobody has described yet get a row, so that one can choose them."""
    titles = {title for story in stories for fact in story.facts for title in fact["data"].get("added", ())}
    rows = session().connection().execute(_LABELS, {"account_id": account_id, "titles": sorted(titles)}).all()
    moment = stamp(now())
    if rows:
        append_history(account_id, [
            {"name": "label.created", "actor": "system", "occurred_at": moment, "data": {"label_id": row.id}} for row in rows
        ])  # fmt: skip


# -- contacts


def write_contacts(account_id: int, batch: Sequence[NumberedContact]) -> Outcome:
    """Those of the batch that are not here yet. One whose e-mail or phone is here is that contact. In a transaction."""
    outcome = Outcome()
    _only_import(account_id)
    here = _contacts(account_id, [line.external_id for _number, line in batch])
    new: dict[str, dict[str, Any]] = {}
    taken: dict[str, str] = {}
    for number, line in batch:
        if line.external_id in here or line.external_id in new:
            outcome.known += 1
            continue
        try:
            email, phone = checked_email(line.email), checked_phone(line.phone)
            for value in filter(None, (email, phone)):
                _refuse_taken(taken, value, line.external_id)
            new[line.external_id] = {
                "number": number, "external_id": line.external_id, "name": line.name or "", "email": email, "phone": phone,
            }  # fmt: skip
            taken |= dict.fromkeys(filter(None, (email, phone)), line.external_id)
        except Invalid as problem:
            outcome.refuse(number, problem)
    _write_contacts(account_id, list(new.values()), outcome)
    return outcome


def _refuse_taken(taken: Mapping[str, str], value: str, mine: str) -> None:
    if taken.get(value, mine) != mine:
        raise Invalid("", _("“%(value)s” is another contact's already.", value=value))


def _write_contacts(account_id: int, rows: list[dict[str, Any]], outcome: Outcome) -> None:
    if not rows:
        return
    current = session().connection()
    known = _same_contacts(account_id, rows, outcome)
    current.execute(_ADOPT, {"account_id": account_id, "rows": _json(
        [{"external_id": external_id, "id": found} for external_id, found in known.items() if found]
    )})  # fmt: skip
    made = [row for row in rows if row["external_id"] not in known]
    ids = current.execute(_CONTACTS, {"account_id": account_id, "rows": _json(made)}).scalars().all()
    moment = stamp(now())
    if ids:
        append_history(account_id, [
            {"name": "contact.created", "actor": "system", "occurred_at": moment, "data": {"contact_id": found}}
            for found in ids
        ])  # fmt: skip
    outcome.known += sum(1 for found in known.values() if found)
    outcome.count("contact", len(ids))


def _same_contacts(account_id: int, rows: list[dict[str, Any]], outcome: Outcome) -> dict[str, int]:
    """{external id: the contact of that e-mail or phone}, the one of the e-mail first; 0 where that is another's already."""
    numbers = {row["external_id"]: row["number"] for row in rows}
    same: dict[str, int] = {}
    given: set[int] = set()
    for row in session().connection().execute(_SAME_CONTACTS, {"account_id": account_id, "rows": _json(rows)}):
        if row.external_id in same:
            continue
        is_free = row.named is None and row.id not in given
        same[row.external_id] = row.id if is_free else 0
        given.add(row.id)
        if not is_free:
            words = _("“%(value)s” is another contact's already.", value=row.value)
            outcome.refuse(numbers[row.external_id], Invalid("", words))
    return same


# -- below


def _json(rows: list[dict[str, Any]]) -> str:
    # letters as they are: escaped, Russian would be three times as long
    return json.dumps(rows, ensure_ascii=False)


def _row(found: Life) -> dict[str, Any]:
    values = ((column.name, getattr(found, column.name)) for column in fields(Life))
    return {name: stamp(value) if isinstance(value, datetime) else value for name, value in values}


def _only_import(account_id: int) -> None:
    """Two imports of one account look and write in turns."""
    session().connection().execute(_ALONE, {"key": f"history/{account_id}"})


def _ids(account_id: int, table: str, external_ids: Sequence[str | None]) -> dict[str | None, int]:
    query = text(
        f"select external_id, id from {table} where account_id = :account_id"  # noqa: S608  our own word
        " and external_id = any(cast(:ids as text[]))"
    )
    rows = session().connection().execute(query, {"account_id": account_id, "ids": list(set(external_ids))})
    return {row.external_id: row.id for row in rows}


def _contacts(account_id: int, external_ids: Sequence[str]) -> dict[str | None, int]:
    """{external id: contact}; ERASED for those who were deleted: their lines bring nobody back."""
    gone = {remembered_as(account_id, name): name for name in set(external_ids)}
    found = _ids(account_id, "contact", [*gone.values(), *gone])
    return {gone.get(name or "", name): ERASED if name in gone else number for name, number in found.items()}


def _reserve(table: str, n: int) -> Iterator[int]:
    """`n` new ids, in their order."""
    query = text(f"select nextval('{table}_id_seq') from generate_series(1, :n)")  # noqa: S608  our own word
    return iter(session().connection().execute(query, {"n": n}).scalars().all())


_ALONE = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
_NUMBER = text(
    "insert into counter (account_id, kind, value) values (:account_id, 'conversation', :n)"
    " on conflict (account_id, kind) do update set value = counter.value + :n returning value"
)
_MAKE_IDENTITIES = text("""
    insert into contact_inbox (account_id, contact_id, inbox_id, source_id, pubsub_token)
    select :account_id, contact_id, inbox_id, 'history:' || contact_id,
        replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
    from jsonb_to_recordset(cast(:rows as jsonb)) as pair (inbox_id bigint, contact_id bigint)
    on conflict (account_id, inbox_id, source_id) do nothing
""")
_IDENTITIES = text("""
    select known.id, known.inbox_id, known.contact_id
    from jsonb_to_recordset(cast(:rows as jsonb)) as pair (inbox_id bigint, contact_id bigint)
    join contact_inbox known on known.account_id = :account_id and known.inbox_id = pair.inbox_id
        and known.source_id = 'history:' || pair.contact_id
""")
_CONVERSATIONS = text("""
    insert into conversation (
        account_id, id, display_id, external_id, inbox_id, contact_id, contact_inbox_id, status, held_by, priority,
        assignee_id, team_id, labels, snoozed_until, sla_policy_id, created_at, updated_at, last_activity_at,
        waiting_since, first_replied_at, agent_last_seen_at, contact_last_seen_at, unread_count, thread_version,
        last_message_id
    )
    select
        :account_id, id, display_id, external_id, inbox_id, contact_id, contact_inbox_id, status, held_by, priority,
        assignee_id, team_id, labels, snoozed_until, sla_policy_id, created_at, updated_at, last_activity_at,
        waiting_since, first_replied_at, agent_last_seen_at, contact_last_seen_at, unread_count, thread_version,
        last_message_id
    from jsonb_to_recordset(cast(:rows as jsonb)) as told (
        id bigint, display_id bigint, external_id text, inbox_id bigint, contact_id bigint, contact_inbox_id bigint,
        status text, held_by text, priority text, assignee_id bigint, team_id bigint, labels text[],
        snoozed_until timestamptz, sla_policy_id bigint, created_at timestamptz, updated_at timestamptz,
        last_activity_at timestamptz, waiting_since timestamptz, first_replied_at timestamptz,
        agent_last_seen_at timestamptz, contact_last_seen_at timestamptz, unread_count int, thread_version int,
        last_message_id bigint
    )
""")
_MESSAGES = text("""
    insert into message (
        account_id, id, conversation_id, inbox_id, message_type, sender_type, sender_id, content, is_private,
        external_id, additional_attributes, created_at, occurred_at
    )
    select
        :account_id, id, conversation_id, inbox_id, message_type, sender_type, sender_id, content, is_private,
        external_id, additional_attributes, created_at, created_at
    from jsonb_to_recordset(cast(:rows as jsonb)) as told (
        id bigint, conversation_id bigint, inbox_id bigint, message_type text, sender_type text, sender_id bigint,
        content text, is_private boolean, external_id text, additional_attributes jsonb, created_at timestamptz
    )
""")
_SURVEYS = text("""
    insert into survey (
        account_id, id, conversation_id, contact_id, resolved_seq, resolver_id, team_id, rating, comment, sent_at, answered_at
    )
    select :account_id, id, conversation_id, contact_id, resolved_seq, resolver_id, team_id, rating, comment, sent_at,
        answered_at
    from jsonb_to_recordset(cast(:rows as jsonb)) as told (
        id bigint, conversation_id bigint, contact_id bigint, resolved_seq bigint, resolver_id bigint, team_id bigint,
        rating int, comment text, sent_at timestamptz, answered_at timestamptz
    )
""")
_TIMERS = text("""
    insert into timer (account_id, kind, ref, due_at)
    select :account_id, :kind, ref, due_at
    from jsonb_to_recordset(cast(:rows as jsonb)) as told (ref text, due_at timestamptz)
""")
_TOUCH = text("""
    with wrote as (
        select contact_id, min(created_at) as created_at, max(wrote_at) as wrote_at
        from jsonb_to_recordset(cast(:rows as jsonb)) as told (
            contact_id bigint, created_at timestamptz, wrote_at timestamptz
        )
        group by contact_id
    ),
    mine as (
        -- in the order of ids, so that two transactions over the same contacts cannot wait for each other
        select id from contact where account_id = :account_id and id in (select contact_id from wrote) order by id for update
    )
    update contact
    set created_at = least(contact.created_at, wrote.created_at),
        last_activity_at = greatest(contact.last_activity_at, wrote.wrote_at)
    from wrote join mine on mine.id = wrote.contact_id
    where contact.account_id = :account_id and contact.id = wrote.contact_id
""")
_LABELS = text(r"""
    insert into label (account_id, title)
    select :account_id, title from unnest(cast(:titles as text[])) as told (title) where title ~ '^[\w-]{2,100}$'
    on conflict (account_id, title) do nothing returning id
""")
_SAME_CONTACTS = text("""
    with told as (
        select * from jsonb_to_recordset(cast(:rows as jsonb)) as told (external_id text, email text, phone text)
    )
    select told.external_id, known.id, known.external_id as named, told.email as value, 1 as rank
    from told join contact known on known.account_id = :account_id and known.email = told.email
    union all
    select told.external_id, known.id, known.external_id, told.phone, 2
    from told join contact known on known.account_id = :account_id and known.phone_number = told.phone
    order by rank, external_id
""")
_ADOPT = text("""
    update contact set external_id = told.external_id
    from jsonb_to_recordset(cast(:rows as jsonb)) as told (external_id text, id bigint)
    where contact.account_id = :account_id and contact.id = told.id
""")
_CONTACTS = text("""
    insert into contact (account_id, external_id, name, email, phone_number)
    select :account_id, external_id, name, email, phone
    from jsonb_to_recordset(cast(:rows as jsonb)) as told (external_id text, name text, email text, phone text)
    returning id
""")
