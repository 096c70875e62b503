"""The widget endpoints of Chatwoot's contract, key by key."""

from typing import Any

import pytest
from flask import Flask
from sqlmodel import select

from app.accounts.models import Account, AccountStatus
from app.contacts.models import Contact
from app.conversations import actions
from app.conversations.actions import Writing, by_user
from app.conversations.models import Holder, Status
from app.conversations.queries import locked
from app.database import across_accounts, session, transaction
from app.deliveries.models import Delivery
from app.labels.actions import create_label
from app.mail import KIND
from tests.widget.conftest import Visitor, another, change
from tests.world import World, everyone_reads, globex

MESSAGE = {"id", "content", "message_type", "content_type", "content_attributes", "created_at", "conversation_id"}
CONVERSATION = {"id", "inbox_id", "contact_last_seen_at", "status"}
CONTACT = {"id", "has_email", "has_name", "has_phone_number", "identifier"}


def test_the_configuration_brings_a_token_and_the_looks(visitor: Visitor) -> None:
    found = visitor.with_token("").ok("POST", "config", {})
    channel = found["website_channel_config"]
    assert {
        "auth_token", "website_token", "website_name", "widget_color", "welcome_title", "welcome_tagline", "locale",
        "enabled_features", "pre_chat_form_enabled", "pre_chat_form_options", "reply_time", "working_hours", "timezone",
        "utc_off_set", "csat_survey_enabled", "out_of_office_message", "allow_messages_after_resolved",
    } <= channel.keys()  # fmt: skip
    assert len(channel["working_hours"]) == 7
    assert channel["utc_off_set"] == "+03:00"
    assert found["contact"].keys() >= CONTACT | {"pubsub_token"}
    assert visitor.with_token(channel["auth_token"]).ok("GET", "messages")["payload"] == []


def test_the_configuration_keeps_a_good_token(visitor: Visitor) -> None:
    said = visitor.writes("Здравствуйте")
    found = visitor.ok("POST", "config", {})
    assert found["contact"]["id"] == said["sender"]["id"]
    assert found["contact"]["pubsub_token"]


def test_looking_makes_nobody_a_contact(world: World, visitor: Visitor) -> None:
    visitor.ok("POST", "config", {})
    visitor.ok("GET", "contact")
    visitor.ok("GET", "conversations")
    visitor.ok("GET", "messages")
    visitor.ok("GET", "inbox_members")
    assert visitor.call("POST", "events", {"name": "webwidget.triggered"}).status_code == 204
    with transaction(world.account_id):
        assert session().exec(select(Contact)).all() == []


def test_somebody_new_has_no_conversation(visitor: Visitor) -> None:
    assert visitor.ok("GET", "conversations") == {}
    assert visitor.ok("GET", "contact") == {
        "id": None, "has_email": False, "has_name": False, "has_phone_number": False, "identifier": None,
    }  # fmt: skip
    assert visitor.ok("GET", "campaigns") == []


def test_a_first_message_opens_a_conversation(visitor: Visitor) -> None:
    said = visitor.writes("Где мой заказ?", echo_id="e-1", referer_url="https://shop.example/cart", timestamp="now")
    assert said.keys() >= MESSAGE | {"sender", "echo_id"}
    assert (said["content"], said["message_type"], said["echo_id"]) == ("Где мой заказ?", 0, "e-1")
    assert isinstance(said["created_at"], int)
    found = visitor.ok("GET", "conversations")
    assert found.keys() >= CONVERSATION
    assert (found["id"], found["status"]) == (said["conversation_id"], "open")


def test_where_it_began_is_noted(world: World, visitor: Visitor) -> None:
    said = visitor.writes("Тук-тук", referer_url="https://shop.example/cart", timestamp="Mon Nov 23 2026")
    with transaction(world.account_id):
        story = locked(world.account_id, said["conversation_id"]).additional_attributes
    assert story["referer"] == "https://shop.example/cart"
    assert story["initiated_at"] == {"timestamp": "Mon Nov 23 2026"}


def test_he_reads_what_is_meant_for_him_alone(world: World, visitor: Visitor) -> None:
    said = visitor.writes("Где мой заказ?")
    with transaction(world.account_id):
        conversation = locked(world.account_id, 1)
        actions.write_note(conversation, by_user(world.ada), Writing("он опять"))
        actions.reply(conversation, by_user(world.ada), Writing("**Уже** едет"))
    found = visitor.reads()
    assert [message["content"] for message in found] == [said["content"], "**Уже** едет"]
    assert found[1]["message_type"] == 1
    assert found[1]["content_html"] == "<p><strong>Уже</strong> едет</p>\n"
    assert found[1]["sender"]["name"] == "Ada"
    assert "email" not in str(found[1]["sender"])


def test_messages_come_in_pages_both_ways(visitor: Visitor) -> None:
    said = [visitor.writes(f"строка {n}")["id"] for n in range(25)]
    newest = visitor.reads()
    assert [message["id"] for message in newest] == said[5:]
    assert [message["id"] for message in visitor.reads(before=said[5])] == said[:5]
    assert [message["id"] for message in visitor.reads(after=said[20])] == said[21:]


def test_history_goes_over_all_his_conversations(world: World, visitor: Visitor) -> None:
    visitor.writes("первый")
    visitor.call("GET", "conversations/toggle_status")
    begun = visitor.ok("POST", "conversations", {"message": {"content": "второй"}})
    found = visitor.reads()
    assert [(message["content"], message["conversation_id"]) for message in found] == [("первый", 1), ("второй", 2)]
    assert begun.keys() >= CONVERSATION | {"messages", "custom_attributes", "contact"}
    assert [message["content"] for message in begun["messages"]] == ["второй"]


def test_beginning_a_conversation_takes_the_form_before_it(world: World, visitor: Visitor) -> None:
    details = {"name": "Мика", "email": "Mika@Example.org", "phone_number": "+996 555 000111"}
    body = {"contact": details, "message": {"content": "Привет"}, "custom_attributes": {"plan": "pro", "seats": 3}}
    begun = visitor.ok("POST", "conversations", body)
    assert begun["custom_attributes"] == {"plan": "pro", "seats": 3}
    with transaction(world.account_id):
        contact = session().exec(select(Contact)).one()
    assert (contact.name, contact.email, contact.phone_number) == ("Мика", "mika@example.org", "+996555000111")


def test_one_conversation_is_under_way_at_a_time(visitor: Visitor) -> None:
    first = visitor.ok("POST", "conversations", {"message": {"content": "раз"}})
    second = visitor.ok("POST", "conversations", {"message": {"content": "два"}})
    assert first["id"] == second["id"]


def test_a_message_after_the_end_goes_on_where_the_inbox_wants_it(world: World, visitor: Visitor) -> None:
    visitor.writes("раз")
    visitor.call("GET", "conversations/toggle_status")
    assert visitor.writes("ещё")["conversation_id"] == 1
    change(world, allow_messages_after_resolved=False)
    visitor.call("GET", "conversations/toggle_status")
    assert visitor.writes("заново")["conversation_id"] == 2


def test_ending_is_a_get_with_an_empty_answer(world: World, visitor: Visitor) -> None:
    visitor.writes("всё, спасибо")
    answer = visitor.call("GET", "conversations/toggle_status")
    assert (answer.status_code, answer.data) == (200, b"")
    assert visitor.ok("GET", "conversations")["status"] == "resolved"
    change(world, settings={"end_conversation": False})
    assert visitor.call("GET", "conversations/toggle_status").status_code == 403


def test_what_needs_a_conversation_is_not_found_before_it(visitor: Visitor) -> None:
    for method, path, body in (
        ("GET", "conversations/toggle_status", None),
        ("POST", "conversations/toggle_typing", {"typing_status": "on"}),
        ("POST", "conversations/transcript", {}),
        ("POST", "conversations/set_custom_attributes", {"custom_attributes": {"a": 1}}),
    ):
        answer = visitor.call(method, path, body)
        assert answer.status_code == 404, path
        assert answer.get_json()["error"]


def test_typing_and_looking_answer_with_nothing(visitor: Visitor) -> None:
    visitor.writes("пишу")
    for path, body in (("toggle_typing", {"typing_status": "on"}), ("toggle_typing", {"typing_status": "off"}),
                       ("update_last_seen", {}), ("transcript", {})):  # fmt: skip
        answer = visitor.call("POST", f"conversations/{path}", body)
        assert (answer.status_code, answer.data) == (200, b""), path


def test_seeing_our_answer_is_noted_once(world: World, visitor: Visitor) -> None:
    visitor.writes("Где заказ?")
    with transaction(world.account_id):
        actions.reply(locked(world.account_id, 1), by_user(world.ada), Writing("Едет"))
    assert unread(visitor) == 1
    visitor.call("POST", "conversations/update_last_seen", {})
    assert unread(visitor) == 0
    seen = visitor.ok("GET", "conversations")["contact_last_seen_at"]
    assert seen > 0
    visitor.call("POST", "conversations/update_last_seen", {})
    assert visitor.ok("GET", "messages")["meta"]["contact_last_seen_at"] == seen


def test_the_closed_card_asks_how_much_is_unread(world: World, visitor: Visitor) -> None:
    visitor.writes("Где заказ?")
    with transaction(world.account_id):
        actions.reply(locked(world.account_id, 1), by_user(world.ada), Writing("Едет"))
        actions.write_note(locked(world.account_id, 1), by_user(world.ada), Writing("между нами"))
    answer = visitor.client.post(f"/widget/unread?website_token={visitor.key}", data=visitor.token)
    assert answer.get_json() == {"unread": 1}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    forged = visitor.client.post(f"/widget/unread?website_token={visitor.key}", data="forged")
    assert forged.get_json() == {"unread": 0}


def test_attributes_of_the_conversation_come_and_go(visitor: Visitor) -> None:
    visitor.writes("раз")
    put = visitor.ok("POST", "conversations/set_custom_attributes", {"custom_attributes": {"order": 7, "vip": True}})
    assert put["custom_attributes"] == {"order": 7, "vip": True}
    left = visitor.ok("POST", "conversations/destroy_custom_attributes", {"custom_attribute": ["vip"]})
    assert left["custom_attributes"] == {"order": 7}


def test_attributes_of_the_contact_come_and_go(world: World, visitor: Visitor) -> None:
    visitor.ok("PATCH", "contact", {"custom_attributes": {"plan": "pro", "old": "x"}})
    visitor.ok("POST", "contact/destroy_custom_attributes", {"custom_attributes": ["old"]})
    with transaction(world.account_id):
        assert session().exec(select(Contact)).one().custom_attributes == {"plan": "pro"}


def test_only_labels_of_the_account_are_put_on(world: World, visitor: Visitor) -> None:
    visitor.writes("раз")
    with transaction(world.account_id):
        create_label(world.account_id, "vip", by="system")
    for title in ("vip", "made-up"):
        assert visitor.call("POST", "labels", {"label": title}).status_code == 204
    with transaction(world.account_id):
        assert locked(world.account_id, 1).labels == ["vip"]
    assert visitor.call("DELETE", "labels/vip").status_code == 204
    with transaction(world.account_id):
        assert locked(world.account_id, 1).labels == []


def test_the_team_is_who_answers_here(visitor: Visitor) -> None:
    found = visitor.ok("GET", "inbox_members")["payload"]
    assert sorted(person["name"] for person in found) == ["Ada", "Bo"]
    assert found[0].keys() == {"id", "name", "avatar_url", "availability_status"}


def test_a_rating_is_given_in_the_thread_and_may_be_changed(world: World, visitor: Visitor) -> None:
    survey = surveyed(world, visitor)
    for rating, comment in ((2, ""), (5, "Быстро")):
        values = {"csat_survey_response": {"rating": rating, "feedback_message": comment}}
        found = visitor.ok("PATCH", f"messages/{survey['id']}", {"message": {"submitted_values": values}})
        assert found["content_attributes"]["submitted_values"] == values


@pytest.mark.parametrize("rating", [0, 6, "five", None, True, [5]])
def test_a_rating_is_from_one_to_five(world: World, visitor: Visitor, rating: Any) -> None:
    survey = surveyed(world, visitor)
    values = {"csat_survey_response": {"rating": rating}}
    answer = visitor.call("PATCH", f"messages/{survey['id']}", {"message": {"submitted_values": values}})
    assert answer.status_code == 422


def test_an_address_is_left_in_the_thread(world: World, visitor: Visitor) -> None:
    visitor.writes("раз")
    with transaction(world.account_id):
        asked = actions.write_template(locked(world.account_id, 1), Writing("Почта?", content_type="input_email"))
    found = visitor.ok("PATCH", f"messages/{asked.id}", {"contact": {"email": "mika@example.org"}})
    assert found["content_attributes"]["submitted_email"] == "mika@example.org"
    assert visitor.ok("GET", "contact")["has_email"] is True
    wrong = visitor.call("PATCH", f"messages/{asked.id}", {"contact": {"email": "nowhere"}})
    assert wrong.status_code == 422


def test_a_choice_is_made_in_the_thread(world: World, visitor: Visitor) -> None:
    visitor.writes("раз")
    with transaction(world.account_id):
        asked = actions.write_template(locked(world.account_id, 1), Writing("О чём?", content_type="input_select"))
    chosen = [{"name": "Возврат", "title": "Возврат", "value": "r"}]
    found = visitor.ok("PATCH", f"messages/{asked.id}", {"message": {"submitted_values": chosen}})
    assert found["content_attributes"]["submitted_values"] == chosen


def test_he_answers_no_message_but_ours_to_him(web: Flask, world: World, visitor: Visitor) -> None:
    mine = visitor.writes("раз")
    neighbour = another(web, world.inbox)
    survey = surveyed(world, neighbour)
    values = {"message": {"submitted_values": {"csat_survey_response": {"rating": 5}}}}
    for message_id in (mine["id"], survey["id"], 999_999, 2**63 - 1, 2**63):
        assert visitor.call("PATCH", f"messages/{message_id}", values).status_code == 404


def test_a_copy_goes_to_the_address_we_have_three_times_a_day(world: World, visitor: Visitor) -> None:
    visitor.ok("PATCH", "contact", {"email": "mika@example.org"})
    visitor.writes("Копию, пожалуйста")
    answers = [visitor.call("POST", "conversations/transcript", {}).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    with transaction(world.account_id):
        mails = session().exec(select(Delivery).where(Delivery.kind == KIND, Delivery.lane == "mika@example.org")).all()
    assert len(mails) == 3


def test_captain_gives_way_to_a_person(world: World, visitor: Visitor) -> None:
    visitor.writes("Как вернуть деньги?")
    with transaction(world.account_id):
        actions.hold(locked(world.account_id, 1), Holder.CAPTAIN, by="captain")
    assert visitor.ok("GET", "conversations")["is_with_captain"] is True
    visitor.call("POST", "conversations/hand_off", {})
    with transaction(world.account_id):
        found = locked(world.account_id, 1)
    assert (found.status, found.held_by) == (Status.OPEN, None)


def test_nobody_sees_another_ones_thread(web: Flask, world: World, visitor: Visitor) -> None:
    visitor.writes("секрет")
    for stranger in (another(web, world.inbox), another(web, globex().inbox)):
        assert stranger.reads() == []
        assert stranger.ok("GET", "conversations") == {}


def test_a_suspended_account_answers_nobody(world: World, visitor: Visitor) -> None:
    visitor.writes("раз")
    with across_accounts() as current:
        current.get_one(Account, world.account_id).status = AccountStatus.SUSPENDED
    assert visitor.call("GET", "messages").status_code == 401


def test_an_unknown_inbox_is_not_found(visitor: Visitor) -> None:
    for key in ("", "unknown", "a" * 100, "\x00", "ключ"):
        answer = visitor.call("GET", "messages", query={"website_token": key})
        assert answer.status_code == 404
        assert answer.mimetype == "application/json"


def unread(visitor: Visitor) -> int:
    return int(visitor.ok("GET", "messages")["meta"]["unread_count"])


def surveyed(world: World, visitor: Visitor) -> Any:
    """The survey that came after his conversation was answered and resolved."""
    change(world, csat_enabled=True)
    visitor.writes("Где заказ?")
    conversation_id = visitor.ok("GET", "conversations")["id"]
    with transaction(world.account_id):
        conversation = locked(world.account_id, conversation_id)
        actions.reply(conversation, by_user(world.ada), Writing("Едет"))
        actions.resolve(conversation, by=world.ada.actor)
    everyone_reads(world)
    return next(message for message in visitor.reads() if message["content_type"] == "input_csat")
