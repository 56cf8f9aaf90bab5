import numpy as np
import pytest
import scipy.stats

from accord.core.errors import InputError
from accord.data.signals import Pairs, Scored
from accord.evaluation.tasks import Similarity


@pytest.fixture
def scored():
    return Scored(
        {
            "text1": ["red cat", "red cat", "red cat", "blue"],
            "text2": ["red cat", "red dog", "tall tree", "blue sky"],
            "score": [5.0, 3.0, 0.5, 2.0],
        }
    )


def test_equal_to_scipy_on_cosines(toy, scored):
    spearman, pearson = Similarity().evaluate(toy, test=scored)
    left, right = toy.rows(scored.column("text1")), toy.rows(scored.column("text2"))
    cosines = (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    assert spearman.columns["similarity"] == pytest.approx(cosines, abs=1e-6)
    assert spearman.score == pytest.approx(scipy.stats.spearmanr(cosines, scored.column("score")).statistic)
    assert pearson.score == pytest.approx(scipy.stats.pearsonr(cosines, scored.column("score")).statistic, abs=1e-6)
    assert (spearman.primary, pearson.primary) == (True, False)


def test_mistakes_are_named(toy, scored):
    with pytest.raises(InputError, match="All gold scores of the test set are 5"):
        Similarity().evaluate(toy, test=scored.take([0]))
    with pytest.raises(InputError, match="Got Pairs instead"):
        Similarity().evaluate(toy, test=Pairs({"anchor": ["a"], "positive": ["b"]}))
