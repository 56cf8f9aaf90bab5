import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from accord.core.errors import InputError
from accord.data.weighted import WeightedStream, inclusion, row_weights

weights = st.lists(st.sampled_from([0, 0.1, 1, 1, 2, 5, 100]), min_size=2, max_size=60).filter(
    lambda values: sum(value > 0 for value in values) >= 2
)


@given(weights, st.integers(2, 20), st.integers(0, 2))
def test_batches_are_full_without_repeats_and_without_rows_of_no_weight(values, batch, seed):
    stream = WeightedStream(values, batch, seed=seed, name="a")
    size = min(batch, sum(value > 0 for value in values))
    for k in (0, 1, 2, 7, 50):
        rows = stream.rows(k)
        assert len(rows) == size == len(set(rows.tolist()))
        assert all(values[row] > 0 for row in rows)


@given(weights, st.integers(2, 20))
def test_shares_are_in_proportion_where_they_can_be(values, batch):
    values = np.array(values, dtype=float)
    shares = inclusion(values, batch)
    assert shares.sum() == pytest.approx(min(batch, np.count_nonzero(values)))
    assert (shares <= 1).all() and (shares[values == 0] == 0).all()
    free = (shares > 0) & (shares < 1)
    if free.any():
        ratios = shares[free] / values[free]
        assert np.allclose(ratios, ratios[0])
        assert (shares[values > values[free].max()] == 1).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_counts_follow_the_weights(seed):
    values = np.random.default_rng(seed).gamma(2.0, size=500)
    stream = WeightedStream(values, 16, seed=seed, name="a")
    counts = np.bincount(np.concatenate([stream.rows(k) for k in range(3000)]), minlength=500)
    expected = values / values.sum() * counts.sum()
    assert stats.chisquare(counts, expected).pvalue > 0.01


def test_a_round_of_equal_weights_is_an_epoch():
    stream = WeightedStream(np.ones(96), 8, seed=0, name="a")
    for first in (0, 12, 24):
        rows = np.concatenate([stream.rows(k) for k in range(first, first + 12)])
        assert sorted(rows.tolist()) == list(range(96))


def test_each_row_comes_its_share_of_a_round_rounded_down_or_up():
    values = np.arange(1, 101, dtype=float)
    stream = WeightedStream(values, 10, seed=3, name="a")
    counts = np.bincount(np.concatenate([stream.rows(k) for k in range(10)]), minlength=100)
    exact = inclusion(values, 10) * 10
    assert (np.abs(counts - exact) < 1 + 1e-9).all()


def test_companions_of_a_row_change():
    stream = WeightedStream(np.ones(64), 8, seed=0, name="a")
    with_first = [frozenset(rows.tolist()) for k in range(80) if 0 in (rows := stream.rows(k))]
    assert len(set(with_first)) == len(with_first) == 10


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_a_batch_depends_on_its_number_alone(numbers):
    values = np.arange(50.0)
    fresh = [WeightedStream(values, 7, seed=1, name="a").rows(k).tolist() for k in numbers]
    used = WeightedStream(values, 7, seed=1, name="a")
    assert [used.rows(k).tolist() for k in numbers] == fresh


def test_a_row_too_heavy_for_its_share_is_in_every_batch():
    stream = WeightedStream([1000, 1, 1, 1], 2, seed=0, name="a")
    batches = [stream.rows(k) for k in range(30)]
    assert all(0 in rows for rows in batches)
    counts = np.bincount(np.concatenate(batches))
    assert counts.tolist() == [30, 10, 10, 10]


def test_steps_count_rows_with_a_weight():
    stream = WeightedStream([1, 1, 0, 1, 1], 2, seed=0, name="a")
    assert stream.batches_per_epoch == 2 and stream.steps(3) == 6


@pytest.mark.parametrize(
    ("values", "match"),
    [([1, -1, 2], "in row 2"), ([1, float("nan")], "finite"), ([1, 0, 0], "two rows at least. *|Got 1 of 3")],
)
def test_bad_weights(values, match):
    with pytest.raises(InputError, match=match):
        WeightedStream(values, 2, seed=0, name="a")


@pytest.mark.parametrize("value", [None, "x", -1, float("inf"), float("nan")])
def test_a_bad_value_of_a_column_is_named_by_its_row(value):
    with pytest.raises(InputError, match=r"faq.csv, row 2: the weight `clicks` must be a finite number"):
        row_weights(["1.5", value], "clicks", lambda row: f"faq.csv, row {row + 1}")
