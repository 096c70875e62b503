# ruff: noqa: S608  the SQL is of our own words alone
"""Deleting a contact for good. What stays is what the numbers need: that somebody wrote, when, and who answered him.

Every place that can hold his words or his name has a statement below; a test walks all columns of all tables and finds
the one that was forgotten.
"""

from typing import Any

from sqlalchemy import TextClause, text
from sqlmodel import col, select

from app.clock import now
from app.contacts.actions import remembered_as
from app.contacts.models import Contact
from app.conversations.actions import FETCH, SEND, forget_files, resolve
from app.conversations.models import Conversation, Status
from app.conversations.queries import locked
from app.database import session
from app.events.record import record
from app.mail import KIND as LETTER


def erase(contact: Contact, *, by: str) -> None:
    """Take the contact out of everything, with the visitors that became him. His conversations stay, closed and empty.

    Who writes at this moment comes before, and is erased, or after, and is somebody new.
    """
    account_id = contact.account_id
    people = [contact, *_became(contact)]
    values: dict[str, Any] = {"account_id": account_id, "people": [person.id for person in people]}
    for lock in (_NO_IMPORT, _NO_INTAKE, _NO_IDENTIFYING):
        session().connection().execute(lock, values)
    for conversation in _conversations(account_id, values["people"]):
        if conversation.status != Status.RESOLVED:
            resolve(conversation, by=by)
        values.setdefault("talks", []).append(conversation.id)
    for person in people:
        record("contact.deleted", person, by=by)
    session().flush()
    _forget(values | {"talks": values.get("talks", []), "moment": now()}, people)
    # what was read before says what is no more
    session().expire_all()


def _became(contact: Contact) -> list[Contact]:
    """The visitors that he was before he was known; their conversations are his since."""
    found = session().connection().execute(_BECAME, {"account_id": contact.account_id, "id": contact.id}).scalars()
    return [session().get_one(Contact, (contact.account_id, number)) for number in found]


def _conversations(account_id: int, people: list[int]) -> list[Conversation]:
    """Theirs, each locked, in the order of ids."""
    query = select(Conversation.id).where(
        col(Conversation.account_id) == account_id, col(Conversation.contact_id).in_(people)
    )
    return [locked(account_id, number) for number in session().exec(query.order_by(col(Conversation.id))).all()]


def _forget(values: dict[str, Any], people: list[Contact]) -> None:
    current, account_id = session().connection(), values["account_id"]
    messages = [str(number) for number in current.execute(_MESSAGES, values).scalars()]
    files = current.execute(_FILES, values).all()
    for kind, refs in ((SEND, messages), (FETCH, [str(row.id) for row in files])):
        current.execute(_OWED, {"account_id": account_id, "kind": kind, "refs": refs})
    current.execute(_LETTERS, values | {"kind": LETTER})
    for statement in _STATEMENTS:
        current.execute(statement, values)
    for person in people:
        name = remembered_as(account_id, person.external_id) if person.external_id else None
        current.execute(_PERSON, {"account_id": account_id, "id": person.id, "name": name, "moment": values["moment"]})
    forget_files(account_id, f"contact:{people[0].id}", [row.path for row in files])


# -- who else may be writing. The same locks, in the same order, as those who write: import, lanes, identify()

_IDENTITIES = """(
    select inbox_id, source_id from contact_inbox where account_id = :account_id and contact_id = any(:people)
    order by inbox_id, source_id
) as known"""
_NO_IMPORT = text("select pg_advisory_xact_lock(hashtextextended('history/' || :account_id, 0))")
_NO_INTAKE = text(
    "select pg_advisory_xact_lock(hashtextextended(:account_id || '/' || inbox_id || '/' || source_id, 0))"
    f" from {_IDENTITIES}"
)
_NO_IDENTIFYING = text(
    f"select pg_advisory_xact_lock(hashtextextended('contact_inbox/' || inbox_id || '/' || source_id, 0)) from {_IDENTITIES}"
)

# -- what goes

# Agents may write into attributes what they like: who has conversations of his own became nobody else
_BECAME = text("""
    select id from contact where account_id = :account_id and erased_at is null and id <> :id
        and additional_attributes->>'became_contact_id' = cast(:id as text)
        and not exists (select from conversation where account_id = :account_id and contact_id = contact.id)
    order by id
""")
_MESSAGES = text("select id from message where account_id = :account_id and conversation_id = any(:talks)")
_OF_MESSAGES = "message_id in (select id from message where account_id = :account_id and conversation_id = any(:talks))"
_FILES = text(f"select id, path from attachment where account_id = :account_id and {_OF_MESSAGES}")
# What is on its way to the provider cannot be called back; what still waits is not sent any more
_OWED = text("""
    update delivery set error = null, done_at = coalesce(done_at, now()),
        state = case state when 'ready' then 'dead' else state end
    where account_id = :account_id and kind = :kind and ref = any(:refs)
""")
_LETTERS = text("""
    update delivery set data = '{}', lane = '', error = null, done_at = coalesce(done_at, now()),
        state = case state when 'ready' then 'dead' else state end
    where account_id = :account_id and kind = :kind
        and lane in (select lower(email) from contact where account_id = :account_id and id = any(:people))
""")
_STATEMENTS: list[TextClause] = [
    text(statement)
    for statement in (
        # whoever writes a note on him has locked him: he comes before, or finds nobody
        "select from contact where account_id = :account_id and id = any(:people) order by id for update",
        f"delete from attachment where account_id = :account_id and {_OF_MESSAGES}",
        f"delete from message_revision where account_id = :account_id and {_OF_MESSAGES}",
        "delete from reply_draft where account_id = :account_id and conversation_id = any(:talks)",
        "delete from draft where account_id = :account_id and conversation_id = any(:talks)",
        "delete from memory where account_id = :account_id and conversation_id = any(:talks)",
        # what was offered in other conversations out of his words goes as well
        """delete from suggestion where account_id = :account_id and (
            conversation_id = any(:talks) or exists (
                select from unnest(cast(:talks as bigint[])) as talk
                where shown @> jsonb_build_array(jsonb_build_object('conversation_id', talk))
            )
        )""",
        "delete from trial_question where account_id = :account_id and conversation_id = any(:talks)",
        # a pair that a person has approved is the house's knowledge; whose question it was is known no more
        """delete from passage where account_id = :account_id and document_id in (
            select id from document
            where account_id = :account_id and conversation_id = any(:talks) and state <> 'approved'
        )""",
        """delete from document
            where account_id = :account_id and conversation_id = any(:talks) and state <> 'approved'""",
        """update document set conversation_id = null
            where account_id = :account_id and conversation_id = any(:talks)""",
        # the number it had elsewhere stays, so that importing its history again does not bring it back
        """update message set content = '', content_type = 'text', content_attributes = '{"deleted": true}',
                additional_attributes = '{}', error = null, source_id = null, client_message_id = null,
                has_attachments = false, deleted_at = coalesce(deleted_at, :moment)
            where account_id = :account_id and conversation_id = any(:talks)""",
        """update conversation set additional_attributes = '{}', custom_attributes = '{}', identifier = null,
                uuid = gen_random_uuid(), unread_count = 0, thread_version = thread_version + 1
            where account_id = :account_id and id = any(:talks)""",
        """update survey set comment = '', review_note = '', uuid = gen_random_uuid()
            where account_id = :account_id and conversation_id = any(:talks)""",
        """update parked_event set error = '' where account_id = :account_id and seq in (
            select seq from event where account_id = :account_id and conversation_id = any(:talks)
        )""",
        """update timer set error = null where account_id = :account_id and error is not null and (
            kind = 'conversation.wake' and ref = any(cast(cast(:talks as bigint[]) as text[]))
            or kind like 'sla.%' and ref in (
                select cast(id as text) from sla_target
                where account_id = :account_id and conversation_id = any(:talks)
            )
        )""",
        # its number at the provider stays, so that a repetition changes nothing
        """update intake set raw = '', headers = '{}', lane = '', error = null, done_at = coalesce(done_at, :moment),
                state = case state when 'ready' then 'done' else state end
            where account_id = :account_id and (inbox_id, lane) in (
                select inbox_id, source_id from contact_inbox
                where account_id = :account_id and contact_id = any(:people)
            )""",
        """update contact_inbox set source_id = gen_random_uuid()::text, is_verified = false,
                pubsub_token = replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
            where account_id = :account_id and contact_id = any(:people)""",
        "delete from note where account_id = :account_id and contact_id = any(:people)",
    )
]
# Blocked, so that nobody asks him for a rating or opens his conversations
_PERSON = text("""
    update contact set name = '', email = null, phone_number = null, identifier = null, external_id = :name, labels = '{}',
        additional_attributes = '{}', custom_attributes = '{}', is_blocked = true, last_activity_at = null,
        erased_at = :moment
    where account_id = :account_id and id = :id
""")
