import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.data.mining.near_duplicates import near_duplicates


def plain(units, threshold):
    """One row after another."""
    kept, of = [], []
    for row, vector in enumerate(units):
        scores = [float(units[other] @ vector) for other in kept]
        near = [(-score, other) for score, other in zip(scores, kept) if score >= threshold - 1e-6]
        of.append(min(near)[1] if near else row)
        if not near:
            kept.append(row)
    return of


@given(st.integers(1, 60), st.integers(1, 70), st.sampled_from([0.25, 0.5, 0.75, 1.0]), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_blocks_give_what_a_loop_over_rows_gives(rows, block, threshold, seed):
    units = np.random.default_rng(seed).choice([-0.5, 0.5], size=(rows, 4)).astype(np.float32)  # exact cosines, ties
    found = near_duplicates(units, threshold=threshold, block=block)
    assert found.of.tolist() == plain(units, threshold)
    np.testing.assert_allclose(found.scores, (units * units[found.of]).sum(1))


@pytest.mark.parametrize("block", [16, 1024])
def test_no_two_kept_rows_are_near_and_every_other_row_is_near_one_before_it(rng, block):
    vectors = rng.normal(size=(400, 3)).astype(np.float32)
    found = near_duplicates(vectors, threshold=0.9, block=block)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = units @ units.T
    kept = found.kept
    assert 10 < len(kept) < 390
    assert (scores[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)] < 0.9).all()
    gone = np.setdiff1d(np.arange(400), kept)
    assert (found.of[gone] < gone).all()
    assert np.isin(found.of[gone], kept).all()
    assert (scores[gone, found.of[gone]] >= 0.9 - 2e-6).all()


def test_a_chain_of_small_steps_does_not_make_one_group():
    angles = np.deg2rad(np.arange(0, 90, 5))
    found = near_duplicates(np.stack([np.cos(angles), np.sin(angles)], axis=1), threshold=np.cos(np.deg2rad(6)))
    assert found.kept.tolist() == list(range(0, 18, 2))


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="threshold"):
        near_duplicates(np.eye(2), threshold=1.5)
    with pytest.raises(InputError, match="NaN"):
        near_duplicates(np.array([[np.nan, 1.0]]), threshold=0.5)
    with pytest.raises(InputError, match="dim"):
        near_duplicates(np.ones(3), threshold=0.5)
