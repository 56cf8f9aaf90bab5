"""Centroids for parts: the same codes as FAISS, fewer vectors than centroids, and a life without FAISS."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from accord.compression.codecs import ProductQuantizer, load, save
from accord.core.errors import InputError, MissingExtra

faiss = pytest.importorskip("faiss")


@pytest.mark.parametrize("rotate", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_codes_and_vectors_are_those_of_faiss(rotate: bool, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(600, 12)).astype(np.float32)
    codec = ProductQuantizer(parts=4, rotate=rotate).fit(rows, similarity="dot")
    peer = faiss.ProductQuantizer(12, 4, 8)
    faiss.copy_array_to_vector(codec.centroids.ravel(), peer.centroids)
    turned = rows if codec.rotation is None else np.ascontiguousarray(rows @ codec.rotation)
    codes = codec.encode(rows)
    assert (codes == peer.compute_codes(turned)).mean() > 0.999
    back = peer.decode(codes)
    back = back if codec.rotation is None else back @ codec.rotation.T
    np.testing.assert_allclose(codec.decode(codes), back, atol=1e-5)
    np.testing.assert_allclose(codec.scores(rows[:5], codes), rows[:5] @ back.T, atol=1e-4)
    decoded = codec.decode(codes)
    np.testing.assert_allclose(codec.code_scores(codes[:5], codes), decoded[:5] @ decoded.T, atol=1e-4)


@pytest.mark.slow
def test_a_rotation_is_orthogonal_and_helps_where_parts_differ(rng: np.random.Generator) -> None:
    rows = (rng.normal(size=(600, 12)) * np.repeat([3.0, 0.3], 6)).astype(np.float32)
    errors = []
    for rotate in (False, True):
        codec = ProductQuantizer(parts=4, rotate=rotate).fit(rows, similarity="dot")
        errors.append(np.square(codec.decode(codec.encode(rows)) - rows).mean())
        if codec.rotation is not None:
            np.testing.assert_allclose(codec.rotation.T @ codec.rotation, np.eye(12), atol=1e-4)
    assert errors[1] < errors[0]


def test_fewer_vectors_than_centroids_are_refused_with_both_numbers(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match=r"must be at least 256 for 256 centroids a part\. Got 255"):
        ProductQuantizer(parts=4).fit(rng.normal(size=(255, 8)))


def test_parts_must_divide_the_dimension(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match=r"`parts` must divide the dimension, which is 8\. Got 3"):
        ProductQuantizer(parts=3).fit(rng.normal(size=(300, 8)))
    for parts in (0, 2.5):
        with pytest.raises(InputError, match="`parts` must be"):
            ProductQuantizer(parts=parts)


def test_without_faiss_nothing_is_learned_but_everything_is_read(
    rng: np.random.Generator, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rng.normal(size=(300, 8)).astype(np.float32)
    codec = ProductQuantizer(parts=4).fit(rows)
    save(codec, tmp_path / "codec")
    monkeypatch.setitem(sys.modules, "faiss", None)
    again = load(tmp_path / "codec")
    np.testing.assert_array_equal(again.encode(rows), codec.encode(rows))
    with pytest.raises(MissingExtra, match=r"accord\[search\]"):
        ProductQuantizer(parts=4).fit(rows)
