"""Choosing by the dev parts: beyond noise or not at all."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.evaluation import Observed
from accord.evaluation.measured import of_columns, of_values
from accord.evaluation.metrics import VMeasure
from accord.recipes.strategies.dev_choice import mean_difference, pick

IDS = [str(i) for i in range(60)]


def seen(model, task, values, *, seed=0, primary=True, metric="nDCG@10"):
    ids = IDS[: len(values)]
    return Observed(model=model, task=task, seed=seed, measured=of_values(metric, ids, values, primary=primary))


def noisy(rng, lift):
    base = rng.random(60)
    return base, np.clip(base + lift + rng.normal(0, 0.05, 60), -1, 2)


def test_the_effect_is_the_mean_over_tasks_of_the_mean_over_examples():
    rng = np.random.default_rng(0)
    one, two = noisy(rng, 0.3), noisy(rng, -0.1)
    two = two[0][:20], two[1][:20]
    observed = [seen("joint", "a", one[0]), seen("joint", "b", two[0]), seen("merged", "a", one[1]),
                seen("merged", "b", two[1]), seen("merged", "c", two[1])]  # fmt: skip
    found = mean_difference(observed, "merged", "joint", resamples=500)
    by_hand = np.mean([np.mean(one[1] - one[0]), np.mean(two[1] - two[0])])
    assert found.effect == pytest.approx(by_hand)
    assert found.ci[0] < by_hand < found.ci[1]
    assert found.tasks == 2
    turned = mean_difference(observed, "joint", "merged", resamples=500)
    assert turned.effect == pytest.approx(-found.effect)
    assert turned.ci == pytest.approx((-found.ci[1], -found.ci[0]))


def test_the_interval_is_that_of_a_plain_bootstrap():
    rng = np.random.default_rng(1)
    pairs = {task: noisy(rng, 0.1) for task in "ab"}
    observed = [seen(name, task, pair[i]) for task, pair in pairs.items() for i, name in enumerate(("joint", "merged"))]
    found = mean_difference(observed, "merged", "joint", resamples=4000)
    draws = [
        np.mean([(pair[1] - pair[0])[rng.integers(0, 60, 60)].mean() for pair in pairs.values()]) for _ in range(4000)
    ]
    assert found.ci == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.002)


def test_seeds_are_averaged_and_only_the_headline_counts():
    rng = np.random.default_rng(2)
    low, high = noisy(rng, 0.2)
    observed = [
        *(seen("joint", "a", low, seed=seed) for seed in (0, 1)),
        *(seen("merged", "a", high + shift, seed=seed) for seed, shift in ((0, 0.1), (1, -0.1))),
        seen("joint", "a", high, metric="MRR@10", primary=False),
        seen("joint", "a", high, metric="accuracy"),
        seen("merged", "a", low, metric="accuracy"),
    ]
    assert mean_difference(observed, "merged", "joint", resamples=200).effect == pytest.approx(np.mean(high - low))


def test_set_metrics_are_recomputed_on_drawn_rows():
    rng = np.random.default_rng(3)
    truth = np.repeat(np.arange(6), 10).astype(float)
    observed = [
        Observed(
            model=name,
            task="topic",
            seed=0,
            measured=of_columns(VMeasure(), IDS, {"truth": truth, "cluster": guess}, primary=True),
        )
        for name, guess in (("joint", rng.permutation(truth)), ("merged", truth))
    ]
    found = mean_difference(observed, "merged", "joint", resamples=100)
    assert 0.3 < found.ci[0] <= found.effect <= found.ci[1]


def test_ties_go_to_the_simpler():
    rng = np.random.default_rng(4)
    base = rng.random(60)
    same = [seen(name, "a", base + rng.normal(0, 0.2, 60)) for name in ("joint", "merged", "balanced")]
    taken, rows = pick(same, ["joint", "merged", "balanced"], resamples=500)
    assert taken == "joint"
    assert [(row["a"], row["b"]) for row in rows] == [("merged", "joint"), ("balanced", "joint")]


def test_what_is_better_beyond_noise_is_taken_and_has_to_be_beaten():
    rng = np.random.default_rng(5)
    low, high = noisy(rng, 0.3)
    observed = [seen("joint", "a", low), seen("merged", "a", high), seen("balanced", "a", high + 0.001 * low)]
    taken, rows = pick(observed, ["joint", "merged"], resamples=500)
    assert taken == "merged"
    assert rows[0]["ci"][0] > 0
    worse = [*observed[:2], seen("balanced", "a", (low + high) / 2)]
    taken, rows = pick(worse, ["joint", "merged", "balanced"], resamples=500)
    assert (taken, rows[1]["b"]) == ("merged", "merged")
    assert pick(observed, ["joint"]) == ("joint", [])


def test_models_without_a_common_task_are_refused():
    observed = [seen("joint", "a", np.ones(3)), seen("merged", "b", np.ones(3))]
    with pytest.raises(InputError, match="not measured on a common task"):
        mean_difference(observed, "merged", "joint")
