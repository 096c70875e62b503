"""Vectors from an OpenAI-compatible server, faked at the HTTP line; and the guarded client that calls it."""

from typing import Any

import numpy as np
import pytest

from app.cli import _post_to_models
from captain.embedder import Cached, Embedder, embedder
from captain.remote import Address, ModelAway
from captain.shelf import Article, Shelf
from tests.captain.fake_model import fake_model, post
from tests.conftest import forget_settings


def embeds(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Letters counted: enough to tell tea from delivery. In reverse order, as a server may answer."""
    rows = [
        {"index": i, "embedding": [text.lower().count(letter) + 0.1 for letter in "абвгдеиклмнорстуч"]}
        for i, text in enumerate(body["input"])
    ]
    return 200, {"data": rows[::-1]}


def test_vectors_of_a_server_are_of_unit_length_and_in_the_order_of_the_texts() -> None:
    with fake_model(embeds) as server:
        model: Embedder = embedder(f"openai:letters@{server.base}", post)
        assert (model.name, model.dimension) == (f"openai:letters@{server.base}", 17)
        texts = [f"чай номер {i}" for i in range(70)]
        vectors = model.encode_document(texts)
        assert vectors.shape == (70, 17)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
        assert model.encode_query(texts[:1])[0] == pytest.approx(vectors[0], abs=1e-6)
        assert model.encode_query([]).shape == (0, 17)
        model.encode_query(["", "\0", "\ud800", "👍"])
        assert {path for path, _ in server.asked} == {"/v1/embeddings"}
        assert {body["model"] for _, body in server.asked} == {"letters"}


def test_a_help_center_can_be_searched_with_them() -> None:
    with fake_model(embeds) as server:
        shelf = Shelf(
            [Article("a", "Чай", "Чай."), Article("b", "Доставка", "Доставка.")],
            Cached(embedder(f"openai:letters@{server.base}", post), None),
        )
        assert max(shelf.candidates("доставка"), key=lambda found: found.cosine or 0).external_id == "b"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ((503, {"error": "busy"}), "503"),
        ((200, b"<html>"), "something else than JSON"),
        ((200, []), "something else than an object"),
        ((200, {"data": [{"index": 0}]}), "without vectors"),
        ((200, {"data": []}), "other vectors"),
        ((200, {"data": [{"index": 0, "embedding": [1e999]}]}), "other vectors"),
    ],
)
def test_a_server_that_gives_no_vectors_is_away(answer: tuple[int, Any], complaint: str) -> None:
    with fake_model(lambda *_: answer) as server, pytest.raises(ModelAway, match=complaint):
        embedder(f"openai:letters@{server.base}", post)


def test_nobody_at_the_address_is_a_model_away() -> None:
    with fake_model(embeds) as server:
        base = server.base
    with pytest.raises(ModelAway, match="no answer"):
        embedder(f"openai:letters@{base}", post)


@pytest.mark.parametrize("spec", ["letters", "letters@", "@http://x", "letters@ftp://x"])
def test_an_address_that_is_none_is_named(spec: str) -> None:
    with pytest.raises(ValueError, match="<model>@<base url>"):
        Address.read(spec)


def test_without_a_client_no_server_is_called() -> None:
    with pytest.raises(ValueError, match="no embedder"):
        embedder("openai:letters@http://127.0.0.1:1/v1")


def test_the_guarded_client_calls_a_private_server_only_where_the_operator_allows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with fake_model(embeds) as server:
        forget_settings()
        with pytest.raises(OSError, match="EGRESS_ALLOW_CIDRS"):
            _post_to_models(f"{server.base}/embeddings", {"input": ["чай"]}, 5)
        assert server.asked == []
        monkeypatch.setenv("EGRESS_ALLOW_CIDRS", "127.0.0.1/32")
        forget_settings()
        status, raw = _post_to_models(f"{server.base}/embeddings", {"input": ["чай"]}, 5)
        assert (status, raw[:8]) == (200, b'{"data":')
    monkeypatch.undo()
    forget_settings()
