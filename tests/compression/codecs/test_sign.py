"""Plain signs: the best scale, and distances from differing bits."""

from __future__ import annotations

import numpy as np

from accord.compression.codecs import Sign
from accord.compression.codecs.sign import sign_scale
from accord.maths.hamming import hamming_distances


def test_no_other_scale_comes_nearer(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(40, 9))
    best, signs = sign_scale(rows), np.sign(rows)
    errors = [np.square(rows - scale * signs).sum() for scale in (best - 0.01, best, best + 0.01)]
    assert errors[1] == min(errors)


def test_scores_are_dot_products_with_what_is_decoded(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(50, 13)).astype(np.float32)
    codec = Sign().fit(rows, similarity="dot")
    codes = codec.encode(rows)
    decoded = codec.decode(codes)
    np.testing.assert_allclose(codec.scores(rows[:4], codes), rows[:4] @ decoded.T, atol=1e-5)
    np.testing.assert_allclose(codec.code_scores(codes[:4], codes), decoded[:4] @ decoded.T, atol=1e-5)
    expected = (13 - 2 * hamming_distances(codes[:4], codes)) * codec.scale**2
    np.testing.assert_allclose(codec.code_scores(codes[:4], codes), expected, rtol=1e-5)
