"""Range search beside exact search for all rows."""

from __future__ import annotations

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.dense import exact_search, range_search


@pytest.mark.parametrize("share", [None, 0.5, 0.02])
def test_equals_exact_search_cut_at_the_score(share):
    rng = np.random.default_rng(0)
    rows = rng.integers(-2, 3, (4000, 5)).astype(np.float32)
    query = rng.integers(-2, 3, 5).astype(np.float32)
    skip = np.sort(rng.choice(4000, 300, replace=False))
    keep = None if share is None else np.sort(rng.choice(4000, int(4000 * share), replace=False))
    segments, longest = np.split(rows, [10, 2500]), float(np.linalg.norm(rows, axis=1).max())
    rules = {"skip": skip, "keep": keep, "largest_norm": longest}
    (every,), (scores,) = exact_search(query[None], segments, 4000, **rules)
    for least in (float(scores[0]) + 1, float(scores[0]), 0.0, -2.0):
        found, values = range_search(query, segments, least, **rules)
        assert found.tolist() == sorted(every[scores >= least].tolist())
        assert dict(zip(every.tolist(), scores.tolist())).items() >= dict(zip(found.tolist(), values.tolist())).items()


def test_damaged_rows_and_bad_scores():
    rows = np.eye(3, dtype=np.float32)
    rows[1, 1] = np.nan
    assert range_search(rows[0], [rows], -1.0, largest_norm=1.0)[0].tolist() == [0, 2]
    with pytest.raises(InputError, match="least_score"):
        range_search(rows[0], [rows], float("nan"), largest_norm=1.0)
