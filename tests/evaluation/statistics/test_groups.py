"""Groups of examples that are not independent: n groups of equal rows are worth n rows."""

import dataclasses

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.evaluation.measured import of_values
from accord.evaluation.metrics import MacroF1, Spearman, VMeasure
from accord.evaluation.statistics import interval, paired, permutation_p
from accord.evaluation.statistics.pairing import matched_pair
from accord.maths.resampling import sign_flip_p

N, TIMES = 30, 4


def copied(measured):
    """Each example four times, the four in one group."""
    rows = np.repeat(np.arange(N), TIMES)
    columns = {name: values[rows] for name, values in measured.columns.items()}
    ids = tuple(f"{measured.ids[row]}.{i}" for i, row in enumerate(rows))
    return dataclasses.replace(measured, ids=ids, columns=columns, groups=tuple(measured.ids[row] for row in rows))


@pytest.fixture
def systems(values, columns):
    """Two systems by each kind of metric, on independent examples."""
    draw = np.random.default_rng(3)
    gold, truth = draw.normal(size=N), draw.integers(0, 3, N)
    guess = lambda: np.where(draw.random(N) < 0.7, truth, draw.integers(0, 3, N))  # noqa: E731
    return {
        "mean": [values(draw.random(N)), values(draw.random(N) + 0.1)],
        "spearman": [columns(Spearman(), gold=gold, similarity=gold + draw.normal(size=N)) for _ in "ab"],
        "macro_f1": [columns(MacroF1(), truth=truth, predicted=guess()) for _ in "ab"],
        "v_measure": [columns(VMeasure(), truth=truth, cluster=guess()) for _ in "ab"],
    }


@pytest.mark.parametrize("kind", ["mean", "spearman", "macro_f1", "v_measure"])
@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_copies_in_groups_are_worth_the_originals(systems, kind, method):
    a, b = systems[kind]
    rules = {"resamples": 200, "method": method}
    assert interval(copied(a), **rules) == pytest.approx(interval(a, **rules), abs=1e-9)
    alone, together = paired(a, b, **rules), paired(copied(a), copied(b), **rules)
    assert together.effect == pytest.approx(alone.effect, abs=1e-9)
    assert together.ci == pytest.approx(alone.ci, abs=1e-9)
    assert together.p == pytest.approx(alone.p)
    assert together.n == TIMES * alone.n
    assert together.n_needed == TIMES * alone.n_needed


def test_copies_without_groups_look_twice_as_sure(systems):
    a, _ = systems["mean"]
    fooled = dataclasses.replace(copied(a), groups=None)
    width = lambda m: np.ptp(interval(m))  # noqa: E731
    assert width(fooled) == pytest.approx(width(a) / 2, rel=0.15)


def test_groups_of_one_change_nothing(values):
    a, b = (values(np.random.default_rng(i).random(25)) for i in range(2))
    for one in (a, b):
        assert interval(dataclasses.replace(one, groups=one.ids)) == pytest.approx(interval(one), abs=1e-12)
    grouped = paired(dataclasses.replace(a, groups=a.ids), b)
    assert (grouped.p, grouped.ci) == (paired(a, b).p, pytest.approx(paired(a, b).ci, abs=1e-12))


def test_larger_groups_weigh_more():
    measured = of_values("m", list("abcd"), np.array([1.0, 1.0, 1.0, 0.0]), primary=True, groups=list("xxxy"))
    assert measured.score == 0.75
    assert interval(measured, resamples=500) == (0.0, 1.0)  # only x, or only y


def test_groups_must_match(values):
    a = values(np.ones(4))
    with pytest.raises(InputError, match="differently"):
        matched_pair(dataclasses.replace(a, groups=tuple("xxyy")), dataclasses.replace(a, groups=tuple("xyxy")))
    with pytest.raises(InputError, match="must hold 4 names"):
        dataclasses.replace(a, groups=("x",))
    assert matched_pair(a, dataclasses.replace(a, groups=tuple("xxyy"))).group_codes().tolist() == [0, 0, 1, 1]
    turned = dataclasses.replace(a, groups=tuple("xxyy")).at(np.array([3, 0]))
    assert turned.groups == ("y", "x")


@pytest.mark.slow
def test_seldom_alarms_where_groups_move_together(values):
    """Independent rows would cry wolf; whole groups keep to the level."""
    draw = np.random.default_rng(5)
    groups = tuple(str(i) for i in np.repeat(np.arange(20), 6))
    alarms = {"alone": 0, "together": 0}
    for trial in range(150):
        a, b = (values(np.repeat(draw.normal(size=20), 6) + 0.1 * draw.normal(size=120)) for _ in "ab")
        alarms["alone"] += permutation_p(matched_pair(a, b), resamples=99, seed=trial) <= 0.1
        pair = matched_pair(*(dataclasses.replace(one, groups=groups) for one in (a, b)))
        alarms["together"] += sign_flip_p(np.bincount(pair.group_codes(), pair.differences()), 99, draw) <= 0.1
    assert alarms["together"] <= 0.17 * 150
    assert alarms["alone"] >= 0.35 * 150
