import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from accord.core.errors import InputError
from accord.data.windows import WindowedStream


def make(length, batch, *, block_rows=8, window=2, seed=0, name="a", **more):
    return WindowedStream(length, batch, block_rows=block_rows, window=window, seed=seed, name=name, **more)


@given(st.integers(2, 400), st.integers(2, 20), st.integers(1, 30), st.integers(1, 4), st.integers(0, 3))
def test_every_row_once_an_epoch_and_none_twice_in_a_batch(length, batch, block_rows, window, seed):
    stream = make(length, batch, block_rows=block_rows, window=window, seed=seed)
    size = min(batch, length)
    batches = [stream.rows(k) for k in range(3 * length // size + 2)]
    for rows in batches:
        assert len(rows) == size == len(set(rows.tolist()))
    flat = np.concatenate(batches)
    for start in range(0, len(flat) - length + 1, length):
        assert sorted(flat[start : start + length]) == list(range(length))


@given(st.integers(50, 300), st.lists(st.integers(0, 90), min_size=1, max_size=8))
def test_a_batch_depends_on_its_number_alone(length, numbers):
    fresh = [make(length, 3).rows(k).tolist() for k in numbers]
    used = make(length, 3)
    assert [used.rows(k).tolist() for k in numbers] == fresh


def test_a_window_reads_few_blocks():
    stream = make(10_000, 4, block_rows=10, window=8)
    per_window = [stream.rows(k) // 10 for k in range(20)]
    assert len(set(np.concatenate(per_window).tolist())) == 8


def test_rows_are_spread_over_the_file_and_orders_differ():
    stream = make(10_000, 50, block_rows=10, window=40)
    firsts = np.concatenate([stream.rows(k) for k in range(40)])
    counts, _ = np.histogram(firsts, bins=10, range=(0, 10_000))
    assert stats.chisquare(counts).pvalue > 1e-4 / 10 or counts.min() > 100
    others = [make(10_000, 50, block_rows=10, window=40, seed=1), make(10_000, 50, block_rows=10, window=40, name="b")]
    assert len({tuple(s.rows(0).tolist()) for s in (stream, *others)}) == 3
    assert stream.rows(0).tolist() != stream.rows(200).tolist()  # the next epoch


def test_steps():
    stream = make(1000, 30)
    assert stream.steps(1) == 34 and stream.batches_per_epoch == pytest.approx(1000 / 30)


@given(st.integers(20, 300), st.integers(4, 24), st.integers(2, 6), st.integers(2, 9))
def test_labelled_windows_hold_every_row_once(length, batch, per_label, labels):
    codes = np.random.default_rng(length).integers(0, labels, length)
    stream = make(length, batch, labels=lambda rows: codes[rows], per_label=per_label, block_rows=16)
    epoch = stream.steps(1)
    batches = [stream.rows(k) for k in range(epoch)]
    assert all(len(rows) <= batch for rows in batches)
    if all(len(set(codes[rows].tolist())) > 2 for rows in batches):  # none had rows of another label traded in
        assert sorted(np.concatenate(batches).tolist()) == list(range(length))
    assert (
        stream.rows(epoch).tolist()
        == make(length, batch, labels=lambda rows: codes[rows], per_label=per_label, block_rows=16).rows(epoch).tolist()
    )


def test_a_file_of_one_label_still_gives_batches():
    stream = make(40, 8, labels=lambda rows: np.zeros(len(rows)))
    assert sorted(np.concatenate([stream.rows(k) for k in range(stream.steps(1))]).tolist()) == list(range(40))


@pytest.mark.parametrize(("length", "batch"), [(1, 4), (10, 1)])
def test_too_little_is_refused(length, batch):
    with pytest.raises(InputError):
        make(length, batch)
