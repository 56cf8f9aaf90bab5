"""What a codec keeps, beside plain sorts and loops."""

from __future__ import annotations

import numpy as np
import pytest

from accord.compression.codecs import Float16, Sign, fidelity
from accord.core.errors import InputError


def test_measures_are_those_of_plain_sorts(rng: np.random.Generator) -> None:
    rows, queries = rng.normal(size=(120, 16)).astype(np.float32), rng.normal(size=(9, 16)).astype(np.float32)
    codec = Sign().fit(rows)
    found = fidelity(codec, rows, queries=queries, k=5, candidates=20)
    rows, queries = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (rows, queries))
    codes = codec.encode(rows)
    exact = np.argsort(-queries @ rows.T, axis=1)[:, :5]
    order = np.argsort(-codec.scores(queries, codes), axis=1, kind="stable")
    plain = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(order[:, :5], exact)])
    best = [max(len(set(a) & set(b)) for _ in [0]) / 5 for a, b in zip(order[:, :20], exact)]
    assert found.recall == pytest.approx(plain)
    assert found.recall_rescored == pytest.approx(np.mean(best))
    assert found.recall < found.recall_rescored <= 1
    cosines = np.abs(rows).sum(axis=1) / 4
    assert found.cosine_mean == pytest.approx(cosines.mean(), rel=1e-5)
    assert found.cosine_min == pytest.approx(cosines.min(), rel=1e-5)
    assert found.pearson == pytest.approx(
        np.corrcoef(codec.scores(queries, codes).ravel(), (queries @ rows.T).ravel())[0, 1], rel=1e-4
    )
    assert (found.vectors, found.queries, found.bytes_per_vector) == (120, 9, 2)
    assert (found.megabytes_per_million, found.share_of_float32) == (2.0, 1 / 32)


def test_queries_are_drawn_from_the_vectors_and_not_searched(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(60, 8))
    found = fidelity(Float16().fit(rows), rows, seed=1, candidates=10)
    assert (found.vectors, found.queries) == (30, 30)
    assert found == fidelity(Float16().fit(rows), rows, seed=1, candidates=10)
    assert found.recall > 0.95


def test_too_few_vectors_are_refused(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(10, 8))
    with pytest.raises(InputError, match="more than 10 vectors"):
        fidelity(Float16().fit(rows), rows, queries=rows)
    with pytest.raises(InputError, match="`candidates` must be at least 10"):
        fidelity(Float16().fit(rows), rows, candidates=9)
