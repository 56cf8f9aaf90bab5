import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from accord.maths.correlation import pearson, spearman

SERIES = (
    st.integers(3, 40)
    .flatmap(lambda n: st.tuples(*[st.lists(st.integers(-5, 5), min_size=n, max_size=n)] * 2))
    .filter(lambda pair: min(len(set(pair[0])), len(set(pair[1]))) > 1)
)


@given(SERIES)
def test_equal_to_scipy(pair):
    x, y = np.array(pair[0], float), np.array(pair[1], float)
    assert pearson(x, y) == pytest.approx(scipy.stats.pearsonr(x, y).statistic, abs=1e-12)
    assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)


@given(SERIES)
def test_properties(pair):
    x, y = np.array(pair[0], float), np.array(pair[1], float)
    assert spearman(x, y) == spearman(y, x) == spearman(np.exp(x), y)
    assert pearson(x, y) == pytest.approx(pearson(3 * x - 7, y), abs=1e-12)
    assert spearman(-x, y) == pytest.approx(-spearman(x, y), abs=1e-12)


def test_a_constant_series_correlates_with_nothing():
    assert pearson(np.ones(4), np.arange(4)) == spearman(np.arange(4), np.ones(4)) == 0.0


def test_tiny_and_huge_values():
    assert pearson(np.array([1e-300, 2e-300, 4e-300]), np.array([1e150, 2e150, 4e150])) == pytest.approx(1.0)
