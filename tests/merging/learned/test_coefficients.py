"""The merge that learned methods end in: task vectors with numbers, by tensor and by random parts of tensors."""

import pytest
import torch
from toy_weights import SHAPES, toy_models

from accord.core.errors import InputError
from accord.merging import Piece, merge_state_dicts
from accord.merging.learned.coefficients import Coefficients, element_parts


def test_each_tensor_has_its_own_numbers():
    base, experts = toy_models(2)
    weights = {name: [0.1 * k, 1.0 - k] for k, name in enumerate(SHAPES)}
    merged = merge_state_dicts(Coefficients(weights), experts, base)
    for name, (first, second) in weights.items():
        deltas = [expert[name] - base[name] for expert in experts]
        assert torch.allclose(merged[name], base[name] + first * deltas[0] + second * deltas[1], atol=1e-6)


def test_parts_do_not_depend_on_how_a_tensor_is_cut(generator):
    base, expert = (torch.randn(8, 5, generator=generator) for _ in range(2))
    method = Coefficients({"w": [[0.0, 1.0, 2.0]]}, partitions=3, seed=7)
    whole = method.merge(Piece("w", [expert], base, 0, (8, 5)), [])
    piece = method.merge(Piece("w", [expert[3:]], base[3:], 15, (8, 5)), [])
    assert torch.equal(piece, whole[3:])
    rates = ((whole - base) / (expert - base)).round().flatten().to(torch.uint8)
    assert torch.equal(rates, element_parts(0, 40, 3, seed=7))


def test_parts_are_about_equal_and_differ_by_seed():
    parts = element_parts(0, 30_000, 4, seed=1)
    assert (parts.bincount() - 7500).abs().max() < 300
    assert 0.2 < float((parts == element_parts(0, 30_000, 4, seed=2)).float().mean()) < 0.3


def test_what_makes_no_sense_is_refused():
    base, experts = toy_models(2)
    with pytest.raises(InputError, match=r"must be one for each of 2 models\. Got 1"):
        merge_state_dicts(Coefficients([1.0]), experts, base)
    with pytest.raises(InputError, match="no number for the tensor"):
        merge_state_dicts(Coefficients({"other": [1.0, 1.0]}), experts, base)
    with pytest.raises(InputError, match="by tensor"):
        Coefficients([1.0, 1.0], partitions=2)
    with pytest.raises(InputError, match="at most 255"):
        element_parts(0, 4, 300)
