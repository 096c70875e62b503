"""How sure Captain is, and what he does with it."""

import math
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from captain import confidence
from captain.calibration import Judged, recalibration
from captain.confidence import CERTAIN, TOLD, Features, features, judged, probability, share, verdict
from captain.index import Hit, either, fuse
from captain.shelf import Shelf
from captain.text import content, question
from captain.wire import Calibration, Thresholds, Verdict

MODELS = confidence._stored()
NONE = Features(*[0.0] * len(fields(Features)))


def hits(shelf: Shelf, asked: str, without: frozenset[str] = frozenset()) -> list[Hit]:
    return fuse(question(asked), shelf.candidates(question(asked), without=without))


@pytest.mark.parametrize(
    ("asked", "article"),
    [
        ("сколько стоит доставка в Ош?", "delivery"),
        ("забыл пароль, что делать", "password"),
        ("чашка разбилась", "broken"),
        ("как вернуть чайник", "return"),
    ],
)
def test_he_is_surer_with_the_article_than_without_it(shelf: Shelf, asked: str, article: str) -> None:
    having, lacking = hits(shelf, asked), hits(shelf, asked, without=frozenset([article]))
    assert having[0].candidate.external_id == article
    assert probability(asked, having) >= Thresholds().answer
    assert probability(asked, lacking) < 0.5


@pytest.mark.parametrize("asked", ["спасибо", "👍", "", "добрый день", "???"])
def test_a_message_that_asks_nothing_gets_no_confidence(shelf: Shelf, asked: str) -> None:
    assert probability(asked, hits(shelf, asked)) == 0


def test_without_hits_there_is_no_confidence() -> None:
    assert probability("сколько стоит доставка", []) == 0


@pytest.mark.parametrize("model", MODELS)
def test_more_of_any_feature_is_never_worse(model: str) -> None:
    for name in asdict(NONE):
        assert judged(replace(NONE, **{name: 1.0}), MODELS[model]) >= judged(NONE, MODELS[model]), name


@pytest.mark.parametrize("model", MODELS)
def test_with_nothing_in_its_favour_an_article_is_not_even_suggested(model: str) -> None:
    assert judged(NONE, MODELS[model]) < Thresholds().suggest


def test_nobody_is_quite_certain() -> None:
    assert judged(Features(9, 9, 9, 9, 9), MODELS["same_script"]) == CERTAIN


def test_words_the_passage_lacks_count_by_their_rarity() -> None:
    rarity = {"доставк": 1.0, "камчатк": 3.0}
    asked = ("доставк", "камчатк")
    assert share(asked, "Доставка по Бишкеку", rarity) == pytest.approx(0.25)
    assert share(asked, "Доставки на Камчатку", rarity) == 1
    assert share((), "Доставка", {}) == 0


def test_a_mistyped_word_counts_as_far_as_it_is_alike() -> None:
    assert 0.3 < share(("достафк",), "Доставка", {"достафк": 1.0}) < 1
    (name,) = content("телеграм")
    assert share((name,), "Подключите Telegram", {name: 1.0}) == 1


def test_being_ahead_is_measured_against_other_articles_and_not_against_translations(shelf: Shelf) -> None:
    found = hits(shelf, "когда вы отвечаете")
    assert {hit.candidate.locale for hit in found if hit.candidate.subject == "hours"} == {"ru", "en"}
    own = max(either(hit.candidate) or 0 for hit in found if hit.candidate.subject == "hours")
    next_best = max(either(hit.candidate) or 0 for hit in found if hit.candidate.subject != "hours")
    assert features("когда вы отвечаете", found).ahead_of_next == pytest.approx(own - next_best)


def test_a_word_that_only_the_next_article_says_speaks_against_the_first(shelf: Shelf) -> None:
    asked = "вернуть чай оптом"
    found = sorted(hits(shelf, asked), key=lambda hit: hit.candidate.external_id != "return")
    by_wholesale = sorted(found[1:], key=lambda hit: hit.candidate.external_id != "wholesale")
    by_hours = sorted(found[1:], key=lambda hit: hit.candidate.external_id != "hours")
    against, beside = features(asked, [found[0], *by_wholesale]), features(asked, [found[0], *by_hours])
    assert against.told == beside.told
    assert against.told_ahead < beside.told_ahead


def test_a_long_message_is_no_surer_for_all_its_words(shelf: Shelf) -> None:
    asked = " ".join(f"{article.title} {article.markdown}" for article in {entry.article for entry in shelf.entries})
    assert features(asked, hits(shelf, "как вернуть чайник")).told == TOLD


def test_a_help_center_of_one_article_has_features_too(shelf: Shelf) -> None:
    alone = [hits(shelf, "забыл пароль")[0]]
    found = features("забыл пароль", alone)
    assert (found.ahead_of_next, found.article_ahead, found.score_ahead) == (0, 0, 0)


def test_between_the_thresholds_links_are_suggested() -> None:
    chosen = Thresholds(answer=0.8, suggest=0.4)
    assert [verdict(sure, chosen) for sure in (0.39, 0.4, 0.79, 0.8)] == [
        Verdict.ABSTAIN,
        Verdict.SUGGEST,
        Verdict.SUGGEST,
        Verdict.ANSWER,
    ]


@pytest.mark.parametrize(("answer", "suggest"), [(0.3, 0.4), (1.1, 0.4), (0.5, -0.1), (float("nan"), 0.1)])
def test_thresholds_out_of_order_are_refused(answer: float, suggest: float) -> None:
    with pytest.raises(ValueError, match="suggest ≤ answer"):
        Thresholds(answer, suggest)


def drafts(count: int, share: float) -> list[Judged]:
    """As sure as you like, and good with `share` of that probability."""
    random = np.random.default_rng(1)
    said = random.uniform(0.01, 0.99, count)
    return [Judged(float(p), float(random.uniform() < p * share)) for p in said]


def test_an_account_that_rejects_confident_drafts_makes_captain_humbler(shelf: Shelf) -> None:
    humbler = recalibration(drafts(400, 0.5))
    assert humbler is not None
    found = hits(shelf, "как вернуть чайник", without=frozenset(["return"]))
    before, after = probability("как вернуть чайник", found), probability("как вернуть чайник", found, humbler)
    assert after < before - 0.1


def test_an_account_that_captain_judges_rightly_changes_him_little() -> None:
    fitted = recalibration(drafts(2000, 1.0))
    assert fitted is not None
    assert fitted.slope == pytest.approx(1, abs=0.15)
    assert fitted.intercept == pytest.approx(0, abs=0.15)


def test_a_second_calibration_starts_from_what_the_model_said_and_not_from_the_first() -> None:
    used = Calibration(slope=0.5, intercept=-1.0)
    raw = drafts(400, 0.5)
    through = [
        Judged(1 / (1 + math.exp(-(used.slope * logit(one.probability) + used.intercept))), one.worth) for one in raw
    ]
    again, first = recalibration(through, used), recalibration(raw)
    assert again is not None
    assert first is not None
    assert (again.slope, again.intercept) == pytest.approx((first.slope, first.intercept), abs=1e-6)


def test_a_few_drafts_or_drafts_of_one_kind_teach_nothing() -> None:
    assert recalibration(drafts(199, 0.5)) is None
    assert recalibration([Judged(0.9, 1.0)] * 500) is None
    assert recalibration([]) is None


def test_an_edited_draft_is_worth_what_stayed_of_it() -> None:
    assert Judged.edited(0.9, 25, 100) == Judged(0.9, 0.75)
    assert Judged.edited(0.9, 300, 100).worth == 0


def test_calibration_keeps_the_order() -> None:
    contrary = [Judged(one.probability, 1 - one.worth) for one in drafts(400, 1.0)]
    fitted = recalibration(contrary)
    assert fitted is not None
    assert fitted.slope == 0
    assert Calibration() == Calibration(slope=1, intercept=0)


def logit(p: float) -> float:
    return math.log(p / (1 - p))
