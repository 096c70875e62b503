"""What conversations do when something happened elsewhere: bytes came in, a snooze ended, a team or an agent is no more."""

from app.channels.registry import adapter
from app.clock import now
from app.conversations import actions
from app.conversations.queries import locked, of_agent, of_team
from app.database import session
from app.inboxes.models import Inbox
from app.intake.models import Intake
from app.timers import Timer, set_timer
from app.users.queries import membership

# So many are locked at once
LEAVING_AT_ONCE = 500


def take_intake(intake: Intake) -> None:
    """Turn what a provider sent into messages. ValueError when it cannot be read."""
    inbox = session().get_one(Inbox, (intake.account_id, intake.inbox_id))
    channel = adapter(inbox.channel)
    if channel is None:
        raise ValueError(f"nothing reads what comes in by {inbox.channel}")
    for inbound in channel.parse(intake.raw):
        actions.receive(inbox, inbound)


def give_up_intake(intake: Intake, reason: str) -> None:
    """What nobody can read becomes a visible item; its bytes stay where they are."""
    inbox = session().get_one(Inbox, (intake.account_id, intake.inbox_id))
    actions.receive_unreadable(inbox, intake.lane, intake.id, reason)


def wake(timer: Timer) -> None:
    """The snooze is over."""
    conversation = locked(timer.account_id, int(timer.ref))
    actions.wake(conversation, timer.due_at)


def leave_team(timer: Timer) -> None:
    """The team was deleted: the next of its conversations lose it, by whoever deleted it; soon the others."""
    team_id, by = int(timer.ref), timer.data["by"]
    found = of_team(timer.account_id, team_id, LEAVING_AT_ONCE)
    for conversation_id in found:
        conversation = locked(timer.account_id, conversation_id)
        if conversation.team_id == team_id:
            actions.assign_team(conversation, None, by=by)
    _go_on(timer, found)


def leave_agent(timer: Timer) -> None:
    """The agent was removed: the next of his conversations lose him, by whoever removed him; soon the others.
    Who has come back meanwhile keeps those he still has."""
    user_id, by = int(timer.ref), timer.data["by"]
    if membership(timer.account_id, user_id) is not None:
        return
    found = of_agent(timer.account_id, user_id, LEAVING_AT_ONCE)
    for conversation_id in found:
        conversation = locked(timer.account_id, conversation_id)
        if conversation.assignee_id == user_id:
            actions.assign(conversation, None, by=by)
    _go_on(timer, found)


def _go_on(timer: Timer, found: list[int]) -> None:
    if len(found) == LEAVING_AT_ONCE:
        set_timer(timer.account_id, timer.kind, timer.ref, now(), by=timer.data["by"])
