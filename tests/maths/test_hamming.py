"""Counts of differing bits: with FAISS and without, beside plain loops over bits."""

from __future__ import annotations

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.maths import hamming
from accord.maths.bit_planes import plane_codes, plane_levels
from accord.maths.hamming import hamming_distances, hamming_search, plane_products, plane_search


@pytest.fixture(params=["faiss", "numpy", "table"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way of counting in turn."""
    if request.param == "faiss":
        pytest.importorskip("faiss")
    else:
        monkeypatch.setattr(hamming, "_faiss", lambda: None)
    if request.param == "table":
        monkeypatch.delattr(np, "bitwise_count", raising=False)
    return request.param


def plain(queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.array([[bin(int.from_bytes(bytes(q ^ c), "big")).count("1") for c in codes] for q in queries])


@pytest.mark.parametrize("width", [1, 7, 8, 12, 48])
def test_distances_are_those_of_a_plain_loop(backend: str, width: int, rng: np.random.Generator) -> None:
    queries, codes = (rng.integers(0, 256, (n, width), dtype=np.uint8) for n in (3, 50))
    np.testing.assert_array_equal(hamming_distances(queries, codes), plain(queries, codes))
    places, distances = hamming_search(queries, codes, 5)
    np.testing.assert_array_equal(distances, np.sort(plain(queries, codes), axis=1)[:, :5])
    np.testing.assert_array_equal(np.take_along_axis(plain(queries, codes), places, axis=1), distances)


@pytest.mark.parametrize(
    ("dim", "query_planes", "code_planes"), [(64, 1, 1), (70, 2, 2), (128, 3, 3), (20, 6, 1), (9, 8, 4)]
)
def test_products_are_those_of_the_levels(
    backend: str,
    dim: int,
    query_planes: int,
    code_planes: int,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hamming, "CELLS", 1)
    queries = plane_codes(rng.normal(size=(4, dim)), query_planes)
    codes = plane_codes(rng.normal(size=(2100, dim)), code_planes)
    expected = plane_levels(queries, dim, query_planes) @ plane_levels(codes, dim, code_planes).T
    planes = {"dim": dim, "query_planes": query_planes, "code_planes": code_planes}
    np.testing.assert_allclose(plane_products(queries, codes, **planes), expected, atol=1e-4)
    factors = rng.uniform(0.5, 2.0, size=2100).astype(np.float32)
    places, scores = plane_search(queries, codes, 7, factors=factors, **planes)
    np.testing.assert_allclose(scores, -np.sort(-expected * factors, axis=1)[:, :7], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(np.take_along_axis(expected * factors, places, axis=1), scores, rtol=1e-5, atol=1e-4)


def test_nothing_gives_nothing(backend: str) -> None:
    none, some = np.zeros((0, 8), dtype=np.uint8), np.zeros((2, 8), dtype=np.uint8)
    assert hamming_distances(none, some).shape == (0, 2)
    assert hamming_search(some, none, 3)[0].shape == (2, 0)
    assert plane_products(some, none, dim=64, query_planes=1, code_planes=1).shape == (2, 0)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="must be uint8"):
        hamming_distances(np.zeros((1, 8)), np.zeros((1, 8), dtype=np.uint8))
    with pytest.raises(InputError, match="equally many bytes"):
        hamming_search(np.zeros((1, 8), dtype=np.uint8), np.zeros((1, 9), dtype=np.uint8), 1)
    with pytest.raises(InputError, match="`k` must be at least 1"):
        hamming_search(np.zeros((1, 8), dtype=np.uint8), np.zeros((1, 8), dtype=np.uint8), 0)
    with pytest.raises(InputError, match="for 2 planes of 64 bits"):
        plane_products(*[np.zeros((1, 8), dtype=np.uint8)] * 2, dim=64, query_planes=2, code_planes=1)
