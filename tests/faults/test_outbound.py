"""T16: couriers die at every point of a send. No message goes out twice; at most one per death is left in doubt.

That it sees what it should was tried by removing one rule at a time. It fails when the call is made before `sending` is
committed (two copies), when `sending` is brought back as ready (two copies), and when nothing is brought back (messages
that never end).
"""

import random
from collections import Counter

import pytest
from sqlalchemy import func, text
from sqlmodel import col, select

from app.contacts.actions import identify
from app.conversations import actions
from app.conversations.models import Conversation, Message, MessageStatus
from app.database import across_accounts, transaction
from app.deliveries.models import Delivery, DeliveryState
from app.inboxes.models import Inbox
from tests.channels.fake_telegram import TOKEN, FakeTelegram
from tests.faults.history import judge
from tests.faults.stage import Workers, is_alive, wait_until
from tests.kernel.conftest import account, inbox_of

POINTS = ("before_lease", "after_lease", "before_call", "after_call", "after_record")
CHATS = [str(number) for number in range(1, 21)]


def write(inbox: Inbox, count: int) -> None:
    """`count` replies, spread over the chats."""
    with transaction(inbox.account_id):
        conversations = [actions.start(inbox, identify(inbox, chat), by="system") for chat in CHATS]
    for number in range(count):
        with transaction(inbox.account_id):
            conversation = conversations[number % len(CHATS)]
            actions.reply(conversation, actions.CAPTAIN, actions.Writing(f"{number:05}"))


def let_leases_run_out() -> None:
    """As if half a minute had passed, for those whose worker is dead."""
    with across_accounts() as current:
        rows = current.connection().execute(text("select distinct leased_by from delivery where leased_by is not null"))
        dead = [name for (name,) in rows if not is_alive(int(name.split(":")[1]))]
        past = "update delivery set leased_until = now() - interval '1 s' where leased_by = any(:dead)"
        current.connection().execute(text(past + " and state in ('leased', 'sending')"), {"dead": dead})


def open_deliveries(inbox: Inbox) -> int:
    with transaction(inbox.account_id) as current:
        ended = (DeliveryState.DONE, DeliveryState.UNKNOWN, DeliveryState.DEAD)
        return current.exec(select(func.count()).select_from(Delivery).where(col(Delivery.state).not_in(ended))).one()


def finish(inbox: Inbox, nursery: Workers) -> None:
    """Two couriers that live, and the ticker who brings back what the dead held, until nothing is owed any more."""
    for kind in ("deliveries", "deliveries", "ticker"):
        nursery.start(kind)

    def is_done() -> bool:
        let_leases_run_out()
        return open_deliveries(inbox) == 0

    wait_until(is_done, 300, "everything to be sent")


def check(inbox: Inbox, outside: FakeTelegram, deaths: int) -> Counter[str]:
    """Nothing twice, nothing out of order, nothing lost without a word, and the messages say what is true."""
    with transaction(inbox.account_id) as current:
        states = {row.data["message_id"]: row.state for row in current.exec(select(Delivery))}
        conversations = {row.id: row for row in current.exec(select(Conversation))}
        messages = list(current.exec(select(Message).order_by(col(Message.id))))
    people = dict(zip(sorted(conversations), CHATS, strict=True))
    sent = [(call.fields["chat_id"], call.fields["text"]) for call in outside.sent]

    verdict = judge([(people[m.conversation_id], m.content) for m in messages], sent)
    assert (verdict.doubled, verdict.invented, verdict.disordered) == ((), (), ())
    unknown = {(people[m.conversation_id], m.content) for m in messages if states[m.id] == DeliveryState.UNKNOWN}
    assert set(verdict.lost) <= unknown, "what did not arrive must not be said to have arrived"
    assert len(unknown) <= deaths
    for message in messages:
        expected = {DeliveryState.DONE: MessageStatus.SENT, DeliveryState.UNKNOWN: MessageStatus.UNKNOWN}
        assert message.status == expected[states[message.id]]
        assert (message.source_id is not None) == (message.status == MessageStatus.SENT)
    return Counter(states.values())


@pytest.mark.parametrize("point", POINTS)
def test_a_death_at_this_point_sends_nothing_twice(database, outside, nursery, point):
    inbox = inbox_of(account("Acme"), TOKEN)
    write(inbox, 12)
    for _death in range(3):
        worker = nursery.start("deliveries", f"courier.{point}")
        wait_until(lambda number=worker: not is_alive(number), 60, "the courier to die")
        let_leases_run_out()
    finish(inbox, nursery)
    states = check(inbox, outside, deaths=3)
    in_doubt = 3 if point in {"before_call", "after_call"} else 0
    assert states == Counter({DeliveryState.DONE: 12 - in_doubt} | ({DeliveryState.UNKNOWN: 3} if in_doubt else {}))


@pytest.mark.parametrize(
    ("count", "deaths"),
    [pytest.param(60, 10, id="small"), pytest.param(2000, 100, id="full", marks=pytest.mark.faults)],
)
def test_two_couriers_that_keep_dying_send_nothing_twice(database, outside, nursery, capsys, count, deaths):
    inbox = inbox_of(account("Acme"), TOKEN)
    write(inbox, count)
    dice = random.Random(20260102)

    def start() -> int:
        times = dice.randrange(1, 2 * count // deaths)
        return nursery.start("deliveries", f"courier.{dice.choice(POINTS)}:{times}")

    def somebody_died() -> bool:
        return open_deliveries(inbox) == 0 or not all(map(is_alive, alive))

    nursery.start("ticker")
    alive, died = [start(), start()], 0
    while died < deaths and open_deliveries(inbox):
        wait_until(somebody_died, 120, "a courier to die")
        left = [number for number in alive if is_alive(number)]
        died += len(alive) - len(left)
        alive = left + [start() for _ in range(2 - len(left))]
        let_leases_run_out()
    finish(inbox, nursery)
    states = check(inbox, outside, deaths=died + len(alive))
    with capsys.disabled():
        copies = len(outside.sent)
        print(
            f"\nT16: {count} messages, {died} couriers dead: {dict(states)}, {copies} arrived, none twice, all in order"
        )


def test_the_check_finds_a_message_sent_twice(database, outside, nursery):
    """The suite against itself: with the rule broken, it must fail."""
    inbox = inbox_of(account("Acme"), TOKEN)
    write(inbox, 5)
    worker = nursery.start("deliveries", "courier.after_call")
    wait_until(lambda: not is_alive(worker), 60, "the courier to die")
    with across_accounts() as current:
        current.connection().execute(text("update delivery set state = 'ready' where state = 'sending'"))
    finish(inbox, nursery)
    with pytest.raises(AssertionError):
        check(inbox, outside, deaths=1)
