"""The whole model is the teacher of its sizes, and is not moved by them."""

import pytest
import torch
from torch.nn.functional import kl_div, log_softmax

from accord.compression.elastic.alignment import divergence, temperature_of
from accord.compression.elastic.base import Seen
from accord.core.types import View
from accord.objectives import AnglE, CoSENT, InfoNCE, ListKL, MaskedTokens, MetricLearning, SupCon


def seen(vectors=None, **fields):
    return Seen(View(), fields, torch.zeros(3, 2) if vectors is None else vectors)


def plain_divergence(small, full, temperature):
    found = log_softmax(small / temperature, dim=1)
    return kl_div(found, log_softmax(full / temperature, dim=1), reduction="batchmean", log_target=True)


def test_scores_of_documents_are_compared_row_by_row():
    small, full = torch.randn(4, 6), torch.randn(4, 6)
    found = divergence(InfoNCE(), seen(scores=small), seen(scores=full), temperature=0.5)
    torch.testing.assert_close(found, plain_divergence(small, full, 0.5))
    assert divergence(InfoNCE(), seen(scores=full), seen(scores=full), temperature=0.5).abs() < 1e-6


def test_documents_that_do_not_count_are_left_out():
    small, full = torch.randn(3, 4), torch.randn(3, 4)
    ignore = torch.zeros(3, 4, dtype=torch.bool)
    ignore[:, 3] = True
    found = divergence(InfoNCE(), seen(scores=small, ignore=ignore), seen(scores=full, ignore=ignore), temperature=1.0)
    torch.testing.assert_close(found, plain_divergence(small[:, :3], full[:, :3], 1.0))


def test_a_text_is_not_compared_with_itself():
    small, full = torch.randn(3, 3), torch.randn(3, 3)
    found = divergence(SupCon(), seen(scores=small), seen(scores=full), temperature=1.0)
    rows = [[j for j in range(3) if j != i] for i in range(3)]
    cut = [torch.stack([scores[i, row] for i, row in enumerate(rows)]) for scores in (small, full)]
    torch.testing.assert_close(found, plain_divergence(*cut, 1.0))


def test_pairs_tokens_and_vectors_have_a_distribution_too():
    small, full = torch.randn(5), torch.randn(5)
    found = divergence(CoSENT(), seen(pair_scores=small), seen(pair_scores=full), temperature=1.0)
    torch.testing.assert_close(found, plain_divergence(small[None], full[None], 1.0))
    places = [torch.randn(2, 9), torch.randn(2, 9)]
    found = divergence(MaskedTokens(), seen(logits=places[0]), seen(logits=places[1]), temperature=1.0)
    torch.testing.assert_close(found, plain_divergence(*places, 1.0))
    vectors = torch.randn(4, 6)
    assert divergence(MetricLearning(torch.nn.Identity()), seen(vectors), seen(vectors), temperature=1.0).abs() < 1e-6
    assert divergence(AnglE(), seen(vectors[:, :2]), seen(vectors), temperature=1.0) > 0


def test_nothing_to_tell_apart_is_zero():
    one = torch.randn(1, requires_grad=True)
    found = divergence(CoSENT(), seen(pair_scores=one), seen(pair_scores=torch.randn(1)), temperature=1.0)
    found.backward()
    assert found == 0
    assert (
        not len(torch.empty(0, 9))
        and divergence(MaskedTokens(), seen(logits=torch.empty(0, 9)), seen(logits=torch.empty(0, 9)), temperature=1.0)
        == 0
    )


def test_the_teacher_gets_no_gradient():
    small, full = (torch.randn(3, 5, requires_grad=True) for _ in range(2))
    divergence(InfoNCE(), seen(scores=small), seen(scores=full), temperature=0.3).backward()
    assert full.grad is None
    assert small.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("inner", "given", "wanted"),
    [(InfoNCE(temperature=0.2), None, 0.2), (InfoNCE(), 0.7, 0.7), (MaskedTokens(), None, 1.0), (AnglE(), None, None)],
)
def test_the_temperature_is_the_objectives_own(inner, given, wanted):
    assert temperature_of(inner, given) == (wanted or inner.temperature)
    assert temperature_of(ListKL(temperature=2.0), None) == 2.0
    assert temperature_of(torch.nn.TripletMarginLoss(), 0.05) == 0.05
