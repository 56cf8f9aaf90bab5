"""Principal directions."""

from __future__ import annotations

import numpy as np
import pytest

from accord.retrieval.dense.principal import principal_directions


def made(rows: int, spread: list[float], seed: int = 0) -> np.ndarray:
    draws = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(draws.standard_normal((len(spread), len(spread))))
    return (draws.standard_normal((rows, len(spread))) * spread) @ turn


@pytest.mark.parametrize("share", [0.3, 0.8, 0.95, 1.0])
def test_the_fewest_that_hold_the_share(share):
    sample = made(400, [5, 4, 3, 2, 1, 0.5, 0.2, 0.1])
    directions = principal_directions(sample, share)
    held = np.square(sample @ directions.T).sum() / np.square(sample).sum()
    assert held >= share - 1e-6
    if len(directions) > 1:
        assert np.square(sample @ directions[:-1].T).sum() / np.square(sample).sum() < share


def test_they_are_the_singular_vectors_of_the_rows():
    sample = made(300, [4, 3, 2, 1, 0.5])
    sample += 3.0  # the mean stays in
    _, _, expected = np.linalg.svd(sample, full_matrices=False)
    directions = principal_directions(sample, 1.0)
    np.testing.assert_allclose(np.abs((directions * expected).sum(axis=1)), 1, atol=1e-6)
    np.testing.assert_allclose(directions @ directions.T, np.eye(5), atol=1e-6)


def test_inner_products_lose_only_what_is_left_out():
    sample = made(300, [3, 3, 3, 0, 0, 0])
    directions = principal_directions(sample, 0.999)
    assert len(directions) == 3
    query = np.ones(6)
    np.testing.assert_allclose((sample @ directions.T) @ (directions @ query), sample @ query, atol=1e-4)


def test_their_number_is_a_multiple_but_no_more_than_there_are():
    sample = made(200, [1.0] * 10)
    assert [len(principal_directions(sample, share, multiple=4)) for share in (0.15, 0.6, 1.0)] == [4, 8, 10]


def test_the_same_rows_give_the_same_directions_whatever_their_order_or_sign():
    sample = made(100, [4, 2, 1, 0.5])
    directions = principal_directions(sample, 0.9)
    np.testing.assert_allclose(principal_directions(-sample[::-1], 0.9), directions, atol=1e-5)


def test_rows_of_zeros_have_one_direction():
    assert principal_directions(np.zeros((3, 4), dtype=np.float32), 0.95).shape == (1, 4)
