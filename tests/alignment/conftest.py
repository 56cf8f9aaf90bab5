"""Texts of two made-up languages about three topics, and an encoder that understands a little of both."""

from types import SimpleNamespace

import numpy as np
import pytest

TOPICS = ("food", "sport", "music")


def word(language, topic, number):
    return f"{language}{topic[:2]}{number}"


def corpus(seed, *, each, languages=("aa", "bb"), noise=0.4):
    generator = np.random.default_rng(seed)
    texts, labels, spoken = [], [], []
    for language in languages:
        for topic in TOPICS:
            for _ in range(each):
                words = []
                for _ in range(8):
                    about = topic if generator.random() > noise else TOPICS[generator.integers(3)]
                    words.append(word(language, about, generator.integers(6)))
                texts.append(" ".join([*words, f"{language}filler{generator.integers(9)}"]))
                labels.append(topic)
                spoken.append(language)
    return SimpleNamespace(texts=texts, labels=labels, languages=spoken)


class Gist:
    """Counts of topics, blurred: an encoder of every language."""

    dim = 3

    def __init__(self):
        self.calls = 0

    def encode_query(self, texts, *, prompt_name=None, progress=None):
        self.calls += 1
        rows = [[sum(f"{t[:2]}" in w[2:4] for w in text.split()) for t in TOPICS] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), 3) + 0.5

    encode_document = encode_query


@pytest.fixture
def train():
    return corpus(0, each=12)


@pytest.fixture
def test():
    return corpus(1, each=10)


@pytest.fixture
def gist():
    return Gist()


@pytest.fixture
def make_corpus():
    return corpus
