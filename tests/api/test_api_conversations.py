"""What agents do with conversations, and what their lists say."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from app import clock, realtime
from app.clock import now
from app.conversations import queries
from app.conversations.models import Conversation
from app.database import transaction
from app.events import log
from app.inboxes.actions import update_inbox
from app.inboxes.queries import inbox
from app.sla.actions import create_policy
from app.users.actions import make_team, set_team_members
from tests.api.cast import Asking, World, answer


def listed(asking: Asking, query: str = "") -> list[int]:
    """The numbers of the conversations in the list."""
    found = asking.get(f"conversations?{query}")
    assert found.status_code == 200, found.get_json()
    return [one["id"] for one in found.get_json()["data"]["payload"]]


def again(found: Conversation) -> Conversation:
    """The conversation as it is now."""
    with transaction(found.account_id):
        return queries.locked(found.account_id, found.id)


def told(world: World) -> list[str]:
    """The names of the events of Acme, in order."""
    with transaction(world.acme.id):
        return [event.name for event in log.read(world.acme.id, 0, 1000)]


# -- lists


@pytest.fixture
def three(world: World) -> list[Conversation]:
    """Three conversations, the first of them Bo's, in the order of their numbers."""
    moment = now() - timedelta(hours=1)
    found = []
    for number in range(3):
        with clock.stopped_at(moment + timedelta(minutes=number)):
            found.append(world.conversation(source_id=f"visitor-{number}", text=f"Question {number}"))
    return found


def test_a_list_begins_with_what_happened_last(ada: Asking, three: list[Conversation]) -> None:
    assert listed(ada) == [3, 2, 1]
    assert listed(ada, "sort_by=last_activity_at_asc") == [1, 2, 3]
    assert listed(ada, "sort_by=created_at_desc") == [3, 2, 1]


def test_the_most_urgent_come_first_and_what_has_no_priority_last(ada: Asking, three: list[Conversation]) -> None:
    ada.post("conversations/2/toggle_priority", {"priority": "urgent"})
    ada.post("conversations/1/toggle_priority", {"priority": "low"})
    assert listed(ada, "sort_by=priority_desc") == [2, 1, 3]
    assert listed(ada, "sort_by=priority_asc") == [1, 2, 3]


def test_who_waits_longest_comes_first(ada: Asking, bo: Asking, three: list[Conversation]) -> None:
    bo.post("conversations/1/messages", {"content": "Hello"})
    assert listed(ada, "sort_by=waiting_since_asc") == [2, 3, 1]


def test_tabs_and_counts(bo: Asking, three: list[Conversation], world: World) -> None:
    bo.post("conversations/1/assignments", {"assignee_id": world.bo.id})
    bo.post("conversations/2/assignments", {"assignee_id": world.ada.id})
    bo.post("conversations/3/toggle_status", {"status": "resolved"})
    assert listed(bo, "assignee_type=me") == [1]
    assert listed(bo, "assignee_type=unassigned") == []
    assert sorted(listed(bo, "assignee_type=assigned")) == [1, 2]
    assert listed(bo, "status=resolved") == [3]
    assert len(listed(bo, "status=all")) == 3
    counts = bo.get("conversations/meta?status=all").get_json()["meta"]
    assert counts == {"mine_count": 1, "assigned_count": 2, "unassigned_count": 1, "all_count": 3}


def test_a_list_is_narrowed_by_inbox_team_and_labels(ada: Asking, world: World, three: list[Conversation]) -> None:
    with transaction(world.acme.id):
        team = make_team(world.acme.id, "Support", by="system")
    ada.post("conversations/1/labels", {"labels": ["vip", "late"]})
    ada.post("conversations/2/labels", {"labels": ["vip"]})
    ada.post("conversations/2/assignments", {"team_id": team.id})
    assert sorted(listed(ada, "labels[]=vip")) == [1, 2]
    assert listed(ada, "labels[]=late") == [1]
    assert sorted(listed(ada, "labels[]=vip&labels[]=late")) == [1, 2]
    assert listed(ada, f"team_id={team.id}") == [2]
    assert listed(ada, f"inbox_id={world.api.id}") == []


def test_a_page_beyond_the_end_is_empty(ada: Asking, three: list[Conversation]) -> None:
    assert listed(ada, "page=2") == []
    assert ada.get("contacts?page=2").get_json() == {"meta": {"count": 3, "current_page": "2"}, "payload": []}


def test_words_are_found_in_messages_names_and_numbers(ada: Asking, bo: Asking, world: World) -> None:
    world.conversation(text="Где мой жёлтый чемодан?")
    world.conversation(world.shop, "visitor-2", "Something else")

    def found(who: Asking, words: str) -> list[int]:
        return [one["id"] for one in who.get("conversations/search", json={"q": words}).get_json()["payload"]]

    assert found(ada, "желтый ЧЕМОДАН") == [1]
    assert found(ada, "мика") == [1]
    assert found(ada, "2") == [2]
    assert found(ada, "something") == [2]
    assert found(bo, "something") == []
    assert found(ada, "nowhere%") == []
    assert ada.get("conversations/search").status_code == 422


def test_a_full_page_asks_the_database_twelve_times_at_most(bo: Asking, world: World) -> None:
    with transaction(world.acme.id):
        team = make_team(world.acme.id, "Support", by="system")
        set_team_members(team, {world.bo.id}, by="system")
    for number in range(3):
        found = world.conversation(source_id=f"visitor-{number}")
        bo.post(f"conversations/{found.display_id}/assignments", {"team_id": team.id})
        bo.post(f"conversations/{found.display_id}/assignments", {"assignee_id": world.bo.id})
    few, _ = statements(bo, "conversations")
    for number in range(3, 25):
        found = world.conversation(source_id=f"visitor-{number}")
        answer(found, world.ada, "Hello")
    many, size = statements(bo, "conversations")
    assert size == 25
    assert few <= 12
    assert many <= 12


def test_a_thread_asks_no_more_for_more_messages(bo: Asking, world: World) -> None:
    found = world.conversation()
    few, _ = statements(bo, "conversations/1/messages")
    for number in range(10):
        answer(found, world.ada if number % 2 else world.bo, f"Answer {number}")
    many, _ = statements(bo, "conversations/1/messages")
    assert many <= few + 1


def statements(asking: Asking, path: str) -> tuple[int, int]:
    """How many statements the answer took, and how long its list is."""
    count = []

    def note(*_args: object) -> None:
        count.append(1)

    asking.get("conversations/meta")  # the token is known from now on
    event.listen(Engine, "before_cursor_execute", note)
    try:
        told = asking.get(path).get_json()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(count), len(told.get("data", told)["payload"])


# -- status


def test_toggling_without_a_word_resolves_and_reopens(ada: Asking, world: World) -> None:
    world.conversation()
    payload = ada.post("conversations/1/toggle_status").get_json()["payload"]
    assert payload == {"success": True, "conversation_id": 1, "current_status": "resolved", "snoozed_until": None}
    assert ada.post("conversations/1/toggle_status").get_json()["payload"]["current_status"] == "open"


def test_a_snooze_ends_at_the_time_said(ada: Asking, world: World) -> None:
    found = world.conversation()
    until = int((now() + timedelta(days=1)).timestamp())
    payload = ada.post("conversations/1/toggle_status", {"status": "snoozed", "snoozed_until": until}).get_json()[
        "payload"
    ]
    assert payload["current_status"] == "snoozed"
    snoozed_until = again(found).snoozed_until
    assert snoozed_until is not None
    assert int(snoozed_until.timestamp()) == until
    past = {"status": "snoozed", "snoozed_until": "2020-01-01T00:00:00Z"}
    assert ada.post("conversations/1/toggle_status", past).status_code == 422


def test_who_opens_a_conversation_has_it_unless_he_is_an_administrator(bo: Asking, ada: Asking, world: World) -> None:
    found = world.conversation()
    for asking, owner in ((ada, None), (bo, world.bo.id)):
        ada.post("conversations/1/toggle_status", {"status": "resolved"})
        asking.post("conversations/1/toggle_status", {"status": "open"})
        assert again(found).assignee_id == owner


def test_pending_from_an_agent_waits_for_the_customer(bo: Asking, world: World) -> None:
    found = world.conversation()
    assert (
        bo.post("conversations/1/toggle_status", {"status": "pending"}).get_json()["payload"]["current_status"]
        == "pending"
    )
    assert again(found).held_by is None


# -- who has it


def test_assigning_answers_with_the_agent_or_null(ada: Asking, world: World) -> None:
    found = world.conversation()
    assert ada.post("conversations/1/assignments", {"assignee_id": world.bo.id}).get_json()["name"] == "Bo"
    for nobody in (0, None, "0"):
        ada.post("conversations/1/assignments", {"assignee_id": world.bo.id})
        answer = ada.post("conversations/1/assignments", {"assignee_id": nobody})
        assert (answer.status_code, answer.get_json()) == (200, None)
        assert again(found).assignee_id is None


def test_nobody_is_given_what_he_cannot_see(ada: Asking, world: World) -> None:
    world.conversation(world.shop)
    refused = ada.post("conversations/1/assignments", {"assignee_id": world.bo.id})
    assert (refused.status_code, refused.get_json()["attributes"]) == (422, ["assignee_id"])
    assert ada.post("conversations/1/assignments", {"assignee_id": world.eve.id}).status_code == 404
    assert ada.post("conversations/1/assignments", {"team_id": 4711}).status_code == 404
    assert ada.post("conversations/1/assignments", {}).status_code == 422


def test_a_team_is_given_and_taken(ada: Asking, world: World) -> None:
    from tests.api.shapes import RawTeam, fits

    found = world.conversation()
    with transaction(world.acme.id):
        team = make_team(world.acme.id, "Support", by="system")
    assert fits(RawTeam, ada.post("conversations/1/assignments", {"team_id": team.id}))["name"] == "support"
    assert ada.post("conversations/1/assignments", {"team_id": 0}).get_json() is None
    assert again(found).team_id is None


# -- the rest


def test_labels_are_exactly_those_said(ada: Asking, world: World) -> None:
    world.conversation()
    assert ada.post("conversations/1/labels", {"labels": ["VIP", "late"]}).get_json() == {"payload": ["late", "vip"]}
    assert ada.post("conversations/1/labels", {"labels": ["late"]}).get_json() == {"payload": ["late"]}
    assert ada.get("conversations/1/labels").get_json() == {"payload": ["late"]}
    assert ada.post("conversations/1/labels", {"labels": []}).get_json() == {"payload": []}


def test_attributes_are_exactly_those_said(ada: Asking, world: World) -> None:
    world.conversation()
    ada.post("conversations/1/custom_attributes", {"custom_attributes": {"order": 7, "size": "L"}})
    answer = ada.post("conversations/1/custom_attributes", {"custom_attributes": {"order": 8}})
    assert answer.get_json() == {"custom_attributes": {"order": 8}}


def test_muting_answers_nothing_and_can_be_undone(ada: Asking, world: World) -> None:
    found = world.conversation()
    answer = ada.post("conversations/1/mute")
    assert (answer.status_code, answer.data) == (200, b"")
    assert again(found).is_muted
    ada.post("conversations/1/unmute")
    assert not again(found).is_muted


def test_seen_and_unread(bo: Asking, world: World) -> None:
    world.conversation()
    assert bo.get("conversations/1").get_json()["unread_count"] == 1
    assert bo.post("conversations/1/update_last_seen").get_json()["unread_count"] == 0
    assert bo.post("conversations/1/unread").get_json()["unread_count"] == 1


def test_priority_and_sla_policy_are_changed_in_place(ada: Asking, world: World) -> None:
    world.conversation()
    with transaction(world.acme.id):
        promise = create_policy(world.acme.id, "Gold", by="system", first_response_seconds=60)
    shown = ada.patch("conversations/1", {"priority": "high", "sla_policy_id": promise.id}).get_json()
    assert (shown["priority"], shown["sla_policy_id"]) == ("high", promise.id)
    assert ada.patch("conversations/1", {"priority": None}).get_json()["priority"] is None
    assert ada.patch("conversations/1", {"sla_policy_id": 4711}).status_code == 404


@pytest.fixture
def whispers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[realtime.Whisper]]:
    """What open screens of Acme hear that is no event."""
    heard: list[realtime.Whisper] = []
    monkeypatch.setattr(realtime._hub, "hand", lambda account_id, item: heard.append(item))
    return heard


def test_typing_is_told_and_kept_nowhere(bo: Asking, world: World, whispers: list[realtime.Whisper]) -> None:
    world.conversation()
    before = told(world)
    assert bo.post("conversations/1/toggle_typing_status", {"typing_status": "on", "is_private": True}).data == b""
    assert bo.post("conversations/1/toggle_typing_status", {"typing_status": "loud"}).status_code == 422
    assert told(world) == before
    data = whispers[0].data
    assert (data["user_id"], data["doing"], data["is_private"], data["inbox_id"]) == (
        world.bo.id,
        "typing",
        True,
        world.site.id,
    )


# -- beginning


def test_a_contact_is_written_to_where_the_inbox_knows_him(ada: Asking, world: World) -> None:
    sent = {"inbox_id": world.site.id, "contact_id": world.mika.id, "message": {"content": "Hello"}}
    shown = ada.post("conversations", sent).get_json()
    assert shown["messages"][0]["conversation"]["contact_inbox"]["source_id"] == "visitor-1"
    assert shown["messages"][0]["content"] == "Hello"
    assert told(world)[-2:] == ["conversation.created", "message.created"]


def test_an_api_inbox_makes_a_source_id_and_another_channel_does_not(ada: Asking, world: World) -> None:
    shown = ada.post("conversations", {"inbox_id": world.api.id, "contact_id": world.mika.id})
    assert shown.status_code == 200
    identities = ada.get(f"contacts/{world.mika.id}").get_json()["payload"]["contact_inboxes"]
    assert [identity["inbox"]["name"] for identity in identities] == ["Website", "App"]


def test_a_source_id_alone_is_enough(ada: Asking, world: World) -> None:
    assert ada.post("conversations", {"source_id": "visitor-1"}).get_json()["inbox_id"] == world.site.id
    assert ada.post("conversations", {"source_id": "nobody"}).status_code == 404
    assert ada.post("conversations", {}).status_code == 422
    assert ada.post("conversations", {"inbox_id": world.site.id}).status_code == 422


def test_a_conversation_may_begin_assigned_and_snoozed(ada: Asking, world: World) -> None:
    until = (now() + timedelta(days=1)).isoformat()
    sent = {
        "source_id": "visitor-1", "assignee_id": world.bo.id, "status": "snoozed", "snoozed_until": until,
        "custom_attributes": {"order": 7}, "additional_attributes": {"mail_subject": "Order"},
    }  # fmt: skip
    shown = ada.post("conversations", sent).get_json()
    assert (shown["status"], shown["meta"]["assignee"]["name"]) == ("snoozed", "Bo")
    assert (shown["custom_attributes"], shown["additional_attributes"]) == ({"order": 7}, {"mail_subject": "Order"})


def test_an_inbox_of_one_conversation_goes_on_with_it(ada: Asking, world: World) -> None:
    first = world.conversation()
    with transaction(world.acme.id):
        update_inbox(inbox(world.acme.id, world.site.id), by="system", lock_to_single_conversation=True)
    assert ada.post("conversations", {"source_id": "visitor-1"}).get_json()["id"] == first.display_id


def test_what_cannot_be_done_leaves_nothing_behind(ada: Asking, world: World) -> None:
    before = told(world)
    assert ada.post("conversations", {"source_id": "visitor-1", "message": {"content": ""}}).status_code == 422
    assert ada.post("conversations", {"source_id": "visitor-1", "assignee_id": 4711}).status_code == 404
    assert told(world) == before
    assert listed(ada) == []
