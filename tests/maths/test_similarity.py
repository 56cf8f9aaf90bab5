"""Similarities against the plain formula, and the matrix against its own diagonal."""

import math

import pytest
import torch

from accord.core.errors import InputError
from accord.maths.similarity import SIMILARITIES, pairwise_similarity, similarity

FORMULAS = {
    "cosine": lambda a, b: sum(x * y for x, y in zip(a, b)) / (math.hypot(*a) * math.hypot(*b)),
    "dot": lambda a, b: sum(x * y for x, y in zip(a, b)),
    "euclidean": lambda a, b: -math.dist(a, b),
}


@pytest.mark.parametrize("kind", SIMILARITIES)
def test_equals_the_formula_and_its_diagonal(kind):
    left, right = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    found = similarity(left, right, kind=kind)
    for i, a in enumerate(left.tolist()):
        for j, b in enumerate(right.tolist()):
            assert found[i, j].item() == pytest.approx(FORMULAS[kind](a, b), abs=1e-9)
    torch.testing.assert_close(pairwise_similarity(left, right, kind=kind), found.diagonal())


def test_the_cosine_of_a_zero_vector_is_zero_not_nan():
    assert similarity(torch.zeros(1, 3), torch.ones(1, 3)).item() == 0.0


def test_unknown_kind():
    with pytest.raises(InputError, match="Did you mean `cosine`"):
        similarity(torch.eye(2), torch.eye(2), kind="cosin")
