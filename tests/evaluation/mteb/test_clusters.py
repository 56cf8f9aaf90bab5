import random

import numpy as np
import pytest

from accord.evaluation.mteb import legacy_clusters, resampled_v_measures, sampled_rows
from accord.maths.contingency import v_measure


def test_clear_topics_are_found_by_either(rng):
    truth = np.repeat([0, 1, 2], 40)
    vectors = (10 * np.eye(3)[truth] + rng.normal(size=(120, 3))).astype(np.float32)
    assert v_measure(truth, legacy_clusters(vectors, 3)) > 0.95
    values = resampled_v_measures(vectors, truth, random.Random(42), draw=90)
    assert values.shape == (10,)
    assert values.mean() > 0.8
    assert values == pytest.approx(resampled_v_measures(vectors, truth, random.Random(42), draw=90))


def test_rows_by_share_or_by_number():
    draw = lambda sample: sampled_rows(50, sample, random.Random(42))  # noqa: E731
    assert [len(draw(sample)) for sample in (0.04, 0.5, 1, 20, 90)] == [2, 25, 50, 20, 50]
    assert len(set(draw(20).tolist())) == 20
