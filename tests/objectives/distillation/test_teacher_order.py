"""Distillation of a teacher's order: what it equals, its properties, and what it refuses."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import TeacherOrder
from accord.objectives.distillation.teacher_order import teacher_order

SCORES = torch.tensor([[0.9, 0.8, 0.1], [0.3, 0.6, 0.5], [0.7, -0.2, 0.0]])
TAUGHT = torch.tensor([[9.0, 8.0, 1.0], [3.0, -6.0, 5.0], [7.0, -2.0, 0.0]])
IGNORE = torch.tensor([[False, False, True], [False, False, False], [False, True, True]])


def test_the_top_place_alone_is_a_choice_of_the_best_document():
    best = TAUGHT.argmax(1)
    expected = torch.nn.functional.cross_entropy(SCORES / 0.5, best)
    torch.testing.assert_close(teacher_order(SCORES, TAUGHT, top=1, temperature=0.5), expected)


def test_all_places_are_one_choice_after_another():
    row, order = SCORES[1], [2, 0, 1]
    expected = sum(row[order[k:]].logsumexp(0) - row[order[k]] for k in range(3))
    torch.testing.assert_close(teacher_order(SCORES[1:2], TAUGHT[1:2]), expected)


def test_properties():
    scores, taught = (torch.randn(6, 5, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    loss = TeacherOrder(top=2, temperature=0.5)
    asserts.assert_gradient(lambda s: loss(s, taught.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[order], taught[order]), lambda order: order)
    asserts.assert_shift_invariant(lambda s: loss(s, taught), scores)
    torch.testing.assert_close(loss(scores, (3 * taught).exp()), loss(scores, taught))  # its order alone
    asserts.assert_ignored_places_do_not_count(lambda s, out: loss(s, TAUGHT, out), SCORES, IGNORE)


def test_a_teacher_that_tells_nothing_apart_is_an_error():
    with pytest.raises(InputError, match="no order to learn"):
        teacher_order(torch.zeros(2, 3), torch.ones(2, 3))
    with pytest.raises(InputError, match="`top`"):
        TeacherOrder(top=0)
