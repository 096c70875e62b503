"""Stories with the numbers worked out by hand, one rule of the metrics each."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analytics.read import Query, answer
from tests.analytics.story import DAY, HOUR, NOON, Story, ask, by, value


@pytest.fixture
def story() -> Story:
    return Story()


# -- first response


def test_the_first_public_answer_of_a_person_is_the_first_response(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).note(60).automation(90).greeting(95).agent(300).agent(360)
    marts = story.build(lake)
    row = {"n": 1, "mean": 300.0, "p50": 300.0, "p90": 300.0, "value": 300.0}
    assert ask(marts, "first_response_human") == [row]
    assert ask(marts, "first_response_any") == [row]


def test_several_answers_in_a_row_are_one_first_response_and_many_messages(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).customer(10).agent(100).agent(110).agent(120)
    marts = story.build(lake)
    assert ask(marts, "first_response_human")[0]["n"] == 1
    assert value(marts, "messages_outgoing") == 3
    assert value(marts, "messages_incoming") == 2


def test_a_first_response_to_a_person_begins_when_captain_hands_off(story: Story, lake: Path) -> None:
    talk = story.talk(0, status="pending", held_by="captain").customer(0).captain(5)
    talk.customer(60).status(70, "open", by="captain").agent(190)
    marts = story.build(lake)
    assert value(marts, "first_response_human") == 120
    assert value(marts, "first_response_any") == 5


def test_a_hand_off_event_counts_and_the_last_one_before_the_answer_does(story: Story, lake: Path) -> None:
    talk = story.talk(0, status="pending", held_by="bot").customer(0).bot(3).hand_off(100)
    talk.status(200, "pending", by="automation", held_by="captain").hand_off(300).agent(420).hand_off(500).agent(900)
    assert value(story.build(lake), "first_response_human") == 120


def test_bot_then_person_then_bot_then_person_is_measured_once(story: Story, lake: Path) -> None:
    talk = story.talk(0, status="pending", held_by="bot").customer(0).bot(2).hand_off(10).agent(70)
    talk.status(100, "pending", by="automation", held_by="bot").customer(110).bot(112).hand_off(120).agent(600)
    marts = story.build(lake)
    assert ask(marts, "first_response_human")[0] | {"n": 1, "value": 60.0} == ask(marts, "first_response_human")[0]


def test_an_agent_who_opens_what_captain_held_hands_nothing_off(story: Story, lake: Path) -> None:
    story.talk(0, status="pending", held_by="captain").customer(0).status(100, "open", by="user:7").agent(130)
    assert value(story.build(lake), "first_response_human") == 130


def test_a_pending_conversation_nobody_held_is_not_handed_off_by_being_opened(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).status(10, "pending", by="user:7").status(100, "open", by="captain").agent(130)
    assert value(story.build(lake), "first_response_human") == 130


def test_nothing_is_measured_where_an_agent_wrote_first(story: Story, lake: Path) -> None:
    story.talk(0).agent(10).customer(100).agent(160)
    story.talk(0).agent(10)
    marts = story.build(lake)
    assert ask(marts, "first_response_human") == []
    assert ask(marts, "first_response_any") == []


def test_an_unanswered_conversation_has_no_first_response_yet(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).note(50).greeting(1)
    marts = story.build(lake)
    assert ask(marts, "first_response_human") == []
    assert value(marts, "conversations") == 1
    assert value(marts, "backlog") == 1


def test_a_first_response_is_of_who_wrote_it_and_of_the_team_of_that_moment(story: Story, lake: Path) -> None:
    talk = story.talk(0, assignee_id=8, team_id=1).customer(0).label(5, "возврат").team(50, 2)
    talk.agent(100, user=9).team(200, 3).label(210).assign(220, 10)
    marts = story.build(lake)
    assert by(marts, "first_response_human", "agent") == {9: 100}
    assert by(marts, "first_response_human", "team") == {2: 100}
    assert by(marts, "first_response_human", "label") == {"возврат": 100}


def test_an_answer_by_captain_is_nobodys_among_agents(story: Story, lake: Path) -> None:
    story.talk(0, assignee_id=7).customer(0).captain(4)
    assert by(story.build(lake), "first_response_any", "agent") == {None: 4}


def test_at_equal_instants_the_order_of_the_log_decides(story: Story, lake: Path) -> None:
    story.talk(0, team_id=1).customer(0).team(60, 2).agent(60).team(60, 3)
    assert by(story.build(lake), "first_response_human", "team") == {2: 60}


def test_a_letter_that_arrives_late_stands_where_its_date_puts_it(story: Story, lake: Path) -> None:
    # told last, but written before the agent's answer: so the agent did answer somebody
    story.talk(0, team_id=1).agent(100).team(150, 2).customer(40)
    marts = story.build(lake)
    assert value(marts, "first_response_human") == 100
    assert by(marts, "messages_incoming", "team") == {1: 1}


def test_a_worker_whose_clock_runs_behind_makes_no_negative_time(story: Story, lake: Path) -> None:
    story.talk(0).customer(-20).agent(-5).resolve(-1)
    marts = story.build(lake)
    assert value(marts, "first_response_human") == 0
    assert value(marts, "first_resolution") == 0


def test_mean_median_and_ninetieth_are_exact_to_the_microsecond(story: Story, lake: Path) -> None:
    for seconds in (10, 20, 30, 1000.000001):
        story.talk(0).customer(0).agent(seconds)
    row = ask(story.build(lake), "first_response_human")[0]
    assert row["n"] == 4
    assert row["mean"] == pytest.approx(265.00000025, rel=1e-15)
    assert row["p50"] == 25
    assert row["p90"] == pytest.approx(30 + 0.7 * 970.000001, rel=1e-15)


# -- resolutions


def test_reopened_twice_gives_three_episodes_one_first_and_one_full_resolution(story: Story, lake: Path) -> None:
    talk = story.talk(0).customer(0).agent(60).resolve(600, by="user:7").reopen(HOUR).resolve(HOUR + 300, by="user:8")
    talk.reopen(2 * HOUR).status(2 * HOUR + 50, "snoozed").resolve(2 * HOUR + 900, by="automation")
    marts = story.build(lake)
    assert value(marts, "first_resolution") == 600
    assert value(marts, "full_resolution") == 2 * HOUR + 900
    assert ask(marts, "episode_resolution")[0] == {"n": 3, "mean": 600.0, "p50": 600.0, "p90": 840.0, "value": 600.0}
    assert by(marts, "episode_resolution", "agent") == {7: 600, 8: 300, None: 900}
    assert by(marts, "full_resolution", "agent") == {None: 2 * HOUR + 900}


def test_full_resolution_knows_only_what_happened_before_the_end(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).resolve(100).reopen(200).resolve(300)
    marts = story.build(lake)
    assert value(marts, "full_resolution", until=300) == 100
    assert value(marts, "full_resolution", until=301) == 300
    assert value(marts, "full_resolution", since=50, until=150) == 100
    # its last resolve is a later one, so in this window it has none
    assert value(marts, "full_resolution", since=301, until=400) is None


def test_a_window_holds_its_beginning_and_not_its_end(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).agent(100)
    marts = story.build(lake)
    assert value(marts, "first_response_human", since=100, until=200) == 100
    assert value(marts, "first_response_human", since=0, until=100) is None


def test_an_agent_filter_does_not_make_an_earlier_resolve_the_last_one(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).resolve(100, by="user:7").reopen(200).resolve(300, by="user:8")
    marts = story.build(lake)
    assert value(marts, "full_resolution", agent_ids=(7,)) is None
    assert value(marts, "full_resolution", agent_ids=(8,)) == 300


def test_any_status_after_resolved_is_a_reopening(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).resolve(100).status(200, "pending", by="automation", held_by="captain").resolve(250)
    marts = story.build(lake)
    assert by(marts, "episode_resolution", "agent") == {7: 75.0}
    assert ask(marts, "episode_resolution")[0]["n"] == 2


def test_resolving_a_resolved_one_again_is_no_resolve(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).resolve(100).resolve(500)
    marts = story.build(lake)
    assert ask(marts, "episode_resolution") == [{"n": 1, "mean": 100.0, "p50": 100.0, "p90": 100.0, "value": 100.0}]


def test_an_agent_moved_to_another_team_in_mid_episode_takes_nothing_along(story: Story, lake: Path) -> None:
    talk = story.talk(0, team_id=1).customer(0).agent(60, user=7).team(100, 2).assign(110, 7).resolve(600, by="user:7")
    talk.team(700, 1)
    marts = story.build(lake)
    assert by(marts, "first_response_human", "team") == {1: 60}
    assert by(marts, "full_resolution", "team") == {2: 600}


def test_merged_conversations_have_no_resolution_but_were_created(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).resolve(100).tell("conversation.merged", 200, "user:7")
    marts = story.build(lake)
    assert ask(marts, "first_resolution") == []
    assert value(marts, "conversations") == 1


def test_reopen_rate_counts_seven_days_to_the_second_and_waits_for_them(story: Story, lake: Path) -> None:
    week = 7 * DAY
    story.talk(0).customer(0).resolve(100).reopen(100 + week)  # just in time
    story.talk(0).customer(0).resolve(100).reopen(100 + week + 1)  # a second late
    story.talk(0).customer(0).resolve(100).reopen(200).resolve(300).reopen(400)  # once, however often
    story.talk(0).customer(0).resolve(100)
    story.talk(0).customer(0).resolve(DAY).reopen(DAY + 1)  # too young at the end
    marts = story.build(lake)
    assert (
        ask(marts, "reopen_rate", until=100 + week)[0] | {"n": 4, "value": 0.5}
        == ask(marts, "reopen_rate", until=100 + week)[0]
    )
    assert ask(marts, "reopen_rate", until=99 + week) == []
    assert value(marts, "reopen_rate", until=30 * DAY) == 0.6


# -- agreements and judgement


def test_a_reply_exactly_at_the_deadline_keeps_the_agreement(story: Story, lake: Path) -> None:
    story.policy(first=3600)
    story.talk(0, assignee_id=7).promise(0).customer(0).agent(3600)
    story.talk(0, assignee_id=8).promise(0).customer(0).agent(3600.000001)
    story.talk(0, assignee_id=8).promise(0).customer(0).agent(30)
    marts = story.build(lake)
    assert ask(marts, "sla_compliance") == [{"n": 3, "mean": None, "p50": None, "p90": None, "value": 2 / 3}]
    assert by(marts, "sla_compliance", "agent") == {7: 1.0, 8: 0.5}
    assert by(marts, "sla_compliance", "target") == {"first_response": 2 / 3}


def test_a_missed_target_is_dated_by_its_due_time_and_its_assignee_then(story: Story, lake: Path) -> None:
    story.policy(resolution=HOUR)
    story.talk(0, assignee_id=7).promise(0).customer(0).assign(HOUR, 8).assign(2 * HOUR, 9).resolve(5 * HOUR)
    marts = story.build(lake)
    assert value(marts, "sla_compliance", since=0, until=2 * HOUR) == 0
    assert value(marts, "sla_compliance", since=2 * HOUR) is None
    assert by(marts, "sla_compliance", "agent") == {8: 0}


def test_what_the_core_told_screens_changes_no_number(story: Story, lake: Path) -> None:
    story.policy(resolution=HOUR)
    story.talk(0).promise(0).customer(0).resolve(60).verdict(3601, "breached", "resolution", due=3600)
    assert value(story.build(lake), "sla_compliance") == 1


def test_a_target_that_runs_is_missed_once_it_is_late_and_reported_apart_until_then(story: Story, lake: Path) -> None:
    story.policy(first=HOUR, resolution=DAY)
    story.talk(0).promise(0).customer(0)
    marts = story.build(lake)
    assert ask(marts, "sla_compliance", until=HOUR) == []
    assert by(marts, "sla_unfinished", "target", until=HOUR) == {"first_response": 1, "resolution": 1}
    assert ask(marts, "sla_compliance", until=HOUR + 1)[0]["n"] == 1
    assert by(marts, "sla_unfinished", "target", until=HOUR + 1) == {"resolution": 1}
    assert ask(marts, "sla_compliance", until=DAY + 1) == [{"n": 2, "mean": None, "p50": None, "p90": None, "value": 0}]


def test_a_first_response_runs_from_the_hand_off_and_only_a_person_gives_it(story: Story, lake: Path) -> None:
    story.policy(first=60)
    talk = story.talk(0, status="pending", held_by="captain").promise(0).customer(0).captain(5)
    talk.hand_off(600).agent(660)
    marts = story.build(lake)
    assert ask(marts, "sla_compliance") == [{"n": 1, "mean": None, "p50": None, "p90": None, "value": 1}]
    # before the hand-off nobody had answered in time
    assert value(marts, "sla_compliance", until=600) == 0


def test_each_next_response_is_a_target_of_its_own(story: Story, lake: Path) -> None:
    story.policy(following=100)
    talk = story.talk(0).promise(0).customer(0).customer(50).agent(100)  # in time
    talk.customer(200).note(210).automation(220).agent(301)  # late
    talk.customer(400).captain(450)  # Captain's answer is no person's, and nobody waits any more
    talk.customer(500).resolve(600)  # void: resolved before it was due
    talk.customer(700).reopen(700).agent(790)  # in time
    talk.customer(1000)
    marts = story.build(lake)
    assert ask(marts, "sla_compliance", until=1100)[0] == {
        "n": 3,
        "mean": None,
        "p50": None,
        "p90": None,
        "value": 2 / 3,
    }
    assert ask(marts, "sla_compliance", until=1101)[0]["n"] == 4


def test_conversations_an_agent_began_have_no_first_response_to_keep(story: Story, lake: Path) -> None:
    story.policy(first=60)
    story.talk(0).promise(0).agent(10).customer(100).agent(500)
    assert ask(story.build(lake), "sla_compliance") == []


def test_a_policy_that_came_late_measures_what_had_not_ended(story: Story, lake: Path) -> None:
    story.policy(first=60, following=60, resolution=1000)
    talk = story.talk(0).customer(0).agent(30).customer(100)
    talk.promise(130).agent(150).resolve(900)
    marts = story.build(lake)
    assert by(marts, "sla_compliance", "target") == {"next_response": 1, "resolution": 1}


def test_a_policy_can_be_changed_and_removed_and_what_was_settled_stays(story: Story, lake: Path) -> None:
    story.policy(1, following=100, resolution=500)
    story.policy(2, following=50, resolution=5000)
    # missed under the first, whatever the second says; the resolution is the second's
    story.talk(0).customer(0).promise(0, 1).promise(150, 2).agent(160).resolve(1000)
    # removed before anything was due
    story.talk(0).customer(0).promise(0, 1).release(99).agent(300).resolve(2000)
    # taken up by the second, which is stricter
    story.talk(0).customer(0).promise(0, 1).promise(20, 2).agent(60)
    marts = story.build(lake)
    rows = ask(marts, "sla_compliance", by="policy", until=2000)
    assert [(row["policy"], row["n"], row["value"]) for row in rows] == [(1, 1, 0), (2, 2, 0.5)]


def test_a_new_version_of_a_policy_holds_for_what_is_promised_from_then_on(story: Story, lake: Path) -> None:
    story.policy(following=100, when=5)
    story.policy(following=10, when=50)
    story.talk(0).promise(0).customer(0).agent(60).customer(70).agent(100)
    assert (
        ask(story.build(lake), "sla_compliance")[0] | {"n": 2, "value": 0.5}
        == ask(story.build(lake), "sla_compliance")[0]
    )


def test_the_resolution_rests_only_while_we_wait_for_the_customer(story: Story, lake: Path) -> None:
    story.policy(resolution=1000, pause_while=("pending", "snoozed"))
    paused = story.talk(0).promise(0).customer(0).status(100, "pending").status(5000, "open")
    paused.status(5100, "snoozed").status(9000, "open").resolve(9800)  # 100 + 100 + 800: exactly in time
    until = story.talk(0).promise(0).customer(0).status(100, "snoozed", until=5000)
    until.status(5000, "open").resolve(5100)  # a time that we chose is our time
    held = story.talk(0).promise(0).customer(0).captain(5).status(10, "pending", "automation", "captain")
    held.resolve(2000)  # held by Captain: no pause
    resting = story.talk(0).promise(0).customer(0).status(999, "pending")
    marts = story.build(lake)
    assert resting.facts["status"] == "pending"
    assert ask(marts, "sla_compliance")[0] | {"n": 3, "value": 1 / 3} == ask(marts, "sla_compliance")[0]
    assert value(marts, "sla_unfinished") == 1
    assert by(marts, "sla_compliance", "hour") == {"2026-03-02T12:00": 0, "2026-03-02T14:00": 1}


def test_a_rating_after_a_reopening_belongs_to_the_resolve_before_it(story: Story, lake: Path) -> None:
    talk = story.talk(0, team_id=1).customer(0).resolve(100, by="user:7").ask(101, survey=1).team(150, 2)
    talk.reopen(200).rate(300, 5, survey=1).resolve(400, by="user:8").ask(401, survey=2).rate(500, 2, survey=2)
    marts = story.build(lake)
    assert by(marts, "csat", "agent") == {7: 1.0, 8: 0.0}
    assert by(marts, "csat", "team") == {1: 1.0, 2: 0.0}
    assert value(marts, "response_rate") == 1


def test_the_last_answer_for_a_resolution_counts_dated_by_itself(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).resolve(100).ask(101, survey=1).rate(200, 2, survey=1).rate(DAY, 5, survey=1)
    marts = story.build(lake)
    assert value(marts, "csat") == 1
    assert ask(marts, "csat")[0]["n"] == 1
    # a report of the first day still says what it said then
    assert value(marts, "csat", until=HOUR) == 0
    assert value(marts, "csat", since=HOUR) == 1


def test_a_rating_no_survey_asked_for_belongs_to_the_last_resolve(story: Story, lake: Path) -> None:
    talk = story.talk(0).customer(0).resolve(100, by="user:7").reopen(200).resolve(300, by="user:8")
    talk.reopen(350).rate(400, 3).rate(500, 4)
    marts = story.build(lake)
    assert by(marts, "csat", "agent") == {8: 1.0}
    assert ask(marts, "response_rate") == []


def test_an_old_survey_answered_after_a_new_resolve_still_judges_the_old_one(story: Story, lake: Path) -> None:
    talk = story.talk(0).customer(0).resolve(100, by="user:7").ask(101, survey=1).reopen(200)
    talk.resolve(300, by="user:8").ask(301, survey=2).rate(400, 5, survey=2).rate(500, 1, survey=1)
    assert by(story.build(lake), "csat", "agent") == {7: 0.0, 8: 1.0}


def test_csat_shows_the_wilson_interval(story: Story, lake: Path) -> None:
    for rating in (5, 5, 5, 4, 4, 4, 4, 4, 1, 3):
        story.talk(0).customer(0).resolve(10).ask(11, survey=story.talks).rate(20, rating, survey=story.talks)
    row = ask(story.build(lake), "csat")[0]
    assert (row["n"], row["value"]) == (10, 0.8)
    # 8 of 10, z = 1.96, by hand: (0.8 + 0.19208 ± 1.96 √(0.016 + 0.009604)) ÷ 1.38416
    assert (row["low"], row["high"]) == pytest.approx((0.490157, 0.943319), abs=1e-6)


def test_response_rate_follows_the_surveys_sent_and_never_exceeds_one(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).resolve(10).ask(11, survey=1).rate(DAY, 5, survey=1)
    story.talk(0).customer(0).resolve(10).ask(11, survey=2)
    story.talk(0).customer(0).resolve(10).ask(DAY, survey=3).rate(DAY + 5, 5, survey=3).rate(DAY + 6, 1, survey=3)
    marts = story.build(lake)
    assert value(marts, "response_rate", until=HOUR) == 0
    assert value(marts, "response_rate", since=HOUR, until=DAY + 6) == 1  # a change of mind does not unsay the answer
    assert value(marts, "response_rate", until=10 * DAY) == pytest.approx(2 / 3)
    assert value(marts, "response_rate", since=HOUR, until=10 * DAY) == 1


# -- volumes and the backlog


def test_volumes_count_what_the_customer_could_read(story: Story, lake: Path) -> None:
    talk = story.talk(0, assignee_id=7, inbox_id=3).customer(0).note(5).activity(6).greeting(7).captain(8).automation(9)
    talk.agent(10, user=8).assign(11, 9).customer(12)
    marts = story.build(lake)
    assert by(marts, "messages_outgoing", "agent") == {8: 1, None: 3}
    assert by(marts, "messages_incoming", "agent") == {7: 1, 9: 1}
    assert by(marts, "messages_incoming", "inbox") == {3: 2}
    assert ask(marts, "messages_incoming") == [{"n": 2, "mean": None, "p50": None, "p90": None, "value": 2}]


def test_a_conversation_is_counted_as_it_was_after_the_instant_of_its_creation(story: Story, lake: Path) -> None:
    story.talk(0).assign(0, 7).team(0, 4).label(0, "срочно", "возврат").priority(0, "high").assign(1, 8).label(2)
    marts = story.build(lake)
    assert by(marts, "conversations", "agent") == {7: 1}
    assert by(marts, "conversations", "team") == {4: 1}
    assert by(marts, "conversations", "label") == {"возврат": 1, "срочно": 1}
    assert by(marts, "conversations", "priority") == {"high": 1}


def test_what_has_no_agent_team_label_or_priority_is_a_row_with_null(story: Story, lake: Path) -> None:
    story.talk(0)
    marts = story.build(lake)
    for group in ("agent", "team", "label", "priority"):
        assert by(marts, "conversations", group) == {None: 1}


def test_the_backlog_is_replayed_at_the_end_of_each_day(story: Story, lake: Path) -> None:
    midnight = 12 * HOUR
    story.talk(0).resolve(midnight)  # at the very end of the day: it is solved then
    story.talk(0, inbox_id=2).status(HOUR, "snoozed").resolve(DAY + 13 * HOUR)
    story.talk(midnight + 1).status(2 * DAY, "pending")
    marts = story.build(lake)
    days = by(marts, "backlog", "day", since=-3 * DAY, until=3 * DAY + 12 * HOUR)
    assert days == {"2026-03-02": 1, "2026-03-03": 2, "2026-03-04": 1, "2026-03-05": 1}
    assert value(marts, "backlog", until=1) == 2
    assert value(marts, "backlog", until=DAY) == 2
    assert by(marts, "backlog", "status", until=DAY) == {"open": 1, "snoozed": 1}
    assert by(marts, "backlog", "inbox", until=DAY) == {1: 1, 2: 1}
    assert value(marts, "backlog", until=DAY, inbox_ids=(2,)) == 1


def test_the_backlog_of_an_unfinished_day_stops_at_the_end_of_the_window(story: Story, lake: Path) -> None:
    story.talk(0).resolve(2 * HOUR)
    assert by(story.build(lake), "backlog", "day", since=-HOUR, until=HOUR) == {"2026-03-02": 1}


def test_the_backlog_follows_an_agent_and_a_label(story: Story, lake: Path) -> None:
    story.talk(0).assign(10, 7).label(20, "возврат").assign(30, 8).label(40)
    marts = story.build(lake)
    assert [by(marts, "backlog", "agent", until=t) for t in (5, 10, 30)] == [{None: 1}, {7: 1}, {8: 1}]
    assert [value(marts, "backlog", until=t, labels=("возврат",)) for t in (19, 20, 40)] == [None, 1, None]


# -- the next responses


def test_a_next_response_answers_the_oldest_message_without_an_answer(story: Story, lake: Path) -> None:
    talk = story.talk(0).customer(0).customer(40).note(50).automation(60).agent(100, user=7).agent(130)
    talk.team(150, 2).customer(200).customer(250).agent(500, user=8)
    marts = story.build(lake)
    assert ask(marts, "next_response") == [{"n": 2, "mean": 200.0, "p50": 200.0, "p90": 280.0, "value": 200.0}]
    assert by(marts, "next_response", "agent") == {7: 100, 8: 300}
    assert by(marts, "next_response", "team") == {None: 100, 2: 300}
    assert by(marts, "next_response", "hour", since=200) == {"2026-03-02T12:00": 300}


def test_a_wait_that_captain_a_bot_or_a_resolve_ended_is_not_measured(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).captain(10).agent(20).customer(30).bot(40).agent(50)
    story.talk(0).customer(0).resolve(10).reopen(20, by="user:7").agent(30)
    assert ask(story.build(lake), "next_response") == []


def test_a_hand_off_starts_the_wait_again(story: Story, lake: Path) -> None:
    # ended by Captain's word, begun again for people
    story.talk(0, status="pending", held_by="captain").customer(0).captain(5).hand_off(100).agent(130)
    # nobody had answered: from the hand-off all the same
    story.talk(0, status="pending", held_by="captain").customer(0).hand_off(100).agent(150)
    # nobody waited
    story.talk(0).customer(0).agent(70).status(80, "pending", "automation", "captain").hand_off(90).agent(200)
    marts = story.build(lake)
    assert ask(marts, "next_response")[0] | {"n": 3, "mean": 50.0, "p50": 50.0} == ask(marts, "next_response")[0]


def test_after_a_reopening_the_wait_starts_at_the_first_message_then(story: Story, lake: Path) -> None:
    talk = story.talk(0).customer(0).resolve(100).customer(200).reopen(200).customer(260).agent(300)
    assert talk.facts["status"] == "open"
    assert value(story.build(lake), "next_response") == 100


# -- whose turn it is


def test_the_customer_waits_while_it_is_our_turn(story: Story, lake: Path) -> None:
    talk = story.talk(0).customer(0).agent(100)  # ours until he is asked something
    talk.status(150, "pending").customer(1000).status(1000, "open")  # 150 ours, 850 his
    talk.status(1100, "snoozed").status(1500, "open")  # 100 ours, 400 his
    talk.status(1600, "snoozed", until=3000).status(3000, "open")  # 100 and 1400 ours: we chose the time
    talk.resolve(3050).reopen(9000).resolve(9100)  # 50 ours, nobody's, 100 ours
    marts = story.build(lake)
    assert value(marts, "requester_wait", until=9000) == 150 + 100 + 100 + 1400 + 50
    assert value(marts, "agent_wait", until=9000) == 850 + 400
    # one value a conversation, at its last resolve in the window, over its life up to then
    assert ask(marts, "requester_wait") == [{"n": 1, "mean": 1900.0, "p50": 1900.0, "p90": 1900.0, "value": 1900.0}]
    assert ask(marts, "requester_wait", until=9000)[0]["n"] == 1
    assert ask(marts, "agent_wait", since=3051, until=9100) == []


def test_a_hand_off_while_snoozed_ends_no_snooze_until_a_time_we_chose(story: Story, lake: Path) -> None:
    talk = story.talk(0).customer(0).status(100, "snoozed", until=3000)
    talk.tell("conversation.bot_handoff", 500, "captain", reason="asked for a person").resolve(1500)
    talk = story.talk(0).customer(0).status(100, "snoozed")
    talk.tell("conversation.bot_handoff", 500, "captain", reason="asked for a person").resolve(1500)
    marts = story.build(lake)
    assert value(marts, "requester_wait") == (1500 + 100) / 2
    assert value(marts, "agent_wait") == (0 + 1400) / 2


def test_while_captain_holds_it_a_message_without_an_answer_makes_it_our_turn(story: Story, lake: Path) -> None:
    talk = story.talk(0, status="pending", held_by="captain").customer(0).captain(10).customer(60).greeting(65)
    talk.automation(66).note(67).captain(90).customer(100).agent(130).resolve(200, by="captain")
    marts = story.build(lake)
    assert value(marts, "requester_wait") == 10 + 30 + 30
    assert value(marts, "agent_wait") == 50 + 10 + 70
    assert by(marts, "agent_wait", "agent") == {None: 130}


# -- one touch


def test_one_touch_is_exactly_one_public_message_of_a_person(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).note(5).captain(6).agent(10).resolve(20)
    story.talk(0).customer(0).agent(10).agent(11).resolve(20)
    story.talk(0).customer(0).captain(10).resolve(20)  # no person: not counted
    story.talk(0).customer(0).agent(10).resolve(20).reopen(30).agent(40).resolve(50)
    story.talk(0).customer(0).agent(10).resolve(20).agent(25)
    marts = story.build(lake)
    assert ask(marts, "one_touch") == [{"n": 4, "mean": None, "p50": None, "p90": None, "value": 0.5}]
    assert value(marts, "one_touch", until=21) == 0.75


# -- working hours

OFFICE = [[["09:00", "13:00"], ["14:00", "18:00"]]] * 5 + [[], []]
NIGHTS = [[["00:00", "06:00"], ["22:00", "24:00"]]] * 7


def test_a_span_counts_the_hours_in_which_its_inbox_worked(story: Story, lake: Path) -> None:
    story.calendar(OFFICE, timezone="Europe/Moscow")  # on this Monday 06–10 and 11–15 UTC; NOON is 15:00 there
    story.works_by(1, inbox=1)
    # to Tuesday 10:30 Moscow: 3 h of Monday, 1.5 h of Tuesday
    story.talk(0).customer(0).agent(19.5 * HOUR).resolve(19.5 * HOUR)
    # all of it at night: nothing, and it counts
    story.talk(4 * HOUR).customer(4 * HOUR).agent(5 * HOUR)
    # an inbox without a calendar is always open
    story.talk(4 * HOUR, inbox_id=2).customer(4 * HOUR).agent(5 * HOUR)
    marts = story.build(lake)
    business = {"time": "business"}
    assert by(marts, "first_response_human", "inbox", **business) == {1: 4.5 * HOUR / 2, 2: HOUR}
    assert ask(marts, "first_response_human", inbox_ids=(1,), **business)[0]["n"] == 2
    assert value(marts, "next_response", inbox_ids=(1,), **business) == 4.5 * HOUR / 2
    assert value(marts, "full_resolution", **business) == 4.5 * HOUR
    assert value(marts, "requester_wait", **business) == 4.5 * HOUR
    assert value(marts, "full_resolution") == 19.5 * HOUR


def test_overnight_shifts_and_a_zone_without_summer_time(story: Story, lake: Path) -> None:
    story.calendar(NIGHTS, timezone="Asia/Bishkek")  # 22–06 there is 16–24 UTC
    story.works_by(1, inbox=1)
    story.talk(0).customer(0).agent(DAY)
    assert value(story.build(lake), "first_response_human", time="business") == 8 * HOUR


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 4), ("2026-10-25", 6), ("2026-06-07", 5)])
def test_clocks_that_skip_or_repeat_an_hour(story: Story, lake: Path, day: str, hours: int) -> None:
    story.calendar([[["00:00", "05:00"]]] * 7, timezone="Europe/Berlin")
    story.works_by(1, inbox=1)
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp() - NOON.timestamp()
    story.talk(begin).customer(begin).agent(begin + 12 * HOUR)
    assert value(story.build(lake), "first_response_human", time="business") == hours * HOUR


def test_a_holiday_told_afterwards_restates_what_was_before(story: Story, lake: Path) -> None:
    story.calendar(OFFICE)
    story.works_by(1, inbox=1)
    story.talk(0).customer(0).agent(2 * DAY)  # Monday 12 to Wednesday 12: 5 + 8 + 3 hours
    assert value(story.build(lake), "first_response_human", time="business") == 16 * HOUR
    story.calendar(OFFICE, holidays=("2026-03-03",))
    assert value(story.build(lake), "first_response_human", time="business") == 8 * HOUR


def test_new_hours_hold_from_their_moment_on_and_the_first_before_it(story: Story, lake: Path) -> None:
    story.calendar([[["12:00", "13:00"]]] * 7, since=DAY)
    story.calendar([[["12:00", "14:00"]]] * 7, since=2 * DAY)
    story.works_by(1, inbox=1)
    story.talk(0).customer(0).agent(3 * DAY)
    assert value(story.build(lake), "first_response_human", time="business") == (1 + 1 + 2) * HOUR


def test_the_teams_calendar_wins_from_the_moment_the_team_is_set(story: Story, lake: Path) -> None:
    story.calendar([[["12:00", "13:00"]]] * 7, 1)
    story.calendar([[["12:00", "24:00"]]] * 7, 2)
    story.works_by(1, inbox=1)
    story.works_by(2, team=5)
    talk = story.talk(0).customer(0)  # the inbox's hour
    talk.team(12 * HOUR, 5)  # from midnight on: the team's twelve hours of Tuesday
    talk.team(36 * HOUR, 6)  # a team without a calendar: the inbox's again, an hour of Wednesday
    talk.agent(60 * HOUR)
    assert value(story.build(lake), "first_response_human", time="business") == (1 + 12 + 1) * HOUR


def test_an_inbox_works_by_another_calendar_from_the_moment_it_was_given(story: Story, lake: Path) -> None:
    story.calendar([[["12:00", "13:00"]]] * 7, 1)
    story.works_by(1, inbox=1, when=DAY)  # until then it is always open
    story.works_by(None, inbox=1, when=2 * DAY + HOUR)  # and again
    story.talk(0).customer(0).agent(3 * DAY)
    assert value(story.build(lake), "first_response_human", time="business") == DAY + 2 * HOUR + 23 * HOUR


def test_a_calendar_that_a_history_names_holds_for_all_its_past(story: Story, lake: Path) -> None:
    story.calendar([[["12:00", "13:00"]]] * 7, 1)
    story.talk(0, causation="history").customer(0).agent(DAY)
    story.works_by(1, inbox=1, when=9 * DAY, causation="history")
    assert value(story.build(lake), "first_response_human", time="business") == HOUR


def test_a_promise_in_working_hours_used_up_at_closing_is_due_at_the_next_opening(story: Story, lake: Path) -> None:
    story.calendar([[["12:00", "13:00"]]] * 7, 1)
    story.works_by(1, inbox=1)
    story.policy(first=HOUR, is_business_time=True)
    story.talk(0).promise(0).customer(0).agent(DAY)  # exactly at the next opening: in time
    story.talk(0).promise(0).customer(0).agent(DAY + 0.000001)
    marts = story.build(lake)
    assert ask(marts, "sla_compliance")[0] | {"n": 2, "value": 0.5} == ask(marts, "sla_compliance")[0]
    assert by(marts, "sla_compliance", "day") == {"2026-03-03": 0.5}
    assert ask(marts, "sla_compliance", until=DAY) == []


def test_a_resolution_in_working_hours_rests_with_the_customer(story: Story, lake: Path) -> None:
    story.calendar([[["12:00", "13:00"]]] * 7, 1)
    story.calendar([[["12:00", "14:00"]]] * 7, 2)
    story.works_by(1, inbox=1)
    story.works_by(2, team=5)
    story.policy(resolution=2 * HOUR, is_business_time=True, pause_while=("pending",))
    talk = (
        story.talk(0).promise(0).customer(0).status(HOUR / 2, "pending").status(DAY, "open")
    )  # half an hour of Monday
    talk.team(DAY + 2 * HOUR, 5)  # an hour of Tuesday by the inbox's; the last half hour on Wednesday by the team's
    marts = story.build(lake)
    assert by(marts, "sla_compliance", "hour") == {"2026-03-04T12:00": 0}
    assert value(marts, "sla_compliance", since=2 * DAY + HOUR / 2, until=2 * DAY + HOUR / 2 + 1) == 0
    assert ask(marts, "sla_compliance", until=2 * DAY + HOUR / 2) == []


# -- Captain


def test_captain_is_judged_where_he_answers(story: Story, lake: Path) -> None:
    held = {"status": "pending", "held_by": "captain", "causation": "history"}
    story.talk(0, **held).customer(0).captain(5).confirm(60).resolve(100, by="captain")
    story.talk(0, **held).customer(0).captain(5).agent(50).resolve(100)
    story.talk(0, **held).customer(0).captain(5).resolve(100, by="contact:1").reopen(200)
    story.talk(0, causation="history").customer(0).resolve(100)  # the inbox is Captain's, he said nothing
    story.talk(0, causation="history", inbox_id=2).customer(0)  # never his
    marts = story.build(lake)
    assert ask(marts, "captain_involvement") == [{"n": 4, "mean": None, "p50": None, "p90": None, "value": 0.75}]
    assert value(marts, "captain_involvement", until=5) == 0
    assert (
        ask(marts, "captain_resolution_assumed")[0] | {"n": 3, "value": 1 / 3}
        == (ask(marts, "captain_resolution_assumed")[0])
    )
    assert value(marts, "captain_resolution_assumed", until=200) == 2 / 3
    assert value(marts, "captain_resolution_confirmed") == 1 / 3
    assert by(marts, "captain_involvement", "captain") == {"captain": 1, "human": 0}


def test_an_imported_inbox_is_captains_only_where_he_answered(story: Story, lake: Path) -> None:
    held = {"status": "pending", "held_by": "captain"}
    story.talk(0, causation="history", **held).customer(0)  # held, never answered: not in this inbox
    story.talk(0, causation="history", inbox_id=2, **held).customer(0).captain(5)
    story.talk(0, causation="history", inbox_id=2).customer(0)
    story.talk(0, inbox_id=3, **held).customer(0)  # live: who holds is on
    assert by(story.build(lake), "captain_involvement", "inbox") == {2: 0.5, 3: 0}


def test_a_durable_resolution_needs_no_person_for_a_week_in_any_conversation(story: Story, lake: Path) -> None:
    for later in (7 * DAY, 7 * DAY + 1, 40 * DAY):
        story.talk(0, contact_id=later).customer(0).captain(5).resolve(100, by="captain")
        story.talk(later, contact_id=later).agent(100 + later)
    marts = story.build(lake)
    assert value(marts, "captain_resolution_assumed") == 1
    assert value(marts, "captain_resolution_durable") == pytest.approx(2 / 3)
    assert value(marts, "captain_resolution_durable_30") == pytest.approx(1 / 3)


def test_captain_is_on_where_an_assistant_answers(story: Story, lake: Path) -> None:
    for when, mode in ((10, "answers"), (20, "drafts")):
        told = {"assistant_id": 1, "version": 1, "mode": mode, "accepted_error": 0.1, "inbox_ids": [1]}
        story.tell("assistant.versioned", when, "user:1", told)
    for when in (5, 15, 25):
        story.talk(when)
        story.talk(when, inbox_id=2)
    assert ask(story.build(lake), "captain_involvement") == [
        {"n": 1, "mean": None, "p50": None, "p90": None, "value": 0}
    ]


def test_captain_harms_when_the_customer_says_so(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).captain(5).unhelpful(10).captain(20)
    story.talk(0).customer(0).captain(5).captain(6).resolve(100).rate(200, 1)
    story.talk(0).customer(0).captain(5).agent(50).resolve(100).rate(200, 1)
    marts = story.build(lake)
    assert ask(marts, "captain_harm")[0] | {"n": 5, "value": 0.6} == ask(marts, "captain_harm")[0]


# -- agents at work


def test_handle_time_is_what_an_agent_spent_on_a_conversation(story: Story, lake: Path) -> None:
    story.talk(0).look(10, 40).look(50, 60, user=8).look(100, 130)
    story.talk(0).look(40, 45)
    marts = story.build(lake)
    assert ask(marts, "handle_time")[0] | {"n": 3, "mean": 25.0, "p50": 10.0} == ask(marts, "handle_time")[0]
    assert by(marts, "handle_time", "agent") == {7: 32.5, 8: 10}
    assert by(marts, "handle_time", "agent", until=60) == {7: 17.5}


def test_occupancy_is_the_part_of_the_time_online(story: Story, lake: Path) -> None:
    story.presence(-HOUR, 7, "online")
    story.presence(HOUR, 7, "busy")
    story.presence(2 * HOUR, 7, "offline")
    story.presence(0, 8, "online")
    story.presence(HOUR, 8, "offline")
    story.talk(0).look(HOUR - 600, HOUR + 600)
    marts = story.build(lake)
    assert by(marts, "occupancy", "agent") == {7: 1200 / (3 * HOUR), 8: 0}
    assert ask(marts, "occupancy", since=0) == [{"n": 3 * HOUR, "mean": None, "p50": None, "p90": None, "value": 1 / 9}]
    assert by(marts, "occupancy", "hour", agent_ids=(7,)) == {
        "2026-03-02T11:00": 0, "2026-03-02T12:00": 1 / 6, "2026-03-02T13:00": 1 / 6,
    }  # fmt: skip


# -- as it was, and as of today


def test_as_of_today_follows_the_present_assignee_team_and_labels(story: Story, lake: Path) -> None:
    talk = story.talk(0, assignee_id=7, team_id=1).customer(0).agent(60, user=7).resolve(100, by="user:7")
    talk.assign(200, 9).team(210, 3).label(220, "возврат").priority(230, "high")
    story.talk(0).customer(0).agent(30, user=7)
    marts = story.build(lake)
    now = {"attribution": "current"}
    assert by(marts, "first_response_human", "agent") == {7: 45}
    assert by(marts, "first_response_human", "agent", **now) == {9: 60, None: 30}
    assert by(marts, "full_resolution", "team", **now) == {3: 100}
    # what it was worth then: a priority is no-one's to be credited
    assert by(marts, "first_response_human", "priority", **now) == {None: 45}
    assert by(marts, "messages_incoming", "label", **now) == {"возврат": 1, None: 1}
    assert value(marts, "conversations", team_ids=(3,), **now) == 1
    assert value(marts, "conversations", team_ids=(3,)) is None
    assert by(marts, "backlog", "agent", until=50, **now) == {9: 1, None: 1}


def test_captain_or_human_is_whether_he_took_part_by_then(story: Story, lake: Path) -> None:
    story.talk(0, status="pending", held_by="captain").customer(0).captain(5).hand_off(60).agent(90).resolve(100)
    story.talk(0).customer(0).agent(30).resolve(50)
    marts = story.build(lake)
    assert by(marts, "first_response_any", "captain") == {"captain": 5, "human": 30}
    assert by(marts, "full_resolution", "captain") == {"captain": 100, "human": 50}
    assert by(marts, "messages_outgoing", "captain") == {"captain": 1, "human": 2}


# -- zones


def test_days_and_hours_are_cut_where_the_account_lives(story: Story, lake: Path) -> None:
    for hours in (-13, -12, 8.99, 9, 11):
        story.talk(hours * HOUR)
    marts = story.build(lake)
    assert by(marts, "conversations", "day") == {"2026-03-01": 1, "2026-03-02": 4}
    assert by(marts, "conversations", "day", timezone="Europe/Moscow") == {"2026-03-02": 3, "2026-03-03": 2}
    # Kathmandu stands at +5:45, so noon UTC is 17:45 there
    assert by(marts, "conversations", "hour", timezone="Asia/Kathmandu", since=8 * HOUR, until=9.5 * HOUR) == {
        "2026-03-03T02:00": 2
    }
    rows = ask(marts, "conversations", by="weekday_hour", timezone="Europe/Moscow", since=8 * HOUR)
    assert [(row["weekday"], row["hour"], row["n"]) for row in rows] == [(1, 23, 1), (2, 0, 1), (2, 2, 1)]
    assert by(marts, "conversations", "week") == {"2026-02-23": 1, "2026-03-02": 4}
    assert by(marts, "conversations", "month") == {"2026-03": 5}


def test_a_day_of_23_and_one_of_25_hours_lose_nothing(story: Story, lake: Path) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for day in (datetime(2026, 3, 29, tzinfo=berlin), datetime(2026, 10, 25, tzinfo=berlin)):
        start, end = day.timestamp(), (day + timedelta(days=1)).timestamp()
        for moment in range(int(start), int(end), 1800):
            story.talk(moment - NOON.timestamp())
    marts = story.build(lake)
    year = NOON - timedelta(days=60), NOON + timedelta(days=300)
    rows = answer(marts, Query("conversations", *year, by="day", timezone="Europe/Berlin")).rows
    assert [(row["day"], row["n"]) for row in rows] == [("2026-03-29", 46), ("2026-10-25", 50)]
