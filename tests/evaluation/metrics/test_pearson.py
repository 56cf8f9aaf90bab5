import numpy as np
import pytest

from accord.evaluation.metrics import Pearson


def test_scale_does_not_matter_and_standardised_values_are_tradable():
    generator = np.random.default_rng(0)
    gold, similarity = generator.normal(size=50), generator.normal(size=50)
    score = Pearson()(gold, similarity)
    form = Pearson().tradable(gold, 100 * similarity + 3)
    assert Pearson()(**form) == pytest.approx(score)
    assert (form["similarity"].mean(), form["similarity"].std()) == pytest.approx((0, 1))


def test_a_constant_similarity_is_tradable_too():
    assert not Pearson().tradable(np.arange(3.0), np.ones(3))["similarity"].any()
