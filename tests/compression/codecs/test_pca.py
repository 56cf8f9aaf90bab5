"""Principal directions: beside scikit-learn, whitening, and the codec within."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA as Peer

from accord.compression.codecs import PCA, Int8, load, save
from accord.compression.codecs.pca import principal_axes
from accord.core.errors import InputError


def rows_of(rng: np.random.Generator, count: int = 200) -> np.ndarray:
    return (rng.normal(size=(count, 8)) * np.linspace(3, 0.2, 8) + 1).astype(np.float32)


def test_directions_are_those_of_scikit_learn(rng: np.random.Generator) -> None:
    rows = rows_of(rng)
    mean, axes, spread = principal_axes(rows, 5)
    peer = Peer(5, svd_solver="full").fit(rows.astype(np.float64))
    np.testing.assert_allclose(mean, peer.mean_, rtol=1e-5)
    np.testing.assert_allclose(np.abs(axes.T @ peer.components_.T), np.eye(5), atol=1e-4)
    np.testing.assert_allclose(spread**2, peer.explained_variance_, rtol=1e-4)
    assert (axes[np.abs(axes).argmax(axis=0), range(5)] > 0).all()


@pytest.mark.parametrize("then", ["Float16", {"Int8": {"tail": 0.0}}, Int8(tail=0.01), "sign", {"RaBitQ": {"bits": 4}}])
def test_scores_are_dot_products_with_what_is_decoded(then: object, rng: np.random.Generator, tmp_path) -> None:
    rows = rows_of(rng)
    codec = PCA(dim=6, then=then).fit(rows, similarity="dot")
    codes = codec.encode(rows)
    np.testing.assert_allclose(codec.scores(rows[:4], codes), rows[:4] @ codec.decode(codes).T, rtol=1e-3, atol=1e-3)
    decoded = codec.decode(codes)
    np.testing.assert_allclose(codec.code_scores(codes[:4], codes), decoded[:4] @ decoded.T, rtol=1e-3, atol=2e-3)
    again = load(save(codec, tmp_path / "pca"))
    np.testing.assert_array_equal(again.scores(rows[:4], codes), codec.scores(rows[:4], codes))


def test_all_directions_lose_nothing(rng: np.random.Generator) -> None:
    rows = rows_of(rng)
    codec = PCA(dim=8).fit(rows, similarity="dot")
    np.testing.assert_allclose(codec.decode(codec.encode(rows)), rows, atol=0.02)


def test_white_scores_are_cosines_of_white_vectors(rng: np.random.Generator) -> None:
    rows = rows_of(rng)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    codec = PCA(dim=5, whiten=True).fit(rows)
    peer = Peer(5, whiten=True, svd_solver="full").fit(unit.astype(np.float64)).transform(unit)
    peer /= np.linalg.norm(peer, axis=1, keepdims=True)
    codes = codec.encode(rows)
    np.testing.assert_allclose(codec.scores(rows[:6], codes), peer[:6] @ peer.T, atol=5e-3)
    np.testing.assert_allclose(codec.code_scores(codes[:6], codes), peer[:6] @ peer.T, atol=5e-3)


def test_a_direction_without_spread_is_left_out_of_white_scores(rng: np.random.Generator) -> None:
    rows = np.hstack([rows_of(rng), np.zeros((200, 2), dtype=np.float32)])
    codec = PCA(dim=10, whiten=True).fit(rows, similarity="dot")
    assert np.isfinite(codec.decode(codec.encode(rows))).all()
    np.testing.assert_allclose(codec.decode(codec.encode(rows)), rows, atol=0.05)


def test_more_directions_than_there_can_be_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match=r"at most the vectors' 8 dimensions\. Got 9"):
        PCA(dim=9).fit(rows_of(rng))
    with pytest.raises(InputError, match=r"at least 7 for 6 directions\. Got 6"):
        PCA(dim=6).fit(rows_of(rng, 6))


@pytest.mark.parametrize("then", ["Int9", {"Int8": {"tial": 1}}, 3, {"os:system": {}}])
def test_what_is_no_codec_is_refused(then: object) -> None:
    with pytest.raises(InputError, match=r"Int9|tial|3|os:system"):
        PCA(then=then)
