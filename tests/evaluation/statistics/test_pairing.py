import numpy as np
import pytest

from accord.core.errors import InputError
from accord.evaluation.metrics import MacroF1, Spearman
from accord.evaluation.statistics.pairing import matched_pair, pooled


def test_examples_are_matched_by_name(values):
    a, b = values([1.0, 2.0, 3.0]), values([1.0, 1.0, 1.0])
    assert matched_pair(a, b.at(np.array([2, 0, 1]))).differences().tolist() == [0.0, 1.0, 2.0]


def test_seeds_are_averaged_example_by_example(values):
    assert pooled([values([0, 1]), values([1, 1]).at(np.array([1, 0]))]).columns["value"].tolist() == [0.5, 1.0]
    pair = matched_pair([values([0, 1]), values([1, 1])], values([0, 0]))
    assert (pair.differences().tolist(), pair.effect) == ([0.5, 1.0], 0.75)


def test_a_single_measurement_stands_beside_each_seed(columns):
    gold = np.arange(5.0)
    seeds = [columns(Spearman(), gold=gold, similarity=s) for s in (gold, -gold)]
    base = columns(Spearman(), gold=gold, similarity=gold)
    assert matched_pair(seeds, base).effect == pytest.approx(-1.0)
    assert matched_pair(base, seeds).effect == pytest.approx(1.0)
    with pytest.raises(InputError, match="Got 2 seeds and 3"):
        matched_pair(seeds, [base, base, base])


def test_trading_all_rows_turns_the_effect(columns):
    truth = np.array([0, 0, 1, 1, 1])
    pair = matched_pair(
        columns(MacroF1(), truth=truth, predicted=truth), columns(MacroF1(), truth=truth, predicted=1 - truth)
    )
    assert pair.effect_after(np.ones(5, bool)) == -pair.effect_after(np.zeros(5, bool)) == -pair.effect
    assert pair.effect_on(np.arange(5)) == pair.effect


def test_what_cannot_be_paired_is_refused(values):
    with pytest.raises(InputError, match="2 occur on one side only, such as 'e1'"):
        matched_pair(values([1, 2, 3]), values([1]))
    with pytest.raises(InputError, match="2 occur on one side only, such as 'e1'"):
        matched_pair(values([1]), values([1, 2, 3]))
    with pytest.raises(InputError, match="the same metric"):
        matched_pair(values([1]), values([1], metric="MRR@10"))
    with pytest.raises(InputError, match="at least one"):
        matched_pair([], values([1]))
