"""The sum of changes with a flat spectrum."""

import torch
from merging.merge_checks import assert_order_of_experts_is_free, family, merge

from accord.merging import IsoC
from accord.merging.methods.iso_c import flatten_spectrum


def test_all_singular_values_become_their_mean():
    matrix = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(flatten_spectrum(matrix))
    torch.testing.assert_close(values, torch.linalg.svdvals(matrix).mean().expand(4))


def test_directions_stay():
    matrix = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    turned = u.T @ flatten_spectrum(matrix) @ v.T
    torch.testing.assert_close(turned, torch.diag(turned.diagonal()), atol=1e-5, rtol=1e-4)


def test_merge_flattens_the_sum_and_averages_vectors():
    base, experts = family(3)
    found = merge(IsoC(scaling=0.5), experts, base)
    total = sum(expert["matrix"] - base["matrix"] for expert in experts)
    expected = base["matrix"] + 0.5 * flatten_spectrum(total)
    torch.testing.assert_close(found["matrix"], expected, atol=1e-5, rtol=1e-4)
    mean = sum(expert["vector"] - base["vector"] for expert in experts) / 3
    torch.testing.assert_close(found["vector"], base["vector"] + 0.5 * mean)


def test_order_of_experts_is_free():
    assert_order_of_experts_is_free(IsoC())
