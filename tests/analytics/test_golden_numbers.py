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
    story.talk(0, assignee_id=7).customer(0).agent(3600).sla(3600, "met", "first_response", due=3600)
    story.talk(0, assignee_id=8).customer(0).sla(3603, "breached", "first_response", due=3600).agent(4000)
    story.talk(0, assignee_id=8).customer(0).agent(30).sla(30, "met", "first_response", due=3600)
    marts = story.build(lake)
    assert ask(marts, "sla_compliance") == [{"n": 3, "mean": None, "p50": None, "p90": None, "value": 2 / 3}]
    assert by(marts, "sla_compliance", "agent") == {7: 1.0, 8: 0.5}


def test_a_missed_target_is_dated_by_its_due_time_however_late_it_was_noticed(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).sla(5 * HOUR, "breached", "resolution", due=HOUR)
    marts = story.build(lake)
    assert value(marts, "sla_compliance", since=0, until=2 * HOUR) == 0
    assert value(marts, "sla_compliance", since=2 * HOUR) is None


def test_what_was_settled_first_stays_settled(story: Story, lake: Path) -> None:
    story.talk(0).customer(0).sla(3601, "breached", "resolution", due=3600).sla(3700, "met", "resolution", due=3600)
    marts = story.build(lake)
    assert ask(marts, "sla_compliance")[0]["n"] == 1
    assert value(marts, "sla_compliance") == 0


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
