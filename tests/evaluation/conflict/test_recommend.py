"""Every verdict and every recommendation can be reached, each by its evidence."""

import math

import pytest

from accord.evaluation.conflict import Estimate, Evidence, GradientConflict, PairConflict, recommend


def pair(value, reach=0.1, *, margin=0.05, a="faq", b="topic"):
    cosine = Estimate(value, value - reach, value + reach, 8)
    return PairConflict(a=a, b=b, cosine=cosine, batch_cosine=cosine, ceiling=0.4, margin=margin, level=0.95)


def moved(value, reach=0.01):
    return Estimate(value, value - reach, value + reach, 100)


AGREE, OPPOSE, OPEN = pair(0.5), pair(-0.5), pair(0.0)


def test_no_conflict_means_train_jointly():
    found = recommend([Evidence(gradients=AGREE)])
    assert found.action == "train jointly"
    assert found.sentence.startswith("No conflict: train jointly.")
    assert "agree" in found.pairs[0].sentence


def test_opposition_below_the_noise_is_no_conflict():
    assert pair(-0.02, 0.01, margin=0.1).verdict == "no conflict"
    assert pair(-0.02, 0.01, margin=0.0).verdict == "conflict"


def test_too_little_data_is_undecided():
    blind = Estimate(-0.9, math.nan, math.nan, 2)
    few = PairConflict(a="a", b="b", cosine=blind, batch_cosine=blind, ceiling=0.1, margin=0.0, level=0.95)
    for one in (OPEN, few):
        assert one.verdict == "undecided"
        assert recommend([Evidence(gradients=one)]).action == "undecided: measure more"
    assert "too few batches" in recommend([Evidence(gradients=few)]).pairs[0].sentence


@pytest.mark.parametrize(
    ("barrier", "action"), [(None, "balance"), (moved(0.5), "balance"), (moved(-0.5), "merge"), (moved(0.0), "merge")]
)
def test_a_conflict_is_balanced_or_merged_by_the_barrier(barrier, action):
    assert recommend([Evidence(gradients=OPPOSE, barrier=barrier)]).action == action


def test_one_steep_pair_is_enough_to_speak_against_merging():
    flat, steep = Evidence(gradients=OPPOSE, barrier=moved(-0.5)), Evidence(gradients=OPPOSE, barrier=moved(0.5))
    assert recommend([flat, steep]).action == "balance"
    calm = Evidence(gradients=AGREE, barrier=moved(0.5))
    assert recommend([flat, calm]).action == "merge"


def test_a_pair_is_told_by_the_cosine_that_is_surer():
    vague = Estimate(math.nan, -1.0, 1.0, 8)
    sure = Estimate(-0.02, -0.03, -0.01, 8)
    one = PairConflict(a="a", b="b", cosine=vague, batch_cosine=sure, ceiling=0.1, margin=0.0, level=0.95)
    found = recommend([Evidence(gradients=one)])
    assert found.pairs[0].verdict == "conflict"
    assert "without noise" not in found.pairs[0].sentence


def test_transfer_can_take_a_verdict_back():
    costs = recommend([Evidence(gradients=AGREE, there=moved(-0.1), back=moved(0.0))])
    assert costs.action == "undecided: measure more"
    assert "but training on faq costs topic \N{MINUS SIGN}0.100" in costs.pairs[0].sentence
    helps = recommend([Evidence(gradients=OPPOSE, there=moved(0.1), back=moved(0.1))])
    assert helps.pairs[0].verdict == "undecided"
    one_way = recommend([Evidence(gradients=OPPOSE, there=moved(0.1), back=moved(-0.1))])
    assert one_way.pairs[0].verdict == "conflict"


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [
        ([AGREE, AGREE], "no conflict"),
        ([AGREE, OPEN], "undecided"),
        ([AGREE, OPEN, OPPOSE], "conflict"),
        ([], "undecided"),
    ],
)
def test_all_pairs_together(pairs, verdict):
    assert GradientConflict(tasks=("faq", "topic"), pairs=pairs).verdict == verdict
