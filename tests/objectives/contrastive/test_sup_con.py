"""Supervised contrastive loss against a slow oracle, its properties, and what it refuses."""

import math

import pytest
import torch

from accord.core.errors import InputError
from accord.objectives import InfoNCE, SupCon
from accord.objectives.contrastive.sup_con import sup_con


def slow_sup_con(scores, labels, temperature):
    """Eq. 2 of the paper, one anchor at a time."""
    losses = []
    for i, label in enumerate(labels):
        positives = [p for p, other in enumerate(labels) if p != i and other == label]
        if not positives:
            continue
        total = sum(math.exp(scores[i][a] / temperature) for a in range(len(labels)) if a != i)
        losses.append(-sum(math.log(math.exp(scores[i][p] / temperature) / total) for p in positives) / len(positives))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2], [3, 3, 3, 1, 0], [0, 1, 0, 1, 0]])
@pytest.mark.parametrize("temperature", [0.1, 1.7])
def test_equals_the_slow_oracle(labels, temperature):
    scores = torch.rand(5, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = sup_con(scores, torch.tensor(labels), temperature=temperature)
    assert found.item() == pytest.approx(slow_sup_con(scores.tolist(), labels, temperature), abs=1e-10)


def test_gradient_and_the_diagonal_is_never_read():
    scores = torch.randn(6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    assert torch.autograd.gradcheck(lambda s: sup_con(s, labels), [scores])
    sup_con(scores, labels).backward()
    assert torch.equal(scores.grad.diagonal(), torch.zeros(6, dtype=torch.float64))
    other = scores.detach() + 5 * torch.eye(6)
    torch.testing.assert_close(sup_con(other, labels), sup_con(scores.detach(), labels))


def test_order_of_examples_does_not_matter():
    scores, labels = torch.rand(6, 6), torch.tensor([0, 0, 1, 1, 1, 2])
    order = torch.tensor([5, 3, 0, 4, 1, 2])
    torch.testing.assert_close(sup_con(scores[order][:, order], labels[order]), sup_con(scores, labels))


def test_pairs_of_classes_are_info_nce_over_both_views():
    """With two members a class it is NT-Xent: InfoNCE of each view against all other examples."""
    first, second = torch.randn(4, 8), torch.randn(4, 8)
    vectors = torch.nn.functional.normalize(torch.cat([first, second]), dim=1)
    scores = vectors @ vectors.T
    labels = torch.arange(4).repeat(2)
    rows = []
    for i in range(8):
        twin = (i + 4) % 8
        others = [j for j in range(8) if j not in {i, twin}]
        rows.append(InfoNCE(temperature=0.1)(scores[i, [twin, *others]][None]))
    torch.testing.assert_close(sup_con(scores, labels, temperature=0.1), torch.stack(rows).mean())


@pytest.mark.parametrize(("labels", "reason"), [([0, 1, 2], "no positives"), ([1, 1, 1], "no negatives")])
def test_batches_that_teach_nothing_are_errors(labels, reason):
    with pytest.raises(InputError, match=reason):
        SupCon()(torch.zeros(3, 3), torch.tensor(labels))
