"""InfoNCE against a slow oracle, its properties, its masks, and what it refuses."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import InfoNCE
from accord.objectives.base import contract
from accord.objectives.contrastive.info_nce import info_nce


def slow_info_nce(scores, ignore, temperature, bidirectional):
    """One query at a time, in plain Python."""
    queries, docs = len(scores), len(scores[0])

    def rank(own, others):
        return math.log(sum(math.exp(s / temperature) for s in [own, *others])) - own / temperature

    forward = [
        rank(scores[i][i], [scores[i][j] for j in range(docs) if j != i and not ignore[i][j]]) for i in range(queries)
    ]
    loss = sum(forward) / queries
    if bidirectional:
        back = [
            rank(scores[j][j], [scores[i][j] for i in range(queries) if i != j and not ignore[i][j]])
            for j in range(queries)
        ]
        loss = (loss + sum(back) / queries) / 2
    return loss


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("docs", [5, 8])
@pytest.mark.parametrize("temperature", [0.05, 1.0, 2.5])
def test_equals_the_slow_oracle(bidirectional, docs, temperature):
    generator = torch.Generator().manual_seed(docs)
    scores = torch.rand(5, docs, generator=generator, dtype=torch.float64) * 2 - 1
    ignore = torch.rand(5, docs, generator=generator) < 0.3
    found = info_nce(scores, ignore=ignore, temperature=temperature, bidirectional=bidirectional)
    expected = slow_info_nce(scores.tolist(), ignore.tolist(), temperature, bidirectional)
    assert found.item() == pytest.approx(expected, abs=1e-10)


def test_equal_scores_give_log_docs():
    assert info_nce(torch.full((4, 7), 0.3)).item() == pytest.approx(math.log(7), rel=1e-6)


def test_properties():
    scores = torch.randn(6, 6, generator=torch.Generator().manual_seed(0))
    both = InfoNCE(temperature=0.5, bidirectional=True)
    asserts.assert_gradient(both, scores)
    asserts.assert_permutation_invariant(both, lambda order: scores[order][:, order])
    asserts.assert_falls_when_right_scores_rise(both, scores, torch.eye(6))
    asserts.assert_shift_invariant(both, scores)


def test_an_ignored_document_gets_no_gradient_and_the_positive_is_never_ignored():
    scores = torch.zeros(3, 4, requires_grad=True)
    ignore = torch.zeros(3, 4, dtype=torch.bool)
    ignore[0, 3] = True
    ignore[1, 1] = True  # its own positive: the mask must not take it away
    info_nce(scores, ignore=ignore).backward()
    assert scores.grad[0, 3] == 0
    assert scores.grad[1, 1] < 0
    assert scores.grad[2, 3] > 0


@pytest.mark.parametrize(
    ("scores", "ignore"),
    [
        (torch.zeros(1, 1), None),
        (torch.zeros(2, 2), torch.ones(2, 2, dtype=torch.bool)),
    ],
)
def test_a_batch_without_negatives_is_an_error_not_a_loss_of_zero(scores, ignore):
    with pytest.raises(InputError, match="without a negative"):
        info_nce(scores, ignore=ignore)


def test_refuses_fewer_documents_than_queries():
    with pytest.raises(InputError, match="positive for each query"):
        info_nce(torch.zeros(3, 2))


@pytest.mark.parametrize(("arguments", "named"), [({"temperature": 0}, "temperature"), ({"mask": ["texts"]}, "mask")])
def test_constructor_names_the_wrong_argument(arguments, named):
    with pytest.raises(InputError, match=f"`{named}`"):
        InfoNCE(**arguments)


@pytest.mark.parametrize(("strategy", "margin"), [("absolute", 0.0), ("absolute", 0.2), ("relative", 0.1)])
def test_a_guide_masks_what_it_scores_as_high_as_the_positive(strategy, margin):
    """The same as a mask made by hand: one entry at a time, negative scores of the guide among them."""
    generator = torch.Generator().manual_seed(1)
    scores, guide = (torch.rand(5, 7, generator=generator, dtype=torch.float64) * 2 - 1 for _ in range(2))
    ignore = torch.zeros(5, 7, dtype=torch.bool)
    for i in range(5):
        own = guide[i, i].item()
        limit = own - (margin if strategy == "absolute" else margin * abs(own))
        for j in range(7):
            ignore[i, j] = i != j and guide[i, j].item() > limit
    assert ignore.any()
    loss = InfoNCE(guide_margin=margin, guide_strategy=strategy)
    torch.testing.assert_close(loss(scores, None, guide), InfoNCE()(scores, ignore))
    torch.testing.assert_close(InfoNCE()(scores, None, guide), InfoNCE()(scores))  # without a margin nobody asks it


def test_only_a_margin_makes_a_guide_necessary():
    assert contract(InfoNCE()).names == ("scores", "ignore")
    assert contract(InfoNCE(guide_margin=0.1)).required == ("scores", "teacher_scores")
    with pytest.raises(InputError, match=r"no teacher here gives them.*`teacher: MODEL`"):
        contract(InfoNCE(guide_margin=0.0)).check(("scores", "ignore"), where="Task `faq`")


def test_hardness_adds_to_the_exponent_of_negatives_as_a_constant():
    """Lan et al. (2025), eq. 5, one query at a time; its gradient is that of a softmax with fixed weights."""
    scores = torch.rand(4, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64).requires_grad_()
    total = 0.0
    for i, row in enumerate(scores.tolist()):
        wrong = sum(math.exp(s / 0.5 + 3.0 * s) for j, s in enumerate(row) if j != i)
        total += -math.log(math.exp(row[i] / 0.5) / (math.exp(row[i] / 0.5) + wrong))
    loss = InfoNCE(temperature=0.5, hardness=3.0)(scores)
    assert loss.item() == pytest.approx(total / 4, abs=1e-10)
    loss.backward()
    shares = (scores.detach() / 0.5 + 3.0 * scores.detach() * (1 - torch.eye(4, 6))).softmax(1)
    torch.testing.assert_close(scores.grad, (shares - torch.eye(4, 6)) / 0.5 / 4)
