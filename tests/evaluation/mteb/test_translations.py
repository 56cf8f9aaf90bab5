import numpy as np
import pytest

from accord.evaluation.mteb import nearest_translations
from accord.maths.nearest import nearest


@pytest.mark.parametrize("kind", ["cosine", "dot"])
def test_equal_to_exact_search_where_nothing_ties(rng, kind):
    left, right = rng.normal(size=(230, 16)).astype(np.float32), rng.normal(size=(150, 16)).astype(np.float32)
    expected, _ = nearest(left, right, 1, order=np.arange(150), kind=kind)
    assert np.array_equal(nearest_translations(left, right, kind=kind), expected[:, 0])
