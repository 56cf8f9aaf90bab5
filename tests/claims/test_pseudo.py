"""Pseudo-values carry a statistic of a whole set, and its spread, example by example."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from accord.core.errors import InputError
from claims.pseudo import pseudo_values, spearman_values


@pytest.fixture
def columns():
    generator = np.random.default_rng(2)
    gold = generator.normal(size=300).round(1)  # with ties
    return gold + generator.normal(size=300), gold


def test_of_a_mean_they_are_the_values():
    values = np.array([3.0, 1.0, 4.0, 1.5])
    np.testing.assert_allclose(pseudo_values(lambda x: float(x.mean()), values), values)


def test_their_mean_is_the_correlation(columns):
    assert spearman_values(*columns).mean() == pytest.approx(spearmanr(*columns)[0], abs=2e-3)


def test_their_spread_is_that_of_the_correlation(columns):
    scores, gold = columns
    generator = np.random.default_rng(0)
    rows = (generator.integers(0, 300, 300) for _ in range(600))
    drawn = np.std([spearmanr(scores[r], gold[r])[0] for r in rows])
    values = spearman_values(scores, gold)
    assert values.std(ddof=1) / np.sqrt(300) == pytest.approx(drawn, rel=0.15)


def test_a_change_of_one_pair_shows_in_its_own_value_most(columns):
    scores, gold = columns
    worse = scores.copy()
    worse[np.argmax(gold)] = -10.0
    change = spearman_values(scores, gold) - spearman_values(worse, gold)
    assert np.argmax(change) == np.argmax(gold)


def test_too_few_examples_are_refused():
    with pytest.raises(InputError, match="at least 3"):
        spearman_values(np.ones(2), np.ones(2))
