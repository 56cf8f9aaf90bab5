import numpy as np
import pytest
from sklearn.metrics import v_measure_score

from accord.core.errors import InputError
from accord.maths import clustering
from accord.maths.clustering import k_means


@pytest.fixture
def blobs():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 5, 300)
    return generator.normal(size=(5, 8))[labels] * 5 + generator.normal(size=(300, 8)) * 0.3, labels


def test_blobs_are_found_and_runs_repeat(blobs):
    vectors, labels = blobs
    cluster = k_means(vectors, 5, seed=3)
    assert v_measure_score(labels, cluster) == pytest.approx(1.0)
    assert np.array_equal(cluster, k_means(vectors, 5, seed=3))


def test_mini_batches_past_the_limit(blobs, monkeypatch):
    monkeypatch.setattr(clustering, "LARGE", 100)
    vectors, labels = blobs
    assert v_measure_score(labels, k_means(vectors, 5)) > 0.95


def test_equal_rows_leave_clusters_empty_without_complaint():
    assert set(k_means(np.ones((6, 2)), 3).tolist()) <= {0, 1, 2}


def test_more_clusters_than_rows():
    with pytest.raises(InputError, match="at most the number of rows"):
        k_means(np.ones((2, 2)), 3)
