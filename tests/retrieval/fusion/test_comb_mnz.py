"""CombMNZ: against dictionaries, and what several systems found comes first."""

import numpy as np
import pytest
from plain_fusion import comb_mnz as plain
from plain_fusion import lists

from accord.retrieval.fusion import CombMNZ, comb_mnz, weighted_sum


@pytest.mark.parametrize("scale", ["min-max", "z", "none"])
def test_it_is_what_dictionaries_give(scores, scale):
    fused = CombMNZ(scale=scale).fuse(scores)
    for query in range(scores.shape[1]):
        wanted = plain(lists(scores, query), scale)
        for document in range(scores.shape[2]):
            assert fused[query, document] == pytest.approx(wanted.get(document, -np.inf), abs=1e-9)


def test_without_gaps_it_is_the_plain_sum():
    scores = np.random.default_rng(1).normal(size=(4, 5, 6))
    np.testing.assert_allclose(comb_mnz(scores), 4 * weighted_sum(scores))


def test_what_two_systems_found_beats_what_one_did():
    scores = np.array([[[0.0, 0.6, 1.0]], [[0.0, 0.6, np.nan]], [[0.0, 1.0, np.nan]]])
    assert comb_mnz(scores)[0].argmax() == 1
