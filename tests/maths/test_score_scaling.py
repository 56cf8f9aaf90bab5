"""Scores on one scale: the edges that matter, rows of equal scores and rows without any."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.maths.score_scaling import min_max, scaled, z_scores


def test_rows_are_scaled_by_themselves():
    scores = np.random.default_rng(0).normal(size=(3, 4, 5)) * 10
    low_high = min_max(scores)
    assert low_high.min(axis=-1) == pytest.approx(0)
    assert low_high.max(axis=-1) == pytest.approx(1)
    standard = z_scores(scores)
    assert standard.mean(axis=-1) == pytest.approx(np.zeros((3, 4)), abs=1e-12)
    assert standard.std(axis=-1) == pytest.approx(1)


def test_equal_scores_and_missing_rows():
    scores = np.array([[0.1, 0.1, 0.1], [np.nan, np.nan, np.nan], [np.nan, 5.0, np.nan]])
    np.testing.assert_array_equal(min_max(scores), [[1, 1, 1], [np.nan] * 3, [np.nan, 1, np.nan]])
    np.testing.assert_array_equal(z_scores(scores), [[0, 0, 0], [np.nan] * 3, [np.nan, 0, np.nan]])


def test_an_unknown_scale_is_refused():
    with pytest.raises(InputError, match="must be one of min-max, z, none"):
        scaled(np.zeros((1, 2)), "rank")
