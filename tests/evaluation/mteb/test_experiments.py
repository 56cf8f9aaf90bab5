from collections import Counter

import numpy as np

from accord.evaluation.mteb import few_shot_predictions, few_shot_rows


def test_the_fixed_experiments_hold_as_many_of_each_label():
    labels = ["a"] * 20 + ["b"] * 3 + ["c"] * 9
    found = few_shot_rows(labels)
    assert len(found) == 10
    for rows in found:
        assert Counter(labels[row] for row in rows) == {"a": 8, "b": 3, "c": 8}
        assert len(set(rows.tolist())) == len(rows)
    assert len({tuple(sorted(rows.tolist())) for rows in found}) > 1
    assert all(np.array_equal(a, b) for a, b in zip(found, few_shot_rows(labels)))


def test_experiment_two_permutes_experiment_one():
    """Golden: the permutation of seed 42, once and twice."""
    labels = [str(i) for i in range(6)]
    order = np.array([0, 1, 5, 2, 4, 3])  # numpy.random.RandomState(42).permutation(6)
    first, second = few_shot_rows(labels, experiments=2)
    assert first.tolist() == order.tolist()
    assert second.tolist() == order[order].tolist()


def test_clear_labels_are_learned(rng):
    codes = np.repeat([0, 1, 2], 10)
    vectors = np.eye(3)[codes] + 0.01 * rng.normal(size=(30, 3))
    predicted = few_shot_predictions(vectors, codes, np.eye(3), few_shot_rows(codes.tolist()))
    assert predicted.shape == (10, 3)
    assert (predicted == [0, 1, 2]).all()
