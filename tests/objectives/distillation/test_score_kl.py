"""Distillation of score distributions: a slow oracle, properties, and what is refused."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import BatchKL, ListKL, ListNet
from accord.objectives.distillation.score_kl import score_kl

SCORES = torch.tensor([[0.9, 0.8, 0.1], [0.3, 0.6, 0.5], [0.7, -0.2, 0.0]])
TAUGHT = torch.tensor([[9.0, 8.0, 1.0], [3.0, -6.0, 5.0], [7.0, -2.0, 0.0]])
IGNORE = torch.tensor([[False, False, True], [False, False, False], [False, True, True]])


def slow_kl(scores, taught, ignore, temperature, teacher_temperature):
    """One list at a time, in plain Python; lists of one document are left out."""
    losses = []
    for row, gold, out in zip(scores, taught, ignore):
        kept = [k for k, o in enumerate(out) if not o]
        if len(kept) > 1:
            want = [math.exp(gold[k] / teacher_temperature) for k in kept]
            have = [math.exp(row[k] / temperature) for k in kept]
            want, have = ([v / sum(side) for v in side] for side in (want, have))
            losses.append(sum(w * math.log(w / h) for w, h in zip(want, have)))
    return temperature**2 * sum(losses) / len(losses)


@pytest.mark.parametrize(("temperature", "teacher"), [(1.0, 1.0), (0.05, 2.0)])
def test_equals_the_slow_oracle(temperature, teacher):
    found = score_kl(SCORES, TAUGHT, ignore=IGNORE, temperature=temperature, teacher_temperature=teacher)
    expected = slow_kl(SCORES.tolist(), TAUGHT.tolist(), IGNORE.tolist(), temperature, teacher)
    assert found.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("loss", [ListKL(temperature=0.5), BatchKL(temperature=0.5, teacher_temperature=2.0)])
def test_properties(loss):
    scores, taught = (torch.randn(6, 6, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    asserts.assert_gradient(lambda s: loss(s, taught.double()), scores)
    asserts.assert_permutation_invariant(lambda o: loss(scores[o][:, o], taught[o][:, o]), lambda order: order)
    asserts.assert_shift_invariant(lambda s: loss(s, taught), scores)
    assert loss(scores, taught) > 0


def test_ignored_places_do_not_count():
    asserts.assert_ignored_places_do_not_count(lambda s, out: ListKL()(s, TAUGHT, out), SCORES, IGNORE)


def test_it_is_zero_at_the_teacher_and_has_the_gradient_of_list_net_towards_it():
    assert ListKL(temperature=0.3)(TAUGHT, TAUGHT).item() == pytest.approx(0.0, abs=1e-6)
    gradients = []
    for loss in (ListKL(), ListNet()):
        scores = SCORES.clone().requires_grad_()
        loss(scores, TAUGHT, IGNORE).backward()
        gradients.append(scores.grad)
    torch.testing.assert_close(*gradients)


def test_a_list_of_one_document_is_an_error():
    with pytest.raises(InputError, match="nothing to compare"):
        ListKL()(torch.zeros(2, 1), torch.zeros(2, 1))
    with pytest.raises(InputError, match="`teacher_temperature`"):
        ListKL(teacher_temperature=0.0)
