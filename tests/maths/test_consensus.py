"""Sums and elections, against plain loops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from accord.maths.consensus import disjoint_mean, weighted_sum

VOTES = st.lists(st.lists(st.integers(-3, 3), min_size=6, max_size=6), min_size=1, max_size=5)


def slow_disjoint_mean(columns, weights, *, normalize, equal_votes):
    """Place by place."""
    merged = []
    for column in columns:
        votes = [value * weight for value, weight in zip(column, weights)]
        total = sum(column) if equal_votes else sum(votes)
        agree = [i for i, vote in enumerate(votes) if vote * total > 0]
        share = sum(abs(weights[i]) for i in agree) if normalize and agree else 1.0
        merged.append(sum(votes[i] for i in agree) / share)
    return merged


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("equal_votes", [True, False])
@given(rows=VOTES, data=st.data())
def test_election_equals_the_plain_loop(normalize, equal_votes, rows, data):
    least = 0 if equal_votes else -4
    weights = [w / 4 for w in data.draw(st.lists(st.integers(least, 8), min_size=len(rows), max_size=len(rows)))]
    tensors = [torch.tensor(row, dtype=torch.float32) for row in rows]
    found = disjoint_mean(tensors, weights, normalize=normalize, equal_votes=equal_votes)
    expected = slow_disjoint_mean(np.array(rows).T.tolist(), weights, normalize=normalize, equal_votes=equal_votes)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_any_magnitude(size):
    one, two = torch.tensor([3.0, -1.0]) * size, torch.tensor([-1.0, -2.0]) * size
    torch.testing.assert_close(disjoint_mean([one, two], [1.0, 1.0]), torch.tensor([3.0, -1.5]) * size)


def test_weights_may_be_tensors_with_gradients():
    weights = torch.tensor([0.2, 0.5], requires_grad=True)
    tensors = [torch.tensor([3.0, -1.0]), torch.tensor([1.0, 4.0])]
    weighted_sum(tensors, list(weights)).sum().backward()
    assert weights.grad.tolist() == [2.0, 5.0]
    weights.grad = None
    mean = disjoint_mean(tensors, list(weights))
    torch.testing.assert_close(mean, torch.tensor([(0.6 + 0.5) / 0.7, 4.0]))
    mean[0].backward()
    torch.testing.assert_close(weights.grad, torch.tensor([(3 * 0.7 - 1.1) / 0.49, (0.7 - 1.1) / 0.49]))


def test_sums_do_not_touch_their_parts():
    tensors = [torch.ones(3), torch.ones(3)]
    assert weighted_sum(tensors, [2.0, 3.0]).tolist() == [5.0] * 3
    disjoint_mean(tensors, [1.0, 1.0])
    assert all(torch.equal(tensor, torch.ones(3)) for tensor in tensors)
