"""AdaMerging: coefficients within [0, 1], by layer; the gap between two views of similarity."""

import pytest
import torch
from toy_weights import distance_to, toy_models

from accord.merging.learned import AdaMerging, similarity_gap


def test_coefficients_stay_between_nothing_and_all():
    base, experts = toy_models(2)
    beyond = {n: t if n == "position_ids" else base[n] + 2 * (t - base[n]) for n, t in experts[0].items()}
    found = AdaMerging(steps=60, learning_rate=0.1).learn(base, experts, distance_to(beyond))
    assert set(found.coefficients) == {"layer.0", "layer.1"}
    for row in found.coefficients.values():
        assert all(0.0 <= value <= 1.0 for value in row)
        assert row[0] == pytest.approx(1.0)


def test_the_gap_is_the_mean_square_off_the_diagonal(generator):
    one, two = (torch.rand(4, 4, generator=generator) for _ in range(2))
    wanted = sum((one[i, j] - two[i, j]) ** 2 for i in range(4) for j in range(4) if i != j) / 12
    assert torch.allclose(similarity_gap(one, two), wanted)
    assert float(similarity_gap(one, one)) == 0.0
    assert float(similarity_gap(one[:1, :1], two[:1, :1])) == 0.0
