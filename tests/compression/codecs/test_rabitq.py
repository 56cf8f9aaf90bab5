"""Rotation codes: estimates without bias, errors that fall with bits, and what a code carries."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from accord.compression.codecs import RaBitQ
from accord.compression.codecs.rabitq import rabitq_codes
from accord.core.errors import InputError
from accord.maths.bit_planes import plane_levels, unpack_signs


def test_one_bit_is_the_formula_of_the_paper(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(20, 24)).astype(np.float32)
    codes, lengths, factors = rabitq_codes(rows)
    signs = unpack_signs(codes, 24)
    np.testing.assert_array_equal(signs, np.where(rows > 0, 1, -1))
    np.testing.assert_allclose(lengths, np.linalg.norm(rows, axis=1), rtol=1e-6)
    agreement = (rows / lengths[:, None] * signs / np.sqrt(24)).sum(axis=1)  # <o, o-bar>
    np.testing.assert_allclose(factors, lengths / (np.sqrt(24) * agreement), rtol=1e-5)


def test_estimates_have_no_bias_over_rotations(rng: np.random.Generator) -> None:
    rows, query = rng.normal(size=(6, 32)), rng.normal(size=(1, 32))
    estimates = []
    for seed in range(100):
        codec = RaBitQ().fit(rows, similarity="dot", seed=seed)
        estimates.append(codec.scores(query, codec.encode(rows))[0])
    error = np.mean(estimates, axis=0) - (query @ rows.T)[0]
    assert (np.abs(error) < 4 * np.std(estimates, axis=0) / np.sqrt(100)).all()


@pytest.mark.parametrize("bits", [1, 2, 5, 8])
def test_what_is_decoded_agrees_along_the_vector_itself(bits: int, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(50, 24)).astype(np.float32) + 3
    codec = RaBitQ(bits=bits).fit(rows, similarity="dot")
    codes = codec.encode(rows)
    assert codes.shape == (50, 3 * bits + 8)
    centred, decoded = rows - codec.centre, codec.decode(codes) - codec.centre
    np.testing.assert_allclose((centred * decoded).sum(1), (centred**2).sum(1), rtol=1e-3)
    np.testing.assert_allclose(codec.scores(rows[:3], codes), rows[:3] @ codec.decode(codes).T, rtol=1e-3)


def test_error_falls_with_every_bit(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(200, 48)).astype(np.float32)
    errors = []
    for bits in range(1, 9):
        codes, _, factors = rabitq_codes(rows, bits)
        errors.append(np.square(plane_levels(codes, 48, bits) * factors[:, None] - rows).mean())
    assert all(after < 0.45 * before for before, after in itertools.pairwise(errors))


def test_the_centre_itself_has_no_direction() -> None:
    codec = RaBitQ().fit(np.array([[1.0, 2.0], [3.0, 4.0]]), similarity="dot")
    np.testing.assert_allclose(codec.decode(codec.encode(codec.centre[None])), codec.centre[None])


@pytest.mark.parametrize("bits", [0, 9, 1.0, True])
def test_bits_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(InputError, match="`bits` must be a whole number from 1 to 8"):
        RaBitQ(bits=bits)
