"""Signs along random directions: angles, more bits, and the best scale."""

from __future__ import annotations

import numpy as np
import pytest

from accord.compression.codecs import RotatedSign
from accord.compression.codecs.rotated_sign import rotated_scale
from accord.core.errors import InputError
from accord.maths.hamming import hamming_distances
from accord.maths.rotation import random_rotation


def test_share_of_differing_bits_is_the_angle(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(2, 32)).astype(np.float32)
    codec = RotatedSign(bits=8192).fit(rows)
    codes = codec.encode(rows)
    angle = np.arccos(rows[0] @ rows[1] / np.prod(np.linalg.norm(rows, axis=1)))
    assert abs(hamming_distances(codes[:1], codes[1:])[0, 0] / 8192 - angle / np.pi) < 0.02


@pytest.mark.parametrize("bits", [5, 16, 40, None])
def test_scores_are_dot_products_with_what_is_decoded(bits: int | None, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(50, 16)).astype(np.float32)
    codec = RotatedSign(bits=bits).fit(rows, similarity="dot", seed=4)
    codes = codec.encode(rows)
    assert codes.shape[1] == -(-(16 if bits is None else bits) // 8)
    np.testing.assert_allclose(codec.scores(rows[:4], codes), rows[:4] @ codec.decode(codes).T, atol=1e-4)


def test_more_bits_come_nearer(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(300, 16)).astype(np.float32)
    errors = []
    for bits in (8, 16, 64, 256):
        codec = RotatedSign(bits=bits).fit(rows, similarity="dot")
        errors.append(np.square(codec.decode(codec.encode(rows)) - rows).mean())
    assert errors == sorted(errors, reverse=True)


def test_no_other_scale_comes_nearer(rng: np.random.Generator) -> None:
    rows, turn = rng.normal(size=(40, 9)), random_rotation(9, 20, seed=0)
    best, back = rotated_scale(rows, turn), np.where(rows @ turn > 0, 1, -1) @ turn.T
    errors = [np.square(rows - scale * back).sum() for scale in (best - 0.01, best, best + 0.01)]
    assert errors[1] == min(errors)


@pytest.mark.parametrize("bits", [0, -8, 1.5])
def test_bits_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(InputError, match="`bits` must be"):
        RotatedSign(bits=bits)
