"""What each step takes from which task."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.data import Labelled, Pairs
from accord.data.samplers import Proportional, RoundRobin, Temperature
from accord.training import Settings
from accord.training.turns import make_turns


def rows(count, kind=Pairs):
    if kind is Pairs:
        return Pairs.of({"anchor": [f"a{i}" for i in range(count)], "positive": [f"b{i}" for i in range(count)]})
    return Labelled.of({"text": [f"a{i}" for i in range(count)], "label": [str(i % 3) for i in range(count)]})


def test_homogeneous_steps_count_the_batches_of_each_task():
    turns = make_turns(Settings(steps=9, sampler=Proportional()), [rows(60), rows(30)], [1, 1])
    seen = {0: 0, 1: 0}
    for step in range(9):
        (turn,) = turns.at(step)
        assert (turn.index, turn.share) == (seen[turn.task], 1.0)
        seen[turn.task] += 1
    assert seen == {0: turns.batches(0), 1: turns.batches(1)} == {0: 6, 1: 3}


@pytest.mark.parametrize(
    ("sampler", "weights", "expected"),
    [
        (RoundRobin(), [1, 1], [8, 8]),
        (RoundRobin(), [3, 1], [12, 4]),
        (Proportional(), [1, 1], [14, 2]),
        (Temperature(alpha=0.5), [1, 1], [12, 4]),
    ],
)
def test_a_mixed_batch_is_shared_as_the_sampler_would_share_the_steps(sampler, weights, expected):
    settings = Settings(steps=5, batch=16, batches="mixed", sampler=sampler)
    turns = make_turns(settings, [rows(90), rows(10)], weights)
    assert turns.sizes == expected
    assert [(t.task, t.index, t.share) for t in turns.at(3)] == [(0, 3, expected[0] / 16), (1, 3, expected[1] / 16)]
    assert turns.batches(0) == turns.batches(1) == 5


def test_no_task_gets_less_than_its_loss_needs():
    settings = Settings(steps=5, batch=16, batches="mixed", sampler=Proportional())
    turns = make_turns(settings, [rows(1000), rows(10, Labelled), rows(2)], [1, 1, 1])
    assert turns.sizes == [10, 4, 2]


def test_a_batch_too_small_for_all_tasks_is_refused():
    settings = Settings(steps=5, batch=5, batches="mixed")
    with pytest.raises(InputError, match=r"`train.batch` is 5, .* needs at least 6"):
        make_turns(settings, [rows(10), rows(10, Labelled)], [1, 1])


@given(
    weights=st.lists(st.floats(0.01, 10), min_size=1, max_size=6), batch=st.integers(12, 200), seed=st.integers(0, 9)
)
def test_shares_of_a_mixed_batch_always_add_up(weights, batch, seed):
    signals = [rows(2 + 7 * i) for i in range(len(weights))]
    settings = Settings(steps=2, batch=batch, batches="mixed", sampler=Temperature(), seed=seed)
    turns = make_turns(settings, signals, weights)
    assert sum(turns.sizes) == batch
    assert min(turns.sizes) >= 2
    assert np.isclose(sum(turn.share for turn in turns.at(0)), 1)
