import numpy as np
import pytest
import scipy.stats

from accord.evaluation.metrics import MacroF1, Spearman, VMeasure
from accord.evaluation.statistics.pairing import matched_pair
from accord.evaluation.statistics.permutation import permutation_p


def test_set_metrics_equal_scipys_permutation_of_pairs(columns):
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 3, 80)
    a, b = (np.where(generator.random(80) < p, truth, generator.integers(0, 3, 80)) for p in (0.7, 0.5))
    pair = matched_pair(columns(MacroF1(), truth=truth, predicted=a), columns(MacroF1(), truth=truth, predicted=b))
    theirs = scipy.stats.permutation_test(
        (a, b),
        lambda x, y: MacroF1()(truth, x) - MacroF1()(truth, y),
        permutation_type="samples",
        vectorized=False,
        n_resamples=3000,
        rng=np.random.default_rng(1),
    ).pvalue
    assert permutation_p(pair, resamples=3000) == pytest.approx(theirs, abs=0.03)


def test_encoders_on_other_scales_can_trade_rows(columns):
    generator = np.random.default_rng(0)
    gold = generator.normal(size=150)
    similarity = gold + generator.normal(size=150)
    same = matched_pair(
        columns(Spearman(), gold=gold, similarity=similarity),
        columns(Spearman(), gold=gold, similarity=100 + similarity**3),
    )
    assert permutation_p(same, resamples=200) == 1.0  # the same order of pairs
    worse = gold + 4 * generator.normal(size=150)
    other = matched_pair(same.left[0], columns(Spearman(), gold=gold, similarity=0.9 + worse / 1000))
    assert permutation_p(other, resamples=400) < 0.01


def test_clusterings_under_other_names_can_trade_rows(columns):
    truth = np.repeat(np.arange(4), 25)
    noisy = np.where(np.random.default_rng(0).random(100) < 0.8, truth, (truth + 1) % 4)
    pair = matched_pair(
        columns(VMeasure(), truth=truth, cluster=noisy), columns(VMeasure(), truth=truth, cluster=(noisy + 2) % 4)
    )
    assert permutation_p(pair, resamples=200) == 1.0


@pytest.mark.parametrize(
    "kind", ["mean", pytest.param("spearman", marks=pytest.mark.slow), pytest.param("macro_f1", marks=pytest.mark.slow)]
)
def test_false_alarms_are_as_rare_as_promised(values, columns, kind):
    generator = np.random.default_rng(11)
    trials, alarms = 300, 0
    for trial in range(trials):
        if kind == "mean":
            hard = generator.beta(0.5, 0.5, size=60)
            a, b = (values(np.clip(hard + 0.2 * generator.normal(size=60), 0, 1)) for _ in "ab")
        elif kind == "spearman":
            gold = generator.normal(size=60)
            a, b = (columns(Spearman(), gold=gold, similarity=gold + generator.normal(size=60)) for _ in "ab")
        else:
            truth = generator.integers(0, 3, 60)
            guess = lambda: np.where(generator.random(60) < 0.6, truth, generator.integers(0, 3, 60))  # noqa: B023, E731
            a, b = (columns(MacroF1(), truth=truth, predicted=guess()) for _ in "ab")
        alarms += permutation_p(matched_pair(a, b), resamples=99, seed=trial) <= 0.1
    assert 0.06 <= alarms / trials <= 0.145  # 0.1 within 2.5 standard errors
