import numpy as np
import pytest
import scipy.stats

from accord.core.errors import InputError
from accord.evaluation.metrics import MacroF1, Spearman
from accord.evaluation.statistics.bootstrap import bootstrap_effect, bootstrap_score, interval
from accord.evaluation.statistics.pairing import matched_pair


@pytest.mark.slow
@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_set_metrics_equal_scipys_paired_bootstrap(columns, method):
    generator = np.random.default_rng(0)
    gold = generator.normal(size=60)
    similarity = gold + generator.normal(size=60)
    ours = interval(columns(Spearman(), gold=gold, similarity=similarity), resamples=4000, method=method)
    theirs = scipy.stats.bootstrap(
        (gold, similarity),
        lambda x, y: scipy.stats.spearmanr(x, y).statistic,
        paired=True,
        vectorized=False,
        n_resamples=1500,
        method="BCa" if method == "bca" else "percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_a_constant_difference_has_no_width(values):
    noise = np.random.default_rng(0).normal(size=50)
    drawn = bootstrap_effect(matched_pair(values(noise + 0.25), values(noise)))
    assert drawn.interval() == pytest.approx((0.25, 0.25))
    assert drawn.interval(method="bca") == pytest.approx((0.25, 0.25))


def test_paired_examples_make_narrower_intervals_than_single_scores(values):
    generator = np.random.default_rng(0)
    hard = generator.normal(size=200)
    a, b = values(hard + 0.1 * generator.normal(size=200)), values(hard)
    low, high = bootstrap_effect(matched_pair(a, b)).interval()
    assert (high - low) < 0.2 * (interval(a)[1] - interval(a)[0])


def test_draws_depend_on_seed_and_key_only(values):
    measured = values(np.random.default_rng(0).normal(size=40))
    assert interval(measured, key=("task", "a")) == interval(measured, key=("task", "a"))
    assert interval(measured, key=("task", "a")) != interval(measured, key=("task", "b"))
    assert interval(measured, seed=1) != interval(measured, seed=2)


def test_seeds_are_averaged(columns, values):
    truth = np.array([0, 1] * 20)
    right, wrong = (columns(MacroF1(), truth=truth, predicted=p) for p in (truth, 1 - truth))
    assert bootstrap_score([right, wrong], resamples=50).observed == 0.5
    assert bootstrap_score([values([0, 1]), values([1, 1])], resamples=50).observed == 0.75


def test_unknown_methods_are_refused(values):
    with pytest.raises(InputError, match="percentile, bca"):
        interval(values([1, 2]), method="normal")
    with pytest.raises(InputError, match="`level` must lie in"):
        interval(values([1, 2]), level=95)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_cover_the_truth_as_often_as_they_say(values, method):
    generator = np.random.default_rng(7)
    covered = 0
    for trial in range(400):
        low, high = interval(values(generator.beta(0.5, 0.8, size=80)), resamples=400, seed=trial, method=method)
        covered += low <= 0.5 / 1.3 <= high
    assert 0.915 <= covered / 400 <= 0.98
