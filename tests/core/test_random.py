"""Streams depend on the seed and the words, and on nothing else."""

import numpy as np
import torch

from accord.core.random import derive, numpy_generator, torch_generator, unit_hash


def test_golden_values_so_that_splits_never_move():
    assert derive(0, "dropout", 3) == derive(0, "dropout", "3")
    assert round(unit_hash(0, "module", "json.decoder"), 6) == GOLDEN


def test_streams_are_repeatable_and_apart():
    assert numpy_generator(0, "a").random() == numpy_generator(0, "a").random()
    assert numpy_generator(0, "a").random() != numpy_generator(1, "a").random()
    assert torch.rand(1, generator=torch_generator(0, "a")) != torch.rand(1, generator=torch_generator(0, "b"))


def test_hashes_are_uniform():
    values = np.array([unit_hash(0, i) for i in range(4000)])
    counts, _ = np.histogram(values, bins=10, range=(0, 1))
    assert ((counts - 400) ** 2 / 400).sum() < 27.9  # chi-square, 9 degrees, p = 0.001


GOLDEN = 0.32458
