"""Every answer, key by key."""

from io import BytesIO

import pytest

from app.clock import now
from app.conversations import actions, queries, wire
from app.conversations.actions import Writing
from app.conversations.models import Priority
from app.database import transaction
from app.labels.actions import create_label
from app.shortcuts.actions import create_canned_response
from app.surveys import wire as survey_wire
from app.surveys.models import Survey
from app.users.actions import make_team, set_team_members
from app.users.models import Team
from app.users.queries import people
from tests.api import shapes
from tests.api.cast import Asking, World, answer
from tests.api.shapes import fits, fits_value
from tests.api.test_api_files import PIXEL


@pytest.fixture
def team(world: World) -> Team:
    with transaction(world.acme.id):
        team = make_team(world.acme.id, "Support", by="system")
        set_team_members(team, {world.ada.id}, by="system")
        return team


def test_the_house_says_how_it_is(ada: Asking) -> None:
    assert fits(shapes.House, ada.get("/api"))["version"].startswith("4.")


def test_an_account(ada: Asking, world: World) -> None:
    found = fits(shapes.Account, ada.get(""))
    assert (found["id"], found["name"], found["status"]) == (world.acme.id, "Acme", "active")


def test_the_caller_himself(ada: Asking, world: World) -> None:
    found = fits(shapes.User, ada.get("/api/v1/profile"))
    assert found["email"] == "ada@acme.example"
    assert found["access_token"] == ada.token
    assert [place["id"] for place in found["accounts"]] == [world.acme.id]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("", {"profile": {"ui_settings": {"theme": "dark"}}}),
        ("", {"name": "Ada L."}),
        ("/set_active_account", {"profile": {"account_id": 1}}),
    ],
)
def test_a_changed_profile_is_the_whole_user(ada: Asking, path: str, sent: dict[str, object]) -> None:
    fits(shapes.User, ada.call("PUT", f"/api/v1/profile{path}", json=sent))


def test_what_one_set_in_the_profile_is_kept(ada: Asking) -> None:
    ada.call("PUT", "/api/v1/profile", json={"profile": {"ui_settings": {"a": 1}, "display_name": "Ада из Акме"}})
    ada.call("PUT", "/api/v1/profile", json={"profile": {"ui_settings": {"b": 2}}})
    found = fits(shapes.User, ada.get("/api/v1/profile"))
    assert (found["ui_settings"], found["available_name"]) == ({"a": 1, "b": 2}, "Ада из Акме")


def test_availability(ada: Asking, world: World) -> None:
    sent = {"profile": {"availability": "busy", "account_id": world.acme.id}}
    found = fits(shapes.User, ada.post("/api/v1/profile/availability", sent))
    assert found["accounts"][0]["availability"] == "busy"
    assert fits(list[shapes.Agent], ada.get("agents"))[0]["availability_status"] in {"busy", "online"}


def test_agents_and_who_of_them_may_have_a_conversation(ada: Asking, world: World) -> None:
    assert {agent["name"] for agent in fits(list[shapes.Agent], ada.get("agents"))} == {"Ада", "Bo"}
    in_shop = fits(shapes.Agents, ada.get(f"assignable_agents?inbox_ids[]={world.shop.id}"))
    in_both = fits(shapes.Agents, ada.get(f"assignable_agents?inbox_ids[]={world.site.id}&inbox_ids[]={world.api.id}"))
    assert [agent["name"] for agent in in_shop["payload"]] == ["Ада"]
    assert {agent["name"] for agent in in_both["payload"]} == {"Ада", "Bo"}
    assert {agent["name"] for agent in fits(shapes.Agents, ada.get(f"inbox_members/{world.api.id}"))["payload"]} == {
        "Bo"
    }


def test_inboxes(ada: Asking, bo: Asking, world: World) -> None:
    for_ada = fits(shapes.Inboxes, ada.get("inboxes"))["payload"]
    for_bo = fits(shapes.Inboxes, bo.get("inboxes"))["payload"]
    assert [inbox["name"] for inbox in for_ada] == ["App", "Shop", "Website"]
    assert [inbox["name"] for inbox in for_bo] == ["App", "Website"]
    assert all("hmac_token" in inbox for inbox in for_ada)
    assert not any("hmac_token" in inbox for inbox in for_bo)
    fits(shapes.Inbox, ada.get(f"inboxes/{world.api.id}"))


def test_working_hours_start_on_sunday(ada: Asking, world: World) -> None:
    days = fits(shapes.Inbox, ada.get(f"inboxes/{world.site.id}"))["working_hours"]
    assert [day["day_of_week"] for day in days] == list(range(7))
    assert [day["closed_all_day"] for day in days] == [True, False, False, False, False, False, True]
    assert (days[1]["open_hour"], days[1]["open_minutes"], days[1]["close_hour"]) == (9, 0, 18)


def test_labels_teams_and_canned_responses(ada: Asking, world: World, team: Team) -> None:
    with transaction(world.acme.id):
        create_label(world.acme.id, "urgent", by="system")
        create_canned_response(world.acme.id, "hi", "Здравствуйте!", by="system")
    label = fits(shapes.Labels, ada.get("labels"))["payload"][0]
    fits(shapes.Label, ada.get(f"labels/{label['id']}"))
    assert fits(list[shapes.Team], ada.get("teams"))[0]["is_member"] is True
    fits(shapes.Team, ada.get(f"teams/{team.id}"))
    assert [agent["name"] for agent in fits(list[shapes.Agent], ada.get(f"teams/{team.id}/team_members"))] == ["Ада"]
    assert fits(list[shapes.CannedResponse], ada.get("canned_responses?search=hi"))[0]["content"] == "Здравствуйте!"
    assert fits(list[shapes.CannedResponse], ada.get("canned_responses?search=nothing")) == []
    fits(shapes.CannedResponse, ada.post("canned_responses", {"short_code": "bye", "content": "Пока!"}))


def test_a_cache_key_changes_with_its_list_and_no_other(ada: Asking, world: World) -> None:
    before = fits(shapes.CacheKeysAnswer, ada.get("cache_keys"))["cache_keys"]
    assert before == fits(shapes.CacheKeysAnswer, ada.get("cache_keys"))["cache_keys"]
    with transaction(world.acme.id):
        create_label(world.acme.id, "urgent", by="system")
    after = fits(shapes.CacheKeysAnswer, ada.get("cache_keys"))["cache_keys"]
    assert after["label"] != before["label"]
    assert (after["inbox"], after["team"]) == (before["inbox"], before["team"])


def test_a_conversation_with_all_it_can_have(ada: Asking, world: World, team: Team) -> None:
    found = world.conversation()
    answer(found, world.bo, "On its way")
    with transaction(world.acme.id):
        found = queries.locked(world.acme.id, found.id)
        actions.assign(found, world.bo.id, by="system")
        actions.assign_team(found, team, by="system")
        actions.set_labels(found, ["vip"], by="system")
        actions.set_priority(found, Priority.HIGH, by="system")
        actions.snooze(found, now().replace(year=2040), by="system")
    shown = fits(shapes.Conversation, ada.get("conversations/1"))
    assert shown["meta"]["assignee"]["name"] == "Bo"
    assert shown["meta"]["team"]["is_member"] is True
    assert shown["messages"][0]["content"] == "On its way"
    assert shown["messages"][0]["sender"]["type"] == "user"
    assert shown["meta"]["sender"]["name"] == "Мика"
    assert (shown["labels"], shown["priority"], shown["status"]) == (["vip"], "high", "snoozed")
    assert shown["first_reply_created_at"] > 0
    assert shown["waiting_since"] == 0
    listed = fits(shapes.ConversationIndex, ada.get("conversations?status=all"))["data"]
    assert listed["payload"] == [shown]


def test_a_conversation_without_a_message(ada: Asking, world: World) -> None:
    sent = {"inbox_id": world.site.id, "contact_id": world.mika.id}
    shown = fits(shapes.Conversation, ada.post("conversations", sent))
    assert (shown["messages"], shown["last_non_activity_message"]) == ([], None)


def test_lists_and_counts(ada: Asking, world: World) -> None:
    world.conversation()
    assert fits(shapes.ConversationMetaAnswer, ada.get("conversations/meta"))["meta"]["all_count"] == 1
    assert len(fits(shapes.ConversationPage, ada.get("conversations/search?q=Where"))["payload"]) == 1
    assert len(fits(shapes.Conversations, ada.get(f"contacts/{world.mika.id}/conversations"))["payload"]) == 1


def test_messages(ada: Asking, world: World) -> None:
    found = world.conversation()
    answer(found, world.bo, "On its way")
    shown = fits(shapes.Messages, ada.get("conversations/1/messages"))
    assert [message["message_type"] for message in shown["payload"]] == [0, 1]
    assert [message["sender"]["type"] for message in shown["payload"]] == ["contact", "user"]


def test_a_message_just_written(bo: Asking, world: World) -> None:
    world.conversation()
    made = fits(shapes.Message, bo.post("conversations/1/messages", {"content": "Hello", "echo_id": "e1"}))
    assert (made["content"], made["echo_id"], made["message_type"], made["private"]) == ("Hello", "e1", 1, False)
    assert made["sender"]["name"] == "Bo"


def test_captain_is_a_bot_to_programs(ada: Asking, world: World) -> None:
    found = world.conversation()
    with transaction(world.acme.id):
        actions.reply(queries.locked(world.acme.id, found.id), actions.CAPTAIN, Writing("Here is how"))
    message = fits(shapes.Messages, ada.get("conversations/1/messages"))["payload"][-1]
    assert message["sender"]["type"] == "agent_bot"
    assert fits(shapes.Conversation, ada.get("conversations/1"))["messages"][0]["sender_type"] == "AgentBot"


def test_a_deleted_message_says_so(ada: Asking, world: World) -> None:
    world.conversation()
    made = fits(shapes.Message, ada.post("conversations/1/messages", {"content": "Oops"}))
    gone = fits(shapes.Message, ada.delete(f"conversations/1/messages/{made['id']}"))
    assert gone["content"] != "Oops"
    assert gone["content_attributes"]["deleted"] is True


def test_attachments(ada: Asking, world: World) -> None:
    world.conversation()
    data = {"content": "Look", "attachments[]": (BytesIO(PIXEL), "dot.png")}
    made = fits(shapes.Message, ada.call("POST", "conversations/1/messages", data=data))
    assert made["attachments"][0]["file_type"] == "image"
    assert (made["attachments"][0]["width"], made["attachments"][0]["extension"]) == (1, "png")
    listed = fits(shapes.Attachments, ada.get("conversations/1/attachments"))
    assert (listed["meta"]["total_count"], listed["payload"][0]["sender"]["name"]) == (1, "Ада")


def test_contacts(ada: Asking, world: World) -> None:
    page = fits(shapes.ContactPage, ada.get("contacts"))
    assert (page["meta"]["count"], page["payload"][0]["name"]) == (1, "Мика")
    assert fits(shapes.ContactPage, ada.get("contacts/search?q=мик"))["meta"]["count"] == 1
    shown = fits(shapes.ContactAnswer, ada.get(f"contacts/{world.mika.id}"))["payload"]
    assert shown["contact_inboxes"][0]["source_id"] == "visitor-1"
    fits(shapes.Reachable, ada.get(f"contacts/{world.mika.id}/contactable_inboxes"))
    fits(shapes.Words, ada.get(f"contacts/{world.mika.id}/labels"))


def test_a_contact_just_made(ada: Asking, world: World) -> None:
    made = fits(shapes.CreatedContactAnswer, ada.post("contacts", {"name": "Лея", "inbox_id": world.api.id}))["payload"]
    assert made["contact_inbox"]["inbox"]["id"] == world.api.id
    assert made["contact_inbox"]["source_id"] == made["contact"]["contact_inboxes"][0]["source_id"]
    alone = fits(shapes.CreatedContactAnswer, ada.post("contacts", {"name": "Лея"}))["payload"]
    assert alone["contact_inbox"] == {"inbox": None, "source_id": None}


def test_what_goes_over_the_websocket(world: World, team: Team) -> None:
    found = world.conversation()
    with transaction(world.acme.id):
        found = queries.locked(world.acme.id, found.id)
        fits_value(shapes.PushConversation, wire.push_conversation(queries.card(found)))
        actions.assign(found, world.bo.id, by="system")
        actions.assign_team(found, team, by="system")
        actions.reply(found, actions.by_user(world.bo), Writing("Hello", client_message_id="e1"))
        card = queries.card(found)
        pushed = fits_value(shapes.PushConversation, wire.push_conversation(card))
        assert pushed["meta"]["assignee"]["name"] == "Bo"
        assert card.last is not None
        assert fits_value(shapes.PushMessage, wire.push_message(card.last, card.row))["echo_id"] == "e1"


def test_an_answered_survey(world: World) -> None:
    found = world.conversation()
    message = answer(found, world.bo, "Hello")
    survey = Survey(account_id=world.acme.id, id=1, conversation_id=found.id, contact_id=world.mika.id, rating=5,
                    message_id=message.id, sent_at=now(), answered_at=now())  # fmt: skip
    with transaction(world.acme.id):
        resolver = people(world.acme.id, {world.bo.id})[world.bo.id]
        fits_value(shapes.CsatResponse, survey_wire.response(survey, queries.row(found), resolver))
