"""What conversations do when something happened elsewhere: bytes came in, a snooze ended."""

from app.channels.registry import adapter
from app.conversations import actions
from app.conversations.queries import locked
from app.database import session
from app.inboxes.models import Inbox
from app.intake.models import Intake
from app.timers import Timer


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
