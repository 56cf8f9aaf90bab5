import numpy as np
import pytest
import scipy.spatial.distance as distances

from accord.core.errors import InputError
from accord.evaluation.mteb import pair_nearness
from accord.evaluation.nearness import NEARNESS, read_scores, vector_scores


@pytest.mark.parametrize("kind", NEARNESS)
def test_equal_to_scipy_and_to_mtebs_way(rng, kind):
    left, right = rng.normal(size=(2, 20, 8)).astype(np.float32)
    plain = {
        "cosine": lambda a, b: 1 - distances.cosine(a, b),
        "dot": np.dot,
        "euclidean": lambda a, b: -distances.euclidean(a, b),
        "manhattan": lambda a, b: -distances.cityblock(a, b),
    }[kind]
    expected = [plain(a, b) for a, b in zip(left, right)]
    assert vector_scores(left, right, kind) == pytest.approx(expected, abs=1e-5)
    assert pair_nearness(left, right)[kind] == pytest.approx(expected, abs=1e-5)


class Several:
    def __init__(self, labels):
        self.labels = labels

    def score(self, left, right, *, progress=None):
        return np.full((len(left), self.labels), np.nan if self.labels == 1 else 0.0)


def test_scores_of_the_wrong_shape_are_refused():
    with pytest.raises(InputError, match=r"one score a pair, \(1,\)\. Got \(1, 3\)"):
        read_scores(Several(3), ["a"], ["b"])
    with pytest.raises(InputError, match="NaN"):
        read_scores(Several(1), ["a"], ["b"])
    with pytest.raises(InputError, match="`similarity` must be one of"):
        vector_scores(np.eye(2), np.eye(2), "cosin")
