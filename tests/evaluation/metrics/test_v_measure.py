import numpy as np
import pytest

from accord.evaluation.metrics import VMeasure


def test_names_of_clusters_do_not_matter():
    truth, cluster = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 1, 2])
    assert 0 < VMeasure()(truth, cluster) < 1
    assert VMeasure()(truth, (cluster + 1) % 3) == pytest.approx(VMeasure()(truth, cluster))


def test_one_cluster_says_nothing():
    assert VMeasure()(np.array([0, 1, 0, 1]), np.zeros(4)) == 0.0


def test_rows_can_be_traded_once_clusters_bear_labels():
    truth, cluster = np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])
    assert VMeasure().tradable(truth, cluster)["cluster"].tolist() == truth.tolist()
