"""Exclusive parts: exact at full rank, honest about what a low one loses."""

import pytest
import torch

from accord.core.errors import InputError
from accord.training.experts import exclusive_part, with_exclusive


@pytest.fixture
def states(base, experts):
    return base.state_dict(), experts["read"].state_dict()


def test_full_rank_gives_the_expert_back(states):
    shared, expert = states
    part = exclusive_part(shared, expert, rank=10_000)
    assert part.energy == pytest.approx(1.0)
    for name, tensor in with_exclusive(shared, part).items():
        torch.testing.assert_close(tensor, expert[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize("rank", [1, 3, 8])
def test_energy_is_what_is_left_of_the_squared_difference(states, rank, vectors):
    shared, expert = states
    part = exclusive_part(shared, expert, rank=rank, vectors=vectors)
    rebuilt = with_exclusive(shared, part)
    floats = [n for n, t in shared.items() if t.is_floating_point()]
    lost = sum(float((rebuilt[n] - expert[n]).double().square().sum()) for n in floats)
    whole = sum(float((shared[n] - expert[n]).double().square().sum()) for n in floats)
    assert part.energy == pytest.approx(1 - lost / whole, abs=1e-6)
    assert bool(part.vectors) == vectors
    assert part.numbers == sum(t.numel() for f in part.factors.values() for t in f) + sum(
        t.numel() for t in part.vectors.values()
    )


def test_more_rank_keeps_more(states):
    energies = [exclusive_part(*states, rank=rank).energy for rank in (1, 2, 4, 8, 16)]
    assert energies == sorted(energies)
    assert energies[0] < energies[-1]


def test_equal_tensors_are_not_stored(states):
    shared, expert = states
    half = {name: expert[name] if "layer.0" in name else tensor for name, tensor in shared.items()}
    part = exclusive_part(shared, half, rank=2)
    assert part.factors
    assert all("layer.0" in name for name in [*part.factors, *part.vectors])
    assert exclusive_part(shared, shared).energy == 1.0


def test_rounding_of_a_mean_of_equal_tensors_is_not_stored(states):
    shared, _ = states
    mean = {n: t / 3 + t / 3 + t / 3 if t.is_floating_point() else t for n, t in shared.items()}
    part = exclusive_part(mean, shared)
    assert any(not torch.equal(mean[name], shared[name]) for name in shared)
    assert (part.numbers, part.energy) == (0, 1.0)


def test_a_tensor_of_three_dimensions_is_one_matrix():
    shared = {"w": torch.zeros(4, 2, 3)}
    expert = {"w": torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))}
    torch.testing.assert_close(with_exclusive(shared, exclusive_part(shared, expert, rank=4)), expert)


def test_a_rank_of_zero_is_refused(states):
    with pytest.raises(InputError, match="rank"):
        exclusive_part(*states, rank=0)
