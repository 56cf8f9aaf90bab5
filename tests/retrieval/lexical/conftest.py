"""Full-text tables in memory, of the shape that a store has."""

import sqlite3
from contextlib import contextmanager

import numpy as np
import pytest

from accord.retrieval.lexical import Analyser, Postings

WORDS = [
    "the",
    "a",
    "river",
    "bank",
    "money",
    "loan",
    "water",
    "deep",
    "high",
    "interest",
    "rate",
    "fish",
    "boat",
    "account",
    "tide",
]


@pytest.fixture
def texts():
    generator = np.random.default_rng(5)
    shares = 1 / np.arange(1, len(WORDS) + 1)
    lengths = generator.integers(1, 30, size=80)
    return [" ".join(generator.choice(WORDS, size=n, p=shares / shares.sum())) for n in lengths]


@pytest.fixture
def titles():
    generator = np.random.default_rng(6)
    return [" ".join(generator.choice(WORDS, size=n)) for n in generator.integers(0, 4, size=80)]


@pytest.fixture
def table():
    """A function that indexes titles and texts; gives the connection and their postings."""
    opened = []

    def index(titles, texts, analyser=None):
        connection = sqlite3.connect(":memory:", isolation_level=None)
        opened.append(connection)
        connection.execute("CREATE TABLE documents (slot INTEGER PRIMARY KEY, title TEXT, text TEXT)")
        connection.execute(
            "CREATE VIRTUAL TABLE lexical USING fts5(title, text, content='documents', content_rowid='slot', "
            f"tokenize='{(analyser or Analyser()).sql}')"
        )
        rows = [(10 + slot, *row) for slot, row in enumerate(zip(titles, texts))]
        connection.executemany("INSERT INTO documents VALUES (?, ?, ?)", rows)
        connection.executemany("INSERT INTO lexical (rowid, title, text) VALUES (?, ?, ?)", rows)

        @contextmanager
        def reading():
            yield connection

        return connection, Postings(reading, lambda slots: slots - 10, len(texts))

    yield index
    for connection in opened:
        connection.close()
