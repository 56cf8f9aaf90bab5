"""Weights of each query: against a root finder that sees one query at a time, and on cases that can be told by hand."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import softmax
from scipy.stats import entropy

from accord.core.errors import InputError
from accord.maths.score_shifts import divergence
from accord.retrieval.fusion import DynamicShift, dynamic_weights


def made(seed=0, *, experts=3, queries=40, documents=25, size=0.1):
    generator = np.random.default_rng(seed)
    base = generator.uniform(-0.2, 0.9, size=(queries, documents))
    untuned = generator.uniform(-0.2, 0.9, size=(experts, queries, documents))
    moved = size * generator.normal(size=untuned.shape) * generator.random((experts, queries, 1))
    return base, untuned + moved, untuned


def plain_weights(base, tuned, untuned, *, temperature, most):
    """One query: KL written by scipy, the length by Brent's method."""

    def kl(after, before):
        return entropy(softmax(after / temperature), softmax(before / temperature))

    moved = np.array([kl(a, b) for a, b in zip(tuned, untuned)])
    shares = moved / moved.sum()
    direction, wanted = shares @ (tuned - untuned), shares @ moved
    if wanted < 1e-9:  # scipy's own rounding would decide
        return None

    def gap(length):
        return kl(base + length * direction, base) - wanted

    return shares * (most if gap(most) <= 0 else brentq(gap, 0.0, most, xtol=1e-14, rtol=1e-14))


@pytest.mark.parametrize("experts", [1, 2, 5])
@pytest.mark.parametrize("temperature", [0.02, 0.05, 1.0])
@pytest.mark.parametrize("size", [0.01, 0.1, 1.0])
def test_each_query_gets_what_brent_finds_for_it_alone(experts, temperature, size):
    given = made(experts=experts, size=size, queries=15)
    found = dynamic_weights(*given, temperature=temperature, most=4.0)
    checked = 0
    for query, weights in enumerate(found):
        base, tuned, untuned = given[0][query], given[1][:, query], given[2][:, query]
        wanted = plain_weights(base, tuned, untuned, temperature=temperature, most=4.0)
        if wanted is None:
            continue
        checked += 1
        np.testing.assert_allclose(weights, wanted, rtol=1e-5, atol=1e-6)
    assert checked > 5


def test_the_large_encoder_moves_as_far_as_the_experts_did():
    base, tuned, untuned = made(size=0.05)
    weights = dynamic_weights(base, tuned, untuned, most=50.0)
    moved = divergence(untuned, tuned - untuned, 0.05).T
    shares = moved / moved.sum(axis=1, keepdims=True)
    fused = DynamicShift(most=50.0).fuse(base, tuned, untuned)
    inside = weights.sum(axis=1) < 50.0
    assert inside.mean() > 0.9
    reached = divergence(base, fused - base, 0.05)
    np.testing.assert_allclose(reached[inside], (shares * moved).sum(axis=1)[inside], rtol=1e-8)


def test_a_large_encoder_that_is_the_small_one_takes_the_whole_shift():
    _, tuned, untuned = made(experts=1)
    np.testing.assert_allclose(dynamic_weights(untuned[0], tuned, untuned), 1.0, atol=1e-6)
    np.testing.assert_allclose(DynamicShift().fuse(untuned[0], tuned, untuned), tuned[0], atol=1e-6)


def test_an_expert_that_did_not_move_has_no_say():
    base, tuned, untuned = made()
    tuned[1] = untuned[1]
    weights = dynamic_weights(base, tuned, untuned)
    assert (weights[:, 1] == 0).all()
    np.testing.assert_allclose(weights[:, [0, 2]], dynamic_weights(base, tuned[[0, 2]], untuned[[0, 2]]), atol=1e-9)
    assert not dynamic_weights(base, untuned, untuned).any()


def test_a_constant_added_to_all_scores_of_a_query_changes_no_weight():
    base, tuned, untuned = made()
    moved = dynamic_weights(base + 3, tuned - 1, untuned + 2)
    np.testing.assert_allclose(moved, dynamic_weights(base, tuned, untuned), atol=1e-6)


def test_a_query_is_solved_as_if_alone():
    base, tuned, untuned = made()
    together = dynamic_weights(base, tuned, untuned)
    alone = np.concatenate([dynamic_weights(base[[q]], tuned[:, [q]], untuned[:, [q]]) for q in range(len(base))])
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_experts_that_contradict_each_other_do_not_run_away():
    base, tuned, untuned = made(experts=1)
    against = 2 * untuned - tuned
    weights = dynamic_weights(base, np.concatenate([tuned, against]), np.concatenate([untuned, untuned]), most=1.5)
    assert (weights.sum(axis=1) <= 1.5 + 1e-9).all()
    assert np.isfinite(weights).all()


def test_bad_input_is_refused():
    base, tuned, untuned = made()
    for name in ("temperature", "most"):
        with pytest.raises(InputError, match=name):
            DynamicShift(**{name: 0.0})
        with pytest.raises(InputError, match=name):
            dynamic_weights(base, tuned, untuned, **{name: -1.0})
    with pytest.raises(InputError, match="same candidates"):
        dynamic_weights(np.where(base > 0.8, np.nan, base), tuned, untuned)
