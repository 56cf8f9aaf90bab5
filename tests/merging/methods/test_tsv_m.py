"""Merging of singular vectors."""

import pytest
import torch
from merging.merge_checks import assert_close, assert_order_of_experts_is_free, family, merge

from accord.merging import TSVM
from accord.merging.methods.tsv_m import merge_singular_vectors


def low_rank(rows, columns, rank, seed):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(rows, rank, generator=draw) @ torch.randn(rank, columns, generator=draw)


def test_one_matrix_is_itself():
    matrix = low_rank(6, 4, 4, 0)
    torch.testing.assert_close(merge_singular_vectors([matrix]), matrix, atol=1e-5, rtol=1e-4)
    base, experts = family(1)
    assert_close(merge(TSVM(), experts, base), experts[0], atol=1e-5, rtol=1e-4)


def test_matrices_of_low_rank_in_orthogonal_spaces_add_up():
    one, two = torch.zeros(6, 6), torch.zeros(6, 6)
    one[:3, :3], two[3:, 3:] = low_rank(3, 3, 3, 0), low_rank(3, 3, 3, 1)
    torch.testing.assert_close(merge_singular_vectors([one, two]), one + two, atol=1e-5, rtol=1e-4)


def test_only_the_leading_triplets_of_each_count():
    left, _, right = torch.linalg.svd(low_rank(6, 6, 6, 0))
    other = low_rank(6, 6, 6, 1)
    tails = ([0.5, 0.4, 0.3], [0.1, 0.05, 0.01])
    one, two = (left @ torch.diag(torch.tensor([5.0, 4.0, 3.0, *tail])) @ right for tail in tails)
    found = merge_singular_vectors([one, other])
    torch.testing.assert_close(found, merge_singular_vectors([two, other]), atol=1e-4, rtol=1e-3)


def test_an_expert_that_left_a_matrix_alone_takes_no_directions():
    matrix = low_rank(6, 6, 2, 0)
    found = merge_singular_vectors([matrix, torch.zeros(6, 6)])
    torch.testing.assert_close(found, matrix, atol=1e-5, rtol=1e-4)


def test_shared_directions_are_pulled_apart():
    matrix = torch.outer(torch.eye(4)[0], torch.eye(4)[0])
    other = torch.outer((torch.eye(4)[0] + 0.1 * torch.eye(4)[1]), torch.eye(4)[0] - 0.1 * torch.eye(4)[2])
    values = torch.linalg.svdvals(merge_singular_vectors([matrix, other]))
    assert values[0].item() < 1.2  # the sum would have 2


def test_vectors_get_the_mean():
    base, experts = family(3)
    expected = torch.stack([expert["vector"] for expert in experts]).mean(dim=0)
    torch.testing.assert_close(merge(TSVM(), experts, base)["vector"], expected)


def test_scaling_and_order():
    base, experts = family(2)
    once, twice = (merge(TSVM(scaling=s), experts, base)["matrix"] - base["matrix"] for s in (1.0, 2.0))
    torch.testing.assert_close(2 * once, twice)
    assert once.norm().item() == pytest.approx(twice.norm().item() / 2)
    assert_order_of_experts_is_free(TSVM())
