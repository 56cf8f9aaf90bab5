"""Postings: against counting by hand, and read once."""

from collections import Counter

import numpy as np
import pytest

from accord.retrieval.lexical import Analyser
from accord.retrieval.lexical import postings as module
from accord.retrieval.lexical.postings import decode_sizes


def test_they_are_what_counting_gives(table, titles, texts):
    _, postings = table(titles, texts)
    counted = [[Counter(terms) for terms in Analyser().terms(field)] for field in (titles, texts)]
    assert postings.documents == len(texts)
    assert postings.lengths().tolist() == [[sum(t.values()), sum(b.values())] for t, b in zip(*counted)]
    for term in ("river", "tide", "zebra"):
        positions, counts = postings.of(term)
        wanted = {n: [t[term], b[term]] for n, (t, b) in enumerate(zip(*counted)) if t[term] or b[term]}
        assert dict(zip(positions.tolist(), counts.tolist())) == wanted
        assert (np.diff(positions) > 0).all()


def test_a_term_is_never_part_of_a_statement(table, texts):
    connection, postings = table([""] * len(texts), texts)
    for term in ("'; DROP TABLE documents; --", '"', "a' OR '1'='1", "\0"):
        assert len(postings.of(term)[0]) == 0
    assert connection.execute("SELECT count(*) FROM documents").fetchone() == (len(texts),)


def test_lists_are_kept_up_to_a_limit(table, texts, monkeypatch):
    connection, postings = table([""] * len(texts), texts)
    first = postings.of("river")
    statements = []
    connection.set_trace_callback(statements.append)
    assert postings.of("river")[0] is first[0] and not statements
    monkeypatch.setattr(module, "_KEPT", 1)
    postings.of("bank")
    assert postings.of("river")[0] is not first[0]
    assert postings.of("river")[0].tolist() == first[0].tolist()


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16383, 16384, 2097152])
def test_sizes_of_any_length_are_read(number):
    parts, left = [number & 127], number >> 7
    while left:
        parts.insert(0, left & 127 | 128)
        left >>= 7
    assert decode_sizes([bytes([5, *parts]), bytes([*parts, 0])]).tolist() == [[5, number], [number, 0]]
    assert decode_sizes([]).shape == (0, 2)
