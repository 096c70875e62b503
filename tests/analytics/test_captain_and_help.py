"""What Captain did and what readers of the help center did, counted from the log and worked out by hand."""

from pathlib import Path

from analytics.lake import manifest
from tests.analytics.story import DAY, Story, ask, by, value


def test_a_draft_is_counted_when_shown_and_by_who_decided_on_it(lake: Path) -> None:
    story = Story()
    for number, (name, user) in enumerate(
        (("captain.draft_accepted", 7), ("captain.draft_edited", 8), ("captain.draft_rejected", 8), (None, 7))
    ):
        draft = {"draft_id": number, "message_id": number, "confidence": 0.9}
        talk = story.talk(0, assignee_id=7).customer(0)
        talk.tell("captain.drafted", 10, "captain", **draft)
        if name:
            talk.tell(name, 60, f"user:{user}", **draft, edit_distance=0.0)
    marts = story.build(lake)
    assert by(marts, "captain_drafts", "agent") == {7: 4}
    assert by(marts, "captain_drafts_used", "agent") == {7: 1, 8: 0.5}
    assert [value(marts, f"captain_drafts_{what}") for what in ("accepted", "edited", "rejected")] == [1, 1, 1]


def test_captain_abstains_for_a_reason_and_not_when_somebody_was_quicker(lake: Path) -> None:
    story = Story()
    for reason in ("not_sure", "money", "money", "went_on"):
        talk = story.talk(0, status="pending", held_by="captain").customer(0)
        talk.tell("captain.abstained", 10, "captain", message_id=1, confidence=0.1, reason=reason)
        if reason == "money":
            talk.hand_off(10)
    story.talk(0, status="pending", held_by="captain").customer(0).captain(5).status(20, "open", by="user:7")
    marts = story.build(lake)
    assert by(marts, "captain_abstentions", "reason") == {"money": 2, "not_sure": 1}
    assert by(marts, "captain_handoffs", "reason") == {"asked for a person": 2}
    assert value(marts, "captain_answers") == 1


def test_readings_votes_searches_and_questions_of_readers(lake: Path) -> None:
    story = Story()
    for article, helped in ((1, True), (1, False), (2, True)):
        story.tell("article.viewed", 0, "reader", {"article_id": article})
        story.tell("article.voted", 5, "reader", {"article_id": article, "is_helpful": helped})
    for hits in (0, 3, 1, 0):
        story.tell("article.searched", DAY, "reader", {"portal_id": 1, "locale": "ru", "hits": hits})
    story.tell("captain.answered", 0, "captain", {"portal_id": 1, "article_ids": [1], "confidence": 0.9})
    story.tell("captain.declined", 0, "captain", {"portal_id": 1, "confidence": 0.1})
    marts = story.build(lake)
    assert by(marts, "help_views", "article") == {1: 2, 2: 1}
    assert by(marts, "help_votes", "article") == {1: 0.5, 2: 1}
    assert by(marts, "help_searches_empty", "day") == {"2026-03-03": 0.5}
    assert value(marts, "help_answers") == 0.5
    # they are of no conversation, so today's attribution changes nothing
    assert ask(marts, "help_views", attribution="current") == ask(marts, "help_views")


def test_an_increment_forgets_nothing_of_what_came_before(lake: Path) -> None:
    story = Story()
    for number in range(4):
        talk = story.talk(number).customer(number)
        talk.tell("captain.drafted", number + 10, "captain", draft_id=number, message_id=number, confidence=0.9)
        story.tell("article.viewed", number, "reader", {"article_id": number % 2})
        marts = story.build(lake)
    assert manifest(marts).base_seq != manifest(marts).seq
    assert value(marts, "captain_drafts") == 4
    assert by(marts, "help_views", "article") == {0: 2, 1: 2}
