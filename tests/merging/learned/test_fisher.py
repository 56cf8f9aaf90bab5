"""Fisher merging: equal Fishers give the mean, a sure expert wins, squared gradients beside a plain loop."""

import pytest
import torch
from toy_weights import SHAPES, distance_to, flat, toy_models

from accord.core.errors import InputError
from accord.merging import Piece, merge_state_dicts
from accord.merging.learned import Fisher, diagonal_fisher


def ones(value=1.0):
    return {name: torch.full(shape, value) for name, shape in SHAPES.items()}


def test_equal_fishers_give_the_mean():
    _, experts = toy_models(3)
    merged = merge_state_dicts(Fisher([ones()] * 3), experts)
    assert torch.allclose(flat(merged), sum(map(flat, experts)) / 3, atol=1e-6)


def test_the_formula_element_by_element(generator):
    _, experts = toy_models(2)
    fishers = [{n: torch.rand(s, generator=generator) for n, s in SHAPES.items()} for _ in range(2)]
    merged = merge_state_dicts(Fisher(fishers, [1.0, 2.0], normalize=False, floor=0.0), experts)
    for name in SHAPES:
        (a, b), (f, g) = [e[name] for e in experts], [own[name] for own in fishers]
        assert torch.allclose(merged[name], (f * a + 2 * g * b) / (f + 2 * g), atol=1e-6)


def test_the_scale_of_a_loss_does_not_count_unless_asked_for(generator):
    _, experts = toy_models(2)
    one = {n: torch.rand(s, generator=generator) + 0.1 for n, s in SHAPES.items()}
    big = {n: 1000 * t for n, t in one.items()}
    even = merge_state_dicts(Fisher([one, big]), experts)
    assert torch.allclose(flat(even), sum(map(flat, experts)) / 2, atol=1e-5)
    raw = merge_state_dicts(Fisher([one, big], normalize=False), experts)
    assert torch.allclose(flat(raw), flat(experts[1]), atol=0.02)


def test_where_nothing_depends_on_a_parameter_the_mean_is_left():
    _, experts = toy_models(2)
    merged = merge_state_dicts(Fisher([ones(0.0)] * 2, [1.0, 3.0]), experts)
    assert torch.allclose(flat(merged), 0.25 * flat(experts[0]) + 0.75 * flat(experts[1]), atol=1e-6)
    absent = merge_state_dicts(Fisher([{}, {}], [1.0, 3.0]), experts)
    assert torch.allclose(flat(absent), flat(merged), atol=1e-6)


def test_a_piece_of_a_tensor_is_merged_with_its_own_rows(generator):
    experts = [torch.randn(6, 2, generator=generator) for _ in range(2)]
    fishers = [{"w": torch.rand(6, 2, generator=generator)} for _ in range(2)]
    method = Fisher(fishers)
    whole = method.merge(Piece("w", experts, None, 0, (6, 2)), [])
    piece = method.merge(Piece("w", [e[2:5] for e in experts], None, 4, (6, 2)), [])
    assert torch.equal(piece, whole[2:5])


def test_squared_gradients_by_batch_and_by_example():
    base, experts = toy_models(2)
    losses = [distance_to(experts[0]), distance_to(experts[1])]
    found = diagonal_fisher(base, losses)
    name = "layer.0.bias"
    gradients = [2 * (base[name] - expert[name]) for expert in experts]
    assert torch.allclose(found[name], (gradients[0] ** 2 + gradients[1] ** 2) / 2)
    assert "position_ids" not in found
    each = diagonal_fisher(base, lambda state: torch.stack([loss(state) for loss in losses]))
    assert all(torch.allclose(each[name], found[name]) for name in SHAPES)
    together = diagonal_fisher(base, lambda state: sum(loss(state) for loss in losses))
    assert torch.allclose(together[name], (gradients[0] + gradients[1]) ** 2, atol=1e-5)


def test_a_tensor_that_the_loss_does_not_use_has_no_fisher():
    found = diagonal_fisher({"a": torch.ones(2), "b": torch.ones(2)}, lambda state: state["a"].sum())
    assert found["b"].tolist() == [0.0, 0.0]


def test_what_makes_no_sense_is_refused():
    _, experts = toy_models(2)
    with pytest.raises(InputError, match=r"must be of 2 models\. Got 1"):
        merge_state_dicts(Fisher([ones()]), experts)
    with pytest.raises(InputError, match=r"have shape \(1,\), the tensor \(4,\)"):
        merge_state_dicts(Fisher([{**ones(), "layer.0.bias": torch.ones(1)}] * 2), experts)
    with pytest.raises(InputError, match="at least 0, and one of them above"):
        Fisher([ones()] * 2, [1.0, -1.0])
    with pytest.raises(InputError, match="not finite numbers"):
        diagonal_fisher({"w": torch.zeros(2)}, lambda state: state["w"].sqrt().sum())
