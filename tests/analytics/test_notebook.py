"""The notebooks, run as anybody would run them, on what an export wrote; and what they found there."""

import importlib
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analytics.export import export
from tests.analytics.story import ACCOUNT, DAY, HOUR, MINUTE, Story

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NOTHING_YET = {
    "first_response": "считать нечего",
    "what_the_log_says": "Клиенты ещё не писали",
    "what_drives_csat": "клиенты ещё ничего не оценили",
    "volume_forecast": "предсказывать нечего",
    "captains_retrieval": "Капитан ещё ничего не искал",
}


def test_every_notebook_is_tried_on_an_empty_account() -> None:
    notebooks = {file.stem for file in NOTEBOOKS.glob("*.py") if "marimo.App" in file.read_text()}
    assert notebooks == NOTHING_YET.keys()


@pytest.mark.parametrize("name", NOTHING_YET)
def test_where_nobody_has_written_yet_a_notebook_says_that_there_is_nothing(name: str, lake: Path) -> None:
    story = Story()
    story.tell("account.created", 0, "system", {"name": "Acme"})
    story.tell("inbox.created", 60, "user:1", {"inbox_id": 1, "channel": "website"})
    assert NOTHING_YET[name] in said(name, exported(story, lake))


@pytest.mark.parametrize("name", ["what_the_log_says", "captains_retrieval"])
def test_a_log_without_a_single_event_is_no_error(name: str, lake: Path) -> None:
    assert "Ответ" in said(name, exported(Story(), lake))


def test_without_an_export_a_notebook_says_how_to_make_one(lake: Path) -> None:
    ran = run("first_response", lake)
    assert ran.returncode != 0
    assert "kulpunai export" in ran.stderr + ran.stdout


def test_the_export_can_be_named_by_the_environment(lake: Path) -> None:
    ran = run("first_response", lake, KULPUNAI_EXPORT=str(exported(Story(), lake)))
    assert ran.returncode == 0, ran.stderr


def test_customers_wait_as_long_as_the_metric_says_and_longest_when_they_do(lake: Path) -> None:
    story = Story()
    for week in range(6):
        story.talk(week * 7 * DAY).customer(week * 7 * DAY).agent(week * 7 * DAY + 600)
    words = said("first_response", exported(story, lake))
    assert "половина клиентов ждёт человека не дольше 10 мин" in words
    assert "в понедельник с 12:00" in words


# -- what the log says


def test_a_conversation_is_told_event_by_event(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    story.talk().customer(0)
    story.talk(HOUR).customer(HOUR).assign(HOUR + 5, 7).agent(HOUR + 60).resolve(HOUR + 90)
    found = variables("what_the_log_says", exported(story, lake), monkeypatch)
    assert [row[2] for row in found["story"]] == [
        "conversation.created",
        "message.created",
        "assignee.changed",
        "message.created",
        "conversation.status_changed",
    ]
    assert found["story"][2] == (5, "02.03.2026 13:00:05", "assignee.changed", "automation", "assignee_change: — → 7")
    assert found["story"][4][3:] == ("user:7", "status_change: open → resolved")
    assert "Самый людный час недели: пн, 12:00" in found["conclusion"]


def test_a_lost_event_is_seen(lake: Path) -> None:
    story = Story()
    story.talk().customer(0).agent(60).resolve(90)
    folder = exported(story, lake)
    assert "номера идут подряд" in said("what_the_log_says", folder)
    events = pl.read_parquet(folder / "events.parquet")
    events.filter(pl.col("seq") != 2).write_parquet(folder / "events.parquet")
    assert "номера идут не подряд" in said("what_the_log_says", folder)


# -- what drives CSAT


def rated(story: Story, number: int, waited: float, rating: int) -> None:
    when = number * 2 * HOUR
    talk = story.talk(when).customer(when).agent(when + waited)
    talk.resolve(when + 2 * DAY).ask(when + 2 * DAY, number).rate(when + 2 * DAY + 60, rating, number)


def test_a_trait_that_goes_with_content_customers_is_found(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    for number in range(120):
        is_quick, is_odd = number % 2 == 0, number % 7 == 0
        rated(story, number, 2 * MINUTE if is_quick else 4 * HOUR, 5 if is_quick != is_odd else 1)
    found = variables("what_drives_csat", exported(story, lake), monkeypatch)
    assert list(found["traits"]) == ["первый ответ человека вдвое дольше"]
    assert found["lows"][0] < found["effects"][0] < found["highs"][0] < 1
    assert found["auc_low"] > 0.5
    assert "первый ответ человека вдвое дольше — шансы × 0," in found["conclusion"]
    # 2 minutes: 60 answers, of which every seventh is the other way round
    assert ("1–5 минут", 51, 60) in found["by_response"]


def test_ratings_that_go_with_nothing_are_told_apart_from_chance(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    dice = random.Random(2)
    for number in range(120):
        rated(story, number, dice.choice([2 * MINUTE, 4 * HOUR]), dice.choice([1, 5]))
    found = variables("what_drives_csat", exported(story, lake), monkeypatch)
    assert found["lows"][0] < 1 < found["highs"][0]
    assert "отчётливых связей не видно" in found["conclusion"]


def test_of_a_handful_of_discontented_customers_nothing_is_concluded(lake: Path) -> None:
    story = Story()
    for number in range(30):
        rated(story, number, HOUR if number % 2 else MINUTE, 5 if number < 27 else 1)
    assert "данных мало: на меньшей из сторон клиентов 3, а нужно хотя бы 10" in said(
        "what_drives_csat", exported(story, lake)
    )


# -- volume forecast


def begun(counts: list[int]) -> Story:
    """So many conversations on each day, the first a Monday."""
    story = Story()
    for day, count in enumerate(counts):
        for number in range(count):
            story.talk(day * DAY + number * 60)
    return story


def test_a_week_with_a_shape_is_foretold_better_than_by_the_week_before(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(1)
    usual = (9, 8, 8, 7, 7, 3, 2)
    counts = [max(0, usual[day % 7] + dice.randint(-2, 2)) for day in range(142)]
    found = variables("volume_forecast", exported(begun(counts), lake), monkeypatch)
    # the first day and the last are not whole, and left out
    assert list(found["counts"]) == counts[1:-1]
    assert [day.isoformat() for day in found["coming"][:2]] == ["2026-07-21", "2026-07-22"]
    expected = [usual[day.weekday()] for day in found["coming"]]
    assert all(abs(mean - one) < 2 for mean, one in zip(found["forecast"], expected, strict=True))
    assert all(low <= one <= high for low, one, high in zip(found["low"], expected, found["high"], strict=True))
    assert found["gain_low"] > 0
    assert "ошибался на" in found["conclusion"]
    assert found["judged_days"] == 84


def test_the_check_on_the_past_does_not_know_what_it_foretells(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = [3] * 71
    stormy = calm[:63] + [9] * 8
    weeks = [
        variables("volume_forecast", exported(begun(counts), lake / name), monkeypatch)["weeks"]
        for name, counts in (("calm", calm), ("stormy", stormy))
    ]
    assert list(weeks[1][-1]["actual"]) == [9] * 7
    assert list(weeks[0][-1]["ours"]) == list(weeks[1][-1]["ours"])
    assert all(list(found[-1]["interval"][1]) == pytest.approx([3] * 7) for found in weeks)


def test_after_a_few_weeks_it_is_too_early_to_foretell(lake: Path) -> None:
    assert "полных дней пока 28" in said("volume_forecast", exported(begun([2] * 30), lake))


# -- Captain's retrieval


@pytest.fixture
def captains(lake: Path) -> Path:
    """Twelve drafts of which eleven are taken, three questions left to people, one answer that helped."""
    story = Story()
    for number in range(12):
        talk = story.talk(number * HOUR).customer(number * HOUR)
        known = {"message_id": number + 1, "confidence": 0.85}
        talk.tell(
            "captain.retrieved", number * HOUR + 1, "captain", message_id=number + 1, article_ids=[5, 6], scores=[1, 0]
        )
        talk.tell("captain.drafted", number * HOUR + 1, "captain", draft_id=number + 1, **known)
        fate = "accepted" if number < 9 else "edited" if number < 11 else "rejected"
        edited = {} if fate == "rejected" else {"edit_distance": 12 if fate == "edited" else 0}
        talk.tell(f"captain.draft_{fate}", number * HOUR + 9, "user:7", draft_id=number + 1, **known, **edited)
    for number in range(20, 23):
        talk = story.talk(number * HOUR, labels=["доставка"]).customer(number * HOUR)
        talk.tell("captain.retrieved", number * HOUR + 1, "captain", message_id=number, article_ids=[6], scores=[0.2])
        talk.tell(
            "captain.abstained", number * HOUR + 1, "captain", message_id=number, confidence=0.1, reason="not_sure"
        )
    talk = story.talk(30 * HOUR).customer(30 * HOUR)
    replied = {"reply_id": 31, "kind": "answer", "confidence": 0.95, "article_ids": [5], "assistant_id": 1}
    talk.tell("captain.replied", 30 * HOUR + 1, "captain", message_id=30, **replied)
    talk.tell("captain.feedback", 30 * HOUR + 60, "contact:1", message_id=31, is_helpful=True)
    return exported(story, lake)


def test_captains_confidence_stands_beside_what_became_of_his_drafts(
    captains: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = variables("captains_retrieval", captains, monkeypatch)
    assert (found["asked"], found["decided"], found["taken"], found["unanswered"]) == (16, 12, 11, 3)
    assert found["calibration"] == [("0,8–0,9", pytest.approx(0.85), 11, 12)]
    assert found["reasons"] == [("не уверен", 3)]
    assert "решений пока мало" in found["conclusion"]


def test_questions_without_an_answer_are_told_in_words_where_the_export_has_them(
    captains: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        20: "Сколько стоит доставка в Ош?",
        21: "А сколько стоит доставка в город Ош?",
        22: "Можно ли вернуть открытую банку мёда?",
        1: "Это уже отвечено",
    }
    rows = {"message_id": list(texts), "content": list(texts.values())}
    pl.DataFrame(rows).write_parquet(captains / "message_texts.parquet")
    found = variables("captains_retrieval", captains, monkeypatch)
    assert found["about"] == [[texts[20], texts[21]], [texts[22]]]


# -- running them


def exported(story: Story, lake: Path) -> Path:
    """The folder with the export of this story."""
    lake.mkdir(exist_ok=True)
    story.build(lake)
    export(lake, ACCOUNT, lake / "out", is_csv=False)
    return lake / "out"


def said(name: str, folder: Path) -> str:
    """What the notebook prints, run in a process of its own."""
    ran = run(name, folder.parent, "--export", str(folder))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.replace("\u00a0", " ")


def run(name: str, where: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(NOTEBOOKS / f"{name}.py"), *arguments],
        cwd=where,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def variables(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the notebook has found: its variables."""
    monkeypatch.syspath_prepend(NOTEBOOKS)
    monkeypatch.setenv("KULPUNAI_EXPORT", str(folder))
    monkeypatch.setattr(sys, "argv", [name])
    found: dict[str, Any] = importlib.import_module(name).app.run()[1]
    return {key: value.replace("\u00a0", " ") if isinstance(value, str) else value for key, value in found.items()}
