"""Static shifts: arithmetic on scores, and nothing where nothing was tuned."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.fusion import ScoreShift, score_shift


@pytest.fixture
def given():
    generator = np.random.default_rng(2)
    return generator.normal(size=(4, 6)), generator.normal(size=(3, 4, 6)), generator.normal(size=(3, 4, 6))


def test_it_is_the_sum_written_out(given):
    base, tuned, untuned = given
    weights = [0.5, -1.0, 2.0]
    wanted = base + sum(w * (a - b) for w, a, b in zip(weights, tuned, untuned))
    np.testing.assert_allclose(ScoreShift(weights).fuse(*given), wanted, atol=1e-12)
    np.testing.assert_allclose(score_shift(*given), base + (tuned - untuned).mean(axis=0), atol=1e-12)


def test_experts_that_did_not_move_change_nothing(given):
    base, tuned, _ = given
    assert np.array_equal(score_shift(base, tuned, tuned), base)


def test_a_large_encoder_that_is_the_small_one_becomes_the_expert(given):
    _, tuned, untuned = given
    np.testing.assert_allclose(score_shift(untuned[0], tuned[:1], untuned[:1]), tuned[0], atol=1e-12)


def test_bad_input_is_refused(given):
    base, tuned, untuned = given
    with pytest.raises(InputError, match="experts, queries, documents"):
        score_shift(base, tuned[:, :2], untuned[:, :2])
    with pytest.raises(InputError, match="one finite number for each of 3"):
        score_shift(base, tuned, untuned, [1.0])
    tuned[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="`tuned` must be finite"):
        score_shift(base, tuned, untuned)
