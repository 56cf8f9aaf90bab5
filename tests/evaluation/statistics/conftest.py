import numpy as np
import pytest

from accord.evaluation.measured import of_columns, of_values


@pytest.fixture
def values():
    """Make a per-example measurement of an array."""

    def make(array, metric="nDCG@10"):
        return of_values(metric, [f"e{i}" for i in range(len(array))], np.asarray(array, float), primary=True)

    return make


@pytest.fixture
def columns():
    """Make a measurement by a set metric."""

    def make(metric, **arrays):
        ids = [f"e{i}" for i in range(len(next(iter(arrays.values()))))]
        return of_columns(metric, ids, arrays, primary=True)

    return make
