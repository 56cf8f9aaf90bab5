import numpy as np
import pytest

from accord.evaluation.metrics import Spearman


def test_only_order_matters_and_ranks_are_tradable():
    generator = np.random.default_rng(0)
    gold, similarity = generator.integers(0, 5, 50).astype(float), generator.normal(size=50)
    score = Spearman()(gold, similarity)
    assert Spearman()(gold, np.exp(similarity) - 9) == pytest.approx(score)
    form = Spearman().tradable(gold, similarity)
    assert Spearman()(**form) == pytest.approx(score)
    assert sorted(form["similarity"].tolist()) == list(range(1, 51))
