import hashlib

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # no test of this room is about time
settings.load_profile("no deadline")


class Toy:
    """An encoder without weights: a text is the sum of its words' random vectors, with a prompt before it."""

    similarity_name = "cosine"

    def __init__(self, dim: int = 64) -> None:
        self.dim = dim
        self.calls: list[tuple[str, str | None, list[str]]] = []

    def word(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        return np.random.default_rng(seed).normal(size=self.dim)

    def rows(self, texts):
        return np.array([sum(self.word(w) for w in text.lower().split()) for text in texts], dtype=np.float32)

    def encode_query(self, texts, *, prompt_name=None, progress=None):
        self.calls.append(("query", prompt_name, list(texts)))
        return self.rows(texts)

    def encode_document(self, texts, *, prompt_name=None, progress=None):
        self.calls.append(("document", prompt_name, list(texts)))
        return self.rows(texts)


@pytest.fixture
def toy():
    return Toy()


class WordScorer:
    """A cross-encoder without weights: how many words of the first text the second one has."""

    def __init__(self) -> None:
        self.read: list[tuple[str, str]] = []

    def score(self, left, right, *, progress=None):
        self.read += zip(left, right)
        return np.array([len(set(a.split()) & set(b.split())) for a, b in zip(left, right)], dtype=np.float32)


@pytest.fixture
def scorer():
    return WordScorer()
