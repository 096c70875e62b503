"""Practice: the encoder learns to lay a question beside the text that answers it.

    python -m captain.fit encoder

Reads the texts of data/captain/practice, writes `encoder.npz`. Needs torch (requirements-models.lock), and half an hour
on two cores. What may change is told in `captain.encoder`.
"""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from captain.embedder import E5_PROMPTS
from captain.encoder import BLOCK, Tensor, directory
from captain.text import for_model
from captain.tokens import Tokenizer

Numbers = NDArray[np.float32]

SIZE, OTHERS = 48, 24  # questions of a step; articles of a step, at the least: what no question of it asks for is wrong
TEMPERATURE = 0.05  # of similarities from which the mean of the step is taken
RATE, WARMING = 1e-3, 0.1  # of learning, and the share of steps in which it rises to that; then it falls to nothing
ORDERS = 4  # of which the mean is taken
MEMORY = 0.98  # of the running mean that is kept: https://arxiv.org/abs/1803.05407
LONGEST = 126  # tokens
TOGETHER = 20  # texts read at once, of like length


@dataclass(frozen=True)
class Lesson:
    """Texts, and questions with the number of the text that answers. `titles` are empty where texts have none."""

    titles: Sequence[str]
    passages: Sequence[Sequence[str]]  # as they are embedded
    questions: Sequence[tuple[str, int]]


def practise(weights: bytes, lessons: Sequence[Lesson]) -> dict[str, NDArray[np.float16]]:
    """What to change of the weights (`captain.encoder.Changes`): the mean of what is learned by going through the lessons
    in several orders, which does better than each of them: https://arxiv.org/abs/2203.05482"""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        each = list(pool.map(partial(learned, weights, lessons), range(ORDERS)))
    return {name: np.mean([one[name] for one in each], axis=0).astype(np.float16) for name in each[0]}


def learned(weights: bytes, lessons: Sequence[Lesson], seed: int, rounds: int = 1) -> dict[str, Numbers]:
    """What one thread learns by going through the lessons so often."""
    torch.set_num_threads(1)
    net = Net(weights)
    steps = list(_steps(net, lessons, rounds, random.Random(seed)))  # noqa: S311
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: _rate(done / len(steps)))
    kept = {name: value.detach().clone() for name, value in net.changes.items()}
    for done, step in enumerate(steps, 1):
        loss = _loss(net, step)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        rate.step()
        optimizer.zero_grad()
        for name, value in net.changes.items():
            kept[name].lerp_(value.detach(), max(1 - MEMORY, 1 / (done + 1)))
        if done % 20 == 0:
            print(f"order {seed}, step {done} of {len(steps)}: loss {loss.item():.2f}", flush=True)
    return {name.replace("_", "."): value.numpy() for name, value in kept.items()}


def _rate(done: float) -> float:
    return min(1.0, done / WARMING + 0.01) * max(0.02, 1 - done)


@dataclass(frozen=True)
class Step:
    """Questions with the place of the text that answers; of each text a title, and passages with the place of theirs."""

    questions: Sequence[tuple[str, int]]
    titles: Sequence[str]
    passages: Sequence[tuple[str, int]]


def _steps(net: "Net", lessons: Sequence[Lesson], rounds: int, chance: random.Random) -> Iterator[Step]:
    """A step is of one lesson, so that the wrong answers are the neighbours of the right one."""
    near = [_nearest(net, lesson) for lesson in lessons]
    for _ in range(rounds):
        parts = []
        for lesson, own in zip(lessons, near, strict=True):
            order = chance.sample(range(len(own)), len(own))
            count = max(1, round(len(order) / SIZE))
            parts += [(lesson, own, order[start::count]) for start in range(count)]
        for lesson, own, asked in chance.sample(parts, len(parts)):
            yield _step(lesson, own, asked, chance)


def _step(lesson: Lesson, near: Sequence[str], asked: Sequence[int], chance: random.Random) -> Step:
    wanted = sorted({lesson.questions[i][1] for i in asked})
    others = sorted(set(range(len(lesson.passages))) - set(wanted))
    texts = wanted + chance.sample(others, min(len(others), max(0, OTHERS - len(wanted))))
    places = {text: place for place, text in enumerate(texts)}
    answering = {(near[i], places[lesson.questions[i][1]]) for i in asked}
    beside = [(chance.choice(lesson.passages[text]), places[text]) for text in texts[len(wanted) :]]
    return Step(
        [(lesson.questions[i][0], places[lesson.questions[i][1]]) for i in asked],
        [lesson.titles[text] for text in texts],
        sorted(answering) + beside,
    )


def _nearest(net: "Net", lesson: Lesson) -> list[str]:
    """Of each question the passage, of those of its text, that is most like it before any practice."""
    with torch.no_grad():
        asked = net.read([question for question, _ in lesson.questions], is_query=True)
        read = [net.read(passages, is_query=False) for passages in lesson.passages]
    places = [int((read[text] @ vector).argmax()) for vector, (_, text) in zip(asked, lesson.questions, strict=True)]
    return [lesson.passages[text][place] for place, (_, text) in zip(places, lesson.questions, strict=True)]


def _loss(net: "Net", step: Step) -> Any:
    """InfoNCE (https://arxiv.org/abs/1807.03748) by passages, by titles where there are any, and by both together."""
    questions = net.read([question for question, _ in step.questions], is_query=True)
    right = torch.tensor([place for _, place in step.questions])
    owners = torch.tensor([place for _, place in step.passages])
    passages = net.read([passage for passage, _ in step.passages], is_query=False)
    titles = net.read(step.titles, is_query=False) if any(step.titles) else passages[:0]
    mean = torch.cat([passages, titles]).mean(0).detach()
    asked = functional.normalize(questions - questions.mean(0).detach(), dim=1)
    # Without the means: raw vectors of E5 all point the same way
    each = asked @ functional.normalize(passages - mean, dim=1).T
    by_passage = torch.full((len(asked), len(step.titles)), -1.0).scatter_reduce(
        1, owners.expand(len(asked), -1), each, "amax"
    )
    seen = [by_passage]
    if len(titles):
        by_title = asked @ functional.normalize(titles - mean, dim=1).T
        seen += [by_title, (by_passage + by_title) / 2]
    return sum(functional.cross_entropy(alike / TEMPERATURE, right) for alike in seen) / len(seen)


class Net(nn.Module):  # type: ignore[misc]  # torch need not be there
    """The encoder in torch: BERT, of which the matrices stand still, and the mean over tokens.

    https://huggingface.co/intfloat/multilingual-e5-small
    """

    def __init__(self, weights: bytes) -> None:
        super().__init__()
        self._tokenizer = Tokenizer(weights)
        self._known: dict[tuple[str, bool], list[int]] = {}
        self._width, self._layers, self._heads = (int(number) for number in np.frombuffer(weights, "<i4", 3, 8))
        self._smallest = float(np.frombuffer(weights, "<f4", 1, 36)[0])  # of layer norms
        tensors = directory(weights)[1]
        self._still = {name: torch.from_numpy(_numbers(weights, found)) for name, found in tensors.items()}
        for name, found in tensors.items():
            if found.is_packed:
                inner = 4 * self._width if name.endswith("fo.w") else self._width
                self._still[name] = self._still[name].reshape(-1, inner)
        moved = [name for name in tensors if name not in ("emb.word", "emb.pos", "emb.type")]
        # ParameterDict takes no dots in names
        self.changes = nn.ParameterDict({name.replace(".", "_"): torch.zeros(len(self._still[name])) for name in moved})

    def read(self, texts: Sequence[str], *, is_query: bool) -> Any:
        """(n, d) of unit length."""
        found = [self._tokens(text, is_query=is_query) for text in texts]
        order = sorted(range(len(found)), key=lambda i: len(found[i]))
        vectors = [
            self._vectors([found[i] for i in order[at : at + TOGETHER]]) for at in range(0, len(order), TOGETHER)
        ]
        return torch.cat(vectors)[torch.tensor(order).argsort()]

    def _tokens(self, text: str, *, is_query: bool) -> list[int]:
        """The text's tokens with those that begin and end it, at most LONGEST between."""
        if (text, is_query) not in self._known:
            prompted = E5_PROMPTS["query" if is_query else "document"] + for_model(text)
            self._known[text, is_query] = self._tokenizer.of(prompted)[:LONGEST]
        return [self._tokenizer.begin, *self._known[text, is_query], self._tokenizer.end]

    def _vectors(self, tokens: Sequence[Sequence[int]]) -> Any:
        length = max(map(len, tokens))
        ids = torch.tensor([[*one, *[0] * (length - len(one))] for one in tokens])
        there = torch.tensor([[1.0] * len(one) + [0.0] * (length - len(one)) for one in tokens])
        with torch.autocast("cpu", torch.bfloat16):
            states = self._states(ids, there).float()
        return functional.normalize((states * there[..., None]).sum(1) / there.sum(1, keepdim=True), dim=1)

    def _states(self, ids: Any, there: Any) -> Any:
        """(n, tokens, d) of the last layer."""
        positions = self._still["emb.pos"].reshape(-1, self._width)[: ids.shape[1]]
        states = self._norm("emb.ln", self._still["emb.word"][ids] + positions + self._still["emb.type"][: self._width])
        for number in range(self._layers):
            layer = f"l{number}"
            attended = self._attention(layer, states, there[:, None, None, :].bool())
            states = self._norm(f"{layer}.aln", states + self._linear(f"{layer}.ao", attended))
            inner = functional.gelu(self._linear(f"{layer}.fi", states))
            states = self._norm(f"{layer}.oln", states + self._linear(f"{layer}.fo", inner))
        return states

    def _attention(self, layer: str, states: Any, there: Any) -> Any:
        count, length, width = states.shape
        queries, keys, values = (
            self._linear(f"{layer}.{kind}", states).view(count, length, self._heads, -1).transpose(1, 2)
            for kind in "qkv"
        )
        heads = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=there)
        return heads.transpose(1, 2).reshape(count, length, width)

    def _linear(self, name: str, states: Any) -> Any:
        factors = torch.exp(self._change(f"{name}.w"))
        return functional.linear(states, self._still[f"{name}.w"]) * factors + self._vector(f"{name}.b")

    def _norm(self, name: str, states: Any) -> Any:
        scale, shift = self._vector(f"{name}.w"), self._vector(f"{name}.b")
        return functional.layer_norm(states, (self._width,), scale, shift, self._smallest)

    def _vector(self, name: str) -> Any:
        return self._still[name] + self._change(name)

    def _change(self, name: str) -> Any:
        return self.changes[name.replace(".", "_")]


def _numbers(weights: bytes, found: Tensor) -> Numbers:
    """A tensor's numbers, in a row."""
    if not found.is_packed:
        return np.frombuffer(weights, "<f4", found.size // 4, found.offset).copy()
    blocks = np.frombuffer(weights, BLOCK, found.size // BLOCK.itemsize, found.offset)
    numbers = np.concatenate([blocks["numbers"] & 15, blocks["numbers"] >> 4], axis=1).astype(np.float32) - 8
    return np.asarray(numbers * blocks["scale"].astype(np.float32)[:, None], np.float32).reshape(-1)
