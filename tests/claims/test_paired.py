import numpy as np
import pytest
from scipy import stats

from accord.core.errors import InputError
from claims.paired import compare, verdict


def sides(rng, effect, *, seeds=3, spread=0.0):
    """Two tasks of unequal size; `spread` is how much the effect varies from seed to seed."""
    method, baseline = {}, {}
    shift = effect + spread * rng.standard_normal((seeds, 1))
    for task, n in (("small", 40), ("large", 160)):
        base = rng.random((seeds, n))
        baseline[task] = base
        method[task] = base + shift + 0.1 * rng.standard_normal((seeds, n))
    return method, baseline


def test_clear_effects_are_seen_on_both_sides(rng):
    method, baseline = sides(rng, 0.1)
    better, worse = compare(method, baseline), compare(baseline, method)
    assert (better.verdict, worse.verdict) == ("holds", "fails")
    assert better.effect == pytest.approx(-worse.effect)
    assert better.n == 200
    assert better.effect == pytest.approx(better.method_score - better.baseline_score)


def test_tasks_count_the_same_whatever_their_size():
    method = {"small": np.full((1, 2), 1.0), "large": np.full((1, 98), 0.0)}
    baseline = {"small": np.zeros((1, 2)), "large": np.zeros((1, 98))}
    assert compare(method, baseline).effect == pytest.approx(0.5)


def test_an_effect_that_depends_on_the_seed_is_inconclusive(rng):
    method, baseline = sides(rng, 0.0)
    method = {task: values + np.array([[0.4], [-0.3], [0.1]]) for task, values in method.items()}
    found = compare(method, baseline)
    assert found.p < 0.05, "examples alone would call this an effect"
    assert found.ci[0] < 0 < found.ci[1]
    assert found.verdict == "inconclusive"


def test_equal_sides_are_inconclusive():
    side = {"a": np.array([[0.1, 0.9, 0.4]])}
    found = compare(side, side)
    assert (found.effect, found.p, found.ci, found.verdict) == (0.0, 1.0, (0.0, 0.0), "inconclusive")


def test_p_agrees_with_scipys_permutation_test(rng):
    differences = rng.normal(0.03, 0.2, size=60)
    found = compare({"a": differences[None]}, {"a": np.zeros((1, 60))}, resamples=20_000)
    oracle = stats.permutation_test(
        (differences, np.zeros(60)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=20_000, rng=1
    )
    assert found.p == pytest.approx(oracle.pvalue, abs=0.015)


def test_p_and_interval_are_right_when_there_is_no_effect(rng):
    """False alarms in 200 worlds without an effect stay near 5 % for p, and below it for the verdict."""
    alarms = [compare(*sides(rng, 0.0, seeds=2), resamples=400, seed=k) for k in range(200)]
    assert sum(found.p < 0.05 for found in alarms) <= 20
    assert sum(found.verdict != "inconclusive" for found in alarms) <= 16


def test_the_same_seed_gives_the_same_numbers(rng):
    method, baseline = sides(rng, 0.01)
    assert compare(method, baseline, seed=4) == compare(method, baseline, seed=4)


def test_memory_parts_do_not_change_the_shape_of_the_answer(rng, monkeypatch):
    import claims.paired

    method, baseline = sides(rng, 0.02)
    whole = compare(method, baseline)
    monkeypatch.setattr(claims.paired, "FLIPS", 100)
    parts = compare(method, baseline)
    assert parts.ci == pytest.approx(whole.ci, abs=0.005)
    assert parts.p == pytest.approx(whole.p, abs=0.02)


@pytest.mark.parametrize(
    ("ci", "p", "expected"),
    [
        ((0.01, 0.02), 0.049, "holds"),
        ((0.01, 0.02), 0.05, "inconclusive"),
        ((0.0, 0.02), 0.001, "inconclusive"),
        ((-0.02, 0.0), 0.001, "inconclusive"),
        ((-0.02, -0.01), 0.001, "fails"),
    ],
)
def test_verdict(ci, p, expected):
    assert verdict(ci, p) == expected


@pytest.mark.parametrize(
    ("method", "baseline"),
    [
        ({}, {}),
        ({"a": np.zeros((1, 2))}, {"b": np.zeros((1, 2))}),
        ({"a": np.zeros((1, 2))}, {"a": np.zeros((2, 2))}),
        ({"a": np.zeros(2)}, {"a": np.zeros(2)}),
        ({"a": np.zeros((1, 2)), "b": np.zeros((2, 2))}, {"a": np.zeros((1, 2)), "b": np.zeros((2, 2))}),
    ],
)
def test_sides_that_do_not_match_are_refused(method, baseline):
    with pytest.raises(InputError):
        compare(method, baseline)
