"""What Captain does and what becomes of it: his proposals to agents, his part in conversations, the assistants he is.
Each is a line in the log."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, or_
from sqlmodel import col, select

from app.accounts.models import Account
from app.assist import assistants
from app.assist.judging import Comparison, Objection
from app.assist.models import (
    Assistant,
    Document,
    DocumentKind,
    DocumentState,
    Draft,
    DraftState,
    Mode,
    Passage,
    Source,
    SourceKind,
    SourceState,
    Suggestion,
    SuggestionKind,
    SuggestionState,
    Tone,
    Trial,
    TrialQuestion,
    TrialState,
)
from app.assist.steps import WHY, Kind, Reason, Step, back_at
from app.assist.wishes import language
from app.calendars import hours
from app.calendars.queries import hours_of, in_force
from app.clock import now
from app.conversations.actions import (
    CAPTAIN,
    Writing,
    by_contact,
    by_user,
    hand_off,
    reply,
    resolve,
    write_incoming,
    write_note,
    write_template,
)
from app.conversations.models import Conversation, Holder, Message, MessageType
from app.conversations.queries import locked
from app.database import session
from app.deliveries.actions import owe
from app.errors import Invalid, NotFound
from app.events.record import record
from app.i18n import LOCALES, _, speaking
from app.inboxes.actions import update_inbox
from app.inboxes.models import Channel, Inbox
from app.inboxes.queries import inboxes
from app.text import NAME_LIMIT, checked
from app.users.models import User

EMBED = "captain.embed"
HELP_CENTER_ANSWER = "help_center.answer"  # the purpose of a signature
_NUMBERS = re.compile(r"\s*\[\d+\](?!\()")


@dataclass(frozen=True)
class Proposal:
    """What Captain answered to a message: words with sources, or none and why."""

    text: str
    citations: list[dict[str, Any]]
    confidence: float
    article_ids: list[int]
    scores: list[float]
    features: dict[str, Any]
    is_answer: bool


def propose(conversation: Conversation, message: Message, proposal: Proposal) -> Draft | None:
    """Show the draft to the agent, unless the thread has gone on meanwhile; record what was found, drafted or not.

    One draft a message: who asks again gets the one there is.
    """
    known_draft = draft_of(message)
    if known_draft is not None:
        return known_draft
    known: dict[str, Any] = {"message_id": message.id, "confidence": round(proposal.confidence, 4)}
    record(
        "captain.retrieved",
        conversation,
        by="captain",
        message_id=message.id,
        article_ids=proposal.article_ids,
        scores=proposal.scores,
    )
    if not proposal.is_answer:
        record("captain.abstained", conversation, by="captain", reason="not_sure", **known)
        return None
    if went_on(conversation, message):
        record("captain.abstained", conversation, by="captain", reason="went_on", **known)
        return None
    for old in _shown(conversation):
        old.state, old.decided_at = DraftState.STALE, now()
    return _show(conversation, message.id, proposal)


def propose_another(conversation: Conversation, draft_id: int, proposal: Proposal, *, by: User) -> Draft:
    """Put the draft aside and show this one, from other sources, in its place. The newest there is, when two ask at once."""
    old = draft(conversation, draft_id)
    newest = _attempts(old.account_id, old.message_id)[-1]
    if newest.id != old.id:
        return newest
    _decide(conversation, old, DraftState.REJECTED, by)
    return _show(conversation, old.message_id, proposal, attempt=old.attempt + 1)


def outdate(conversation: Conversation, message_id: int) -> None:
    """Somebody has answered by another way: what was proposed before `message_id` is out of date."""
    for draft in _shown(conversation):
        if draft.message_id < message_id:
            draft.state, draft.decided_at = DraftState.STALE, now()


def outdate_citing(account_id: int, article_id: int) -> None:
    """The article has changed: what was proposed from its old words, and not decided yet, is out of date."""
    query = select(Draft).where(
        col(Draft.account_id) == account_id,
        col(Draft.state) == DraftState.SHOWN,
        col(Draft.citations).contains([{"article_id": article_id}]),
    )
    for draft in session().exec(query.with_for_update()):
        draft.state, draft.decided_at = DraftState.STALE, now()


def draft_of(message: Message) -> Draft | None:
    """What Captain proposed to this message last, if anything."""
    return next(reversed(_attempts(message.account_id, message.id)), None)


def drafts_of(draft: Draft) -> list[Draft]:
    """All that Captain has proposed to the same message, in order."""
    return _attempts(draft.account_id, draft.message_id)


def accept(conversation: Conversation, draft_id: int, *, by: User, seen_version: int | None = None) -> Message:
    """Send Captain's words as the agent's own. Accepting twice sends once."""
    found = draft(conversation, draft_id)
    writing = Writing(sendable(found), client_message_id=f"captain-draft-{found.id}")
    message = reply(conversation, by_user(by), writing, seen_version=seen_version)
    _decide(conversation, found, DraftState.ACCEPTED, by, message, distance=0)
    return message


def reject(conversation: Conversation, draft_id: int, *, by: User) -> None:
    """Put the draft aside."""
    _decide(conversation, draft(conversation, draft_id), DraftState.REJECTED, by)


def note_reply(conversation: Conversation, message: Message, *, by: User, proposed_id: int | None) -> None:
    """The agent has answered himself: with Captain's words changed, or with his own, and then the draft is out of date."""
    for draft in _shown(conversation):
        if draft.id == proposed_id:
            distance = edit_distance(sendable(draft), message.content)
            _decide(conversation, draft, DraftState.EDITED if distance else DraftState.ACCEPTED, by, message, distance)
        else:
            draft.state, draft.decided_at = DraftState.STALE, now()


def sendable(draft: Draft) -> str:
    """The draft as a customer reads it in any channel: no numbers in brackets, the sources by address below."""
    words = _NUMBERS.sub("", draft.content)
    links = dict.fromkeys(source["url"].partition("#")[0] for source in draft.citations if source.get("url"))
    return "\n\n".join([words, *(_("More about it: %(url)s", url=url) for url in links)])


def edit_distance(one: str, other: str, limit: int = 2000) -> int:
    """How many letters were put in, taken out or changed (Levenshtein), on the first `limit` letters of both."""
    one, other = one[:limit], other[:limit]
    before = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, wanted in enumerate(other, start=1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != wanted)))
        before = row
    return before[-1]


def _decide(
    conversation: Conversation,
    draft: Draft,
    state: DraftState,
    by: User,
    message: Message | None = None,
    distance: int | None = None,
) -> None:
    if draft.state != DraftState.SHOWN:
        return
    draft.state, draft.decided_by, draft.decided_at, draft.edit_distance = state, by.id, now(), distance
    draft.sent_message_id = message.id if message else None
    facts: dict[str, Any] = {
        "draft_id": draft.id,
        "message_id": draft.message_id,
        "confidence": round(draft.confidence, 4),
    }
    if distance is not None:
        facts["edit_distance"] = distance
    record(f"captain.draft_{state}", conversation, by=by.actor, **facts)


def _show(conversation: Conversation, message_id: int, proposal: Proposal, *, attempt: int = 0) -> Draft:
    draft = Draft(
        account_id=conversation.account_id,
        conversation_id=conversation.id,
        message_id=message_id,
        attempt=attempt,
        content=proposal.text,
        citations=proposal.citations,
        confidence=proposal.confidence,
        features=proposal.features,
        created_at=now(),
    )
    session().add(draft)
    session().flush()
    known: dict[str, Any] = {"message_id": message_id, "confidence": round(proposal.confidence, 4)}
    record("captain.drafted", conversation, by="captain", draft_id=draft.id, attempt=attempt, **known)
    return draft


def _attempts(account_id: int, message_id: int) -> list[Draft]:
    query = select(Draft).where(col(Draft.account_id) == account_id, col(Draft.message_id) == message_id)
    return list(session().exec(query.order_by(col(Draft.attempt))))


def draft(conversation: Conversation, draft_id: int) -> Draft:
    """The draft of that number in this conversation, ours until the commit. NotFound for any other."""
    found = session().get(Draft, (conversation.account_id, draft_id), with_for_update=True)
    if found is None or found.conversation_id != conversation.id:
        raise NotFound(_("There is no such draft."))
    return found


def _shown(conversation: Conversation) -> list[Draft]:
    query = select(Draft).where(
        col(Draft.account_id) == conversation.account_id,
        col(Draft.conversation_id) == conversation.id,
        col(Draft.state) == DraftState.SHOWN,
    )
    return list(session().exec(query.with_for_update()))


def went_on(conversation: Conversation, message: Message) -> bool:
    """Whether anybody has written to the customer, or he again, since, or it was deleted: then another draft is due, or none."""
    is_newer = and_(
        col(Message.id) > message.id,
        col(Message.is_private).is_(False),
        col(Message.message_type).in_([MessageType.INCOMING, MessageType.OUTGOING]),
    )
    is_gone = and_(col(Message.id) == message.id, col(Message.deleted_at).is_not(None))
    query = select(Message.id).where(
        col(Message.account_id) == conversation.account_id,
        col(Message.conversation_id) == conversation.id,
        or_(is_newer, is_gone),
    )
    return session().exec(query.limit(1)).first() is not None


# -- with customers


@dataclass(frozen=True)
class Turn:
    """A customer's turn that Captain has understood: his newest message, how long the thread was then, his language."""

    message_id: int
    thread_version: int
    language: str
    assistant_id: int | None
    is_first: bool


def take_turn(conversation: Conversation, turn: Turn, step: Step) -> Message | None:
    """Do the step, unless the thread has gone on since: a person has answered, or the customer has written more.

    The conversation is locked, so a person who answers at this moment comes before or after, never in between.
    """
    conversation = locked(conversation.account_id, conversation.id)
    if conversation.held_by != Holder.CAPTAIN or conversation.thread_version != turn.thread_version:
        known: dict[str, Any] = {"message_id": turn.message_id, "confidence": round(step.confidence, 4)}
        record("captain.abstained", conversation, by="captain", reason="went_on", **known)
        return None
    inbox = session().get_one(Inbox, (conversation.account_id, conversation.inbox_id))
    _tell_findings(conversation, turn, step)
    with speaking(turn.language, _timezone(inbox)):
        said = _say(conversation, inbox, turn, step)
    if step.kind == Kind.HAND_OFF:
        _hand_over(conversation, turn, step)
    if step.kind == Kind.SOLVED:
        confirm(conversation, turn.message_id)
    return said


def confirm(conversation: Conversation, message_id: int) -> None:
    """The customer said that it helped: solved, and by his own word."""
    record("captain.confirmed", conversation, by=by_contact(conversation.contact_id).actor, message_id=message_id)
    if conversation.held_by == Holder.CAPTAIN:
        resolve(conversation, by=CAPTAIN.actor)


def take_feedback(conversation: Conversation, message: Message, *, is_helpful: bool) -> None:
    """What the customer answered to «Помогло?» under a message of Captain's."""
    by = by_contact(conversation.contact_id).actor
    record("captain.feedback", conversation, by=by, message_id=message.id, is_helpful=is_helpful)
    if is_helpful:
        confirm(conversation, message.id)


def bring(conversation: Conversation, told: dict[str, Any], key: str) -> None:
    """What Captain said to him in the help center, before the people he asks for: his question, the answer with its sources,
    and nobody else's turn. Bringing the same (`key`) twice brings it once.

    told: what was signed for HELP_CENTER_ANSWER. Its answer stands there as a word of the house, in no metric: it was counted
    where it was given.
    """
    attributes = {"asked_in": "help_center"}
    writing = Writing(told["question"], client_message_id=key, content_attributes=attributes)
    asked = write_incoming(conversation, conversation.contact_id, writing)
    if told["text"]:
        shown = {
            "captain": Kind.ANSWER,
            "question_id": asked.id,
            "citations": told["citations"],
            "submitted_values": [{"name": "helped", "value": "human"}],
        }
        writing = Writing(told["text"], client_message_id=f"captain-{asked.id}", content_attributes=shown)
        write_template(conversation, writing, CAPTAIN)
    _brief_on_answer(conversation, told)
    hand_off(conversation, by=CAPTAIN.actor, reason=Reason.ASKED)


def _brief_on_answer(conversation: Conversation, told: dict[str, Any]) -> None:
    account = session().get_one(Account, conversation.account_id)
    with speaking(account.locale, account.timezone):
        lines = [_("The customer asked this in the help center, and calls a person.")]
        lines += [_("Captain answered him from:")] if told["citations"] else []
    links = dict.fromkeys(link(source["title"], source["url"]) for source in told["citations"])
    write_note(conversation, CAPTAIN, Writing("\n".join([*lines, *links])))


def brief_people(conversation: Conversation, reason: Reason, step: Step | None = None) -> None:
    """A note for the colleague who takes over: why, and what Captain has found."""
    account = session().get_one(Account, conversation.account_id)
    with speaking(account.locale, account.timezone):
        lines = [_("Captain has handed over: %(why)s.", why=_(WHY[reason]))]
        if step is not None and step.found:
            sure = round(step.confidence * 100)
            lines.append(_("Closest in the knowledge base (%(percent)s %% sure):", percent=sure))
            lines += [link(title, url) for title, url in step.found]
    write_note(conversation, CAPTAIN, Writing("\n".join(lines)))


def _say(conversation: Conversation, inbox: Inbox, turn: Turn, step: Step) -> Message | None:
    if not step.text:
        return None
    is_answer = step.kind in {Kind.ANSWER, Kind.SUGGEST}
    text = _worded(inbox, turn, step)
    shown = {"captain": step.kind, "question_id": turn.message_id}
    if step.kind == Kind.ANSWER and inbox.channel == Channel.WEBSITE:
        shown["citations"] = list(step.sources)
    writing = Writing(text, client_message_id=f"captain-{turn.message_id}", content_attributes=shown)
    said = reply(conversation, CAPTAIN, writing) if is_answer else write_template(conversation, writing, CAPTAIN)
    record(
        "captain.replied",
        conversation,
        by="captain",
        message_id=turn.message_id,
        reply_id=said.id,
        kind=step.kind,
        confidence=round(step.confidence, 4),
        article_ids=list(step.article_ids),
        assistant_id=turn.assistant_id,
    )
    return said


def _worded(inbox: Inbox, turn: Turn, step: Step) -> str:
    """The step's words as this channel shows them, greeting first, the way to a person last."""
    lines = [_greeting(inbox.account_id, turn)] if turn.is_first else []
    lines.append(step.text)
    if step.kind == Kind.HAND_OFF:
        open_hours = hours_of(inbox.account_id, {inbox.calendar_id})[inbox.calendar_id]
        lines.append(back_at(hours.opens_after(open_hours, now()), now()))
    elif step.kind == Kind.ANSWER and inbox.channel != Channel.WEBSITE:
        # the card on the site shows sources and buttons; elsewhere there are only words
        lines[-1] = _NUMBERS.sub("", step.text)
        links = dict.fromkeys(source["url"].partition("#")[0] for source in step.sources if source.get("url"))
        lines += [_("More about it: %(url)s", url=url) for url in links]
        lines.append(_("Did it help? Answer “yes”, or “a person, please”."))
    elif step.kind == Kind.SUGGEST and inbox.channel != Channel.WEBSITE:
        lines.append(_("If not, write “a person, please”, and I will call a colleague."))
    return "\n\n".join(line for line in lines if line)


def _greeting(account_id: int, turn: Turn) -> str:
    if turn.assistant_id is None:
        return ""
    found = assistants.assistant(account_id, turn.assistant_id)
    return found.greeting or (_("Good day!") if found.tone == Tone.FORMAL else _("Hello!"))


def _hand_over(conversation: Conversation, turn: Turn, step: Step) -> None:
    reason = step.reason or Reason.NOT_SURE
    known: dict[str, Any] = {"message_id": turn.message_id, "confidence": round(step.confidence, 4)}
    record("captain.abstained", conversation, by="captain", reason=reason, **known)
    brief_people(conversation, reason, step)
    hand_off(conversation, by=CAPTAIN.actor, reason=reason)


def _tell_findings(conversation: Conversation, turn: Turn, step: Step) -> None:
    if step.scores:
        found: dict[str, Any] = {"article_ids": list(step.article_ids), "scores": list(step.scores)}
        record("captain.retrieved", conversation, by="captain", message_id=turn.message_id, **found)


def link(title: str, url: str) -> str:
    """A line of a list in Markdown, linked where there is an address."""
    words = title.replace("[", "(").replace("]", ")")
    return f"- [{words}]({url})" if url else f"- {words}"


def _timezone(inbox: Inbox) -> str:
    """The clock people work by in this inbox."""
    calendar = in_force(inbox.account_id, {inbox.calendar_id}).get(inbox.calendar_id) if inbox.calendar_id else None
    return calendar.timezone if calendar else session().get_one(Account, inbox.account_id).timezone


# -- assistants


def create_assistant(account_id: int, name: str, *, by: str, **fields: Any) -> Assistant:
    """One more, off until somebody lets him work."""
    assistants.first_assistant(account_id)
    made = Assistant(account_id=account_id, mode=Mode.OFF, created_at=now())
    _apply(made, {"name": name, **fields})
    session().add(made)
    _version(made, by)
    return made


def change_assistant(found: Assistant, *, by: str, inbox_ids: Collection[int] | None = None, **fields: Any) -> None:
    """Other settings, and exactly these inboxes, when given. What conversations have with him goes on as it began."""
    before = found.model_dump(exclude={"version"}), {inbox.id for inbox in assistants.served_by(found)}
    _apply(found, fields)
    if inbox_ids is not None:
        _serve(found, inbox_ids, by)
    _let_answer(found.account_id)
    if before != (found.model_dump(exclude={"version"}), {inbox.id for inbox in assistants.served_by(found)}):
        found.version += 1
        _version(found, by)


def considered(found: Assistant, fields: dict[str, Any]) -> Assistant:
    """He as he would be with these settings: nothing is written. Invalid for settings he cannot have."""
    would_be = Assistant(**found.model_dump())
    _apply(would_be, fields)
    return would_be


def start_trial(found: Assistant, current: dict[str, Any], candidate: dict[str, Any], *, by: str) -> Trial:
    """Try the candidate on the past; a trial of his that is under way stops."""
    under_way = select(Trial).where(
        col(Trial.account_id) == found.account_id,
        col(Trial.assistant_id) == found.id,
        col(Trial.state).in_([TrialState.WAITING, TrialState.RUNNING]),
    )
    for old in session().exec(under_way.with_for_update()):
        old.state, old.finished_at = TrialState.STOPPED, now()
    trial = Trial(
        account_id=found.account_id,
        assistant_id=found.id,
        version=found.version,
        current=current,
        candidate=candidate,
        created_by=int(by.partition(":")[2]) if by.startswith("user:") else None,
        created_at=now(),
    )
    session().add(trial)
    record("trial.started", trial, by=by)
    return trial


def finish_trial(trial: Trial, comparison: Comparison, objection: Objection | None) -> None:
    """It is over: how both sides did."""
    trial.finished_at = now()
    sides = {"current": comparison.current, "candidate": comparison.candidate}
    counts: dict[str, Any] = {
        name: [side.right, side.wrong, side.links, side.handed_over] for name, side in sides.items()
    }
    record("trial.finished", trial, by="captain", questions=len(comparison.pairs), objection=objection, **counts)


def delete_assistant(found: Assistant, *, by: str) -> None:
    """He is gone; the default takes over his inboxes. Invalid for the default."""
    if found.is_default:
        raise Invalid("assistant", _("Every account keeps one assistant. Switch him off instead."))
    for inbox in assistants.served_by(found):
        inbox.assistant_id = None
    record("assistant.deleted", found, by=by)
    _forget_all(found)
    session().delete(found)
    session().flush()
    _let_answer(found.account_id)


def _forget_all(found: Assistant) -> None:
    """What he knows besides the help center, and what was tried on him."""
    mine = (col(Document.account_id) == found.account_id, col(Document.assistant_id) == found.id)
    for document in session().exec(select(Document).where(*mine)):
        forget_document(document)
    his_trials = select(Trial.id).where(col(Trial.account_id) == found.account_id, col(Trial.assistant_id) == found.id)
    current = session().connection()
    current.execute(delete(TrialQuestion).where(
        col(TrialQuestion.account_id) == found.account_id, col(TrialQuestion.trial_id).in_(his_trials)
    ))  # fmt: skip
    for kind in (Trial, Source):
        current.execute(
            delete(kind).where(col(kind.account_id) == found.account_id, col(kind.assistant_id) == found.id)
        )


def let_answer(inbox: Inbox) -> None:
    """Let conversations in the inbox begin with Captain, or not, as its assistant says."""
    found = assistants.serving(inbox)
    inbox.captain_answers = found is not None and found.mode == Mode.ANSWERS


def _let_answer(account_id: int) -> None:
    session().flush()
    for inbox in inboxes(account_id):
        let_answer(inbox)


def _serve(found: Assistant, inbox_ids: Collection[int], by: str) -> None:
    before = {inbox.id for inbox in assistants.served_by(found)}
    for inbox in inboxes(found.account_id):
        if inbox.id in inbox_ids:
            inbox.assistant_id = found.id
            update_inbox(inbox, by=by, is_captain_on=True)
        elif inbox.id in before:
            inbox.assistant_id = None
            update_inbox(inbox, by=by, is_captain_on=False)


def _apply(found: Assistant, fields: dict[str, Any]) -> None:
    if "name" in fields:
        found.name = checked("name", fields["name"], NAME_LIMIT, required=True)
    for field, limit in (("instructions", 10_000), ("greeting", 1000)):
        if field in fields:
            setattr(found, field, checked(field, fields[field], limit))
    if "tone" in fields:
        found.tone = _one_of("tone", fields["tone"], Tone)
    if "mode" in fields:
        found.mode = _one_of("mode", fields["mode"], Mode)
    if "accepted_error" in fields:
        found.accepted_error = _share(fields["accepted_error"])
    if "portal_ids" in fields:
        found.portal_ids = sorted({int(value) for value in fields["portal_ids"]})
    if "category_ids" in fields:
        found.category_ids = sorted({int(value) for value in fields["category_ids"]})
    if "locales" in fields:
        found.locales = sorted(set(fields["locales"]) & set(LOCALES))


def _one_of(field: str, value: object, kind: Any) -> Any:
    if value not in set(kind):
        raise Invalid(field, _("Choose one of those offered."))
    return kind(value)


def _share(value: object) -> float:
    """An accepted error, between one in a thousand and one in two."""
    try:
        share = float(str(value).replace(",", "."))
    except ValueError:
        share = -1.0
    if not 0.001 <= share <= 0.5:
        raise Invalid("accepted_error", _("Choose an error between 0.1 and 50 percent."))
    return share


def _version(found: Assistant, by: str) -> None:
    session().flush()
    served = sorted(inbox.id for inbox in assistants.served_by(found))
    record("assistant.versioned", found, by=by, inbox_ids=served)


# -- what an assistant knows besides the help center


def add_file(found: Assistant, stored_path: str, name: str, content_type: str, *, by: str) -> Source:
    """A file for him to read."""
    return _add(
        found, by, SourceKind.FILE, name=checked("file", name, NAME_LIMIT), path=stored_path, content_type=content_type
    )


def add_address(found: Assistant, kind: object, url: str, *, by: str, every_hours: int = 24) -> Source:
    """A page, or a site by its sitemap, for him to read now and every so many hours."""
    chosen = _one_of("kind", kind, SourceKind)
    url = checked("url", url, 2048, required=True)
    if chosen == SourceKind.FILE or not url.startswith(("http://", "https://")):
        raise Invalid("url", _("A web address starts with https:// or http://."))
    hours = min(max(every_hours, 1), 24 * 90)
    return _add(found, by, chosen, name=url.partition("://")[2][:NAME_LIMIT], url=url, every_hours=hours)


def remove_source(source: Source, *, by: str) -> None:
    """He forgets all of it, at once."""
    for document in _documents(source):
        forget_document(document)
    record("source.removed", source, by=by)
    session().flush()
    session().delete(source)


def keep_text(source: Source, document: Document | None, url: str, title: str, content: str) -> None:
    """A text of the source as it was read just now; the same text again changes nothing."""
    if document is not None and (document.title, document.content) == (title, content):
        return
    kind = DocumentKind.FILE if source.kind == SourceKind.FILE else DocumentKind.PAGE
    document = document or Document(
        account_id=source.account_id,
        assistant_id=source.assistant_id,
        source_id=source.id,
        kind=kind,
        state=DocumentState.APPROVED,
        url=url,
        created_at=now(),
    )
    document.title, document.content, document.updated_at = title, content, now()
    document.locale = language(f"{title} {content[:2000]}", "ru")
    session().add(document)
    session().flush()
    owe_embedding(document)


def forget_document(document: Document) -> None:
    """It is gone, with all that Captain knew of it."""
    forget_passages(document)
    session().delete(document)
    session().flush()


def note_reading(source: Source, *, found: int, read: int, error: str | None) -> None:
    """How the reading went. After a failure he still knows what he has read before."""
    source.found_count, source.read_count, source.checked_at = found, read, now()
    source.state, source.error = (SourceState.FAILED, error[:1000]) if error else (SourceState.READY, None)
    record("source.read", source, by="captain")


def suggest_pair(
    found: Assistant,
    question: str,
    answer: str,
    *,
    by: str,
    state: DocumentState = DocumentState.APPROVED,
    conversation_id: int | None = None,
) -> Document:
    """A question with its answer; known to Captain once it is approved."""
    pair = Document(
        account_id=found.account_id,
        assistant_id=found.id,
        kind=DocumentKind.FAQ,
        state=DocumentState.PENDING,
        conversation_id=conversation_id,
        created_at=now(),
    )
    _word(pair, question, answer)
    session().add(pair)
    session().flush()
    if state != DocumentState.PENDING:
        decide(pair, state, by=by)
    return pair


def change_pair(pair: Document, question: str, answer: str, *, by: str) -> None:
    """Other words for it."""
    _word(pair, question, answer)
    pair.updated_at = now()
    if pair.state == DocumentState.APPROVED:
        owe_embedding(pair)
        record("document.decided", pair, by=by)


def decide(pair: Document, state: DocumentState, *, by: str) -> None:
    """Let Captain know it, or not: at once in both cases, for the words; its vectors follow."""
    if pair.state == state:
        return
    pair.state, pair.updated_at = state, now()
    pair.decided_by = int(by.partition(":")[2]) if by.startswith("user:") else None
    if state == DocumentState.APPROVED:
        owe_embedding(pair)
    else:
        forget_passages(pair)
    record("document.decided", pair, by=by)


def owe_embedding(document: Document) -> None:
    """Its passages are to be cut and read by the model, where they have changed."""
    ref = f"document:{document.id}@{document.updated_at.timestamp():.6f}"
    owe(document.account_id, EMBED, ref, lane=f"document:{document.id}", document_id=document.id)


def forget_passages(document: Document) -> None:
    """He finds nothing of it from this commit on."""
    mine = (col(Passage.account_id) == document.account_id, col(Passage.document_id) == document.id)
    session().connection().execute(delete(Passage).where(*mine))


def _add(found: Assistant, by: str, kind: SourceKind, **fields: Any) -> Source:
    source = Source(account_id=found.account_id, assistant_id=found.id, kind=kind, created_at=now(), **fields)
    session().add(source)
    session().flush()
    record("source.added", source, by=by)
    return source


def _documents(source: Source) -> list[Document]:
    query = select(Document).where(col(Document.account_id) == source.account_id, col(Document.source_id) == source.id)
    return list(session().exec(query))


def _word(pair: Document, question: str, answer: str) -> None:
    pair.title = checked("title", question, 500, required=True)
    pair.content = checked("content", answer, 20_000, required=True)
    pair.locale = language(f"{pair.title} {pair.content}", "ru")


# -- what else he suggests to agents


def suggest(
    conversation: Conversation,
    kind: SuggestionKind,
    *,
    message_id: int | None = None,
    user_id: int | None = None,
    asked: str = "",
    content: str = "",
    shown: Sequence[dict[str, Any]] = (),
    confidence: float = 0.0,
) -> Suggestion:
    """Show it, to `user_id` alone or to all who see the conversation; the log is told what it names, not its words."""
    made = Suggestion(
        account_id=conversation.account_id,
        conversation_id=conversation.id,
        kind=kind,
        message_id=message_id,
        user_id=user_id,
        asked=asked,
        content=content,
        shown=list(shown),
        confidence=confidence,
        created_at=now(),
    )
    session().add(made)
    session().flush()
    named = [{key: value for key, value in one.items() if key in _NAMED} for one in shown]
    record("captain.suggested", conversation, by="captain", **_told(made), shown=named)
    return made


def settle(
    conversation: Conversation,
    found: Suggestion,
    state: SuggestionState,
    *,
    by: User,
    message: Message | None = None,
    distance: int | None = None,
) -> None:
    """What the agent did with it: once, whatever he does later."""
    if found.state != SuggestionState.SHOWN:
        return
    found.state, found.decided_by, found.decided_at, found.edit_distance = state, by.id, now(), distance
    found.sent_message_id = message.id if message else None
    measured: dict[str, Any] = {"edit_distance": distance} if distance is not None else {}
    record(f"captain.suggestion_{state}", conversation, by=by.actor, **_told(found), **measured)


_NAMED = frozenset(
    {"article_id", "conversation_id", "message_id", "canned_response_id", "label", "score", "wish", "by", "part"}
)


def _told(found: Suggestion) -> dict[str, Any]:
    return {
        "suggestion_id": found.id,
        "kind": found.kind,
        "message_id": found.message_id,
        "user_id": found.user_id,
        "confidence": round(found.confidence, 4),
    }
