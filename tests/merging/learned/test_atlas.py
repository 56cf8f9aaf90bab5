"""aTLAS: exact least squares on a quadratic loss, for tensors, layers, one block, and random parts of tensors."""

import pytest
import torch
from toy_weights import SHAPES, distance_to, flat, toy_models

from accord.core.errors import InputError
from accord.merging.learned import ATLAS, TaskVectors

QUICK = {"steps": 200, "learning_rate": 0.2, "weight_decay": 0.0, "clip": 1e6}


def least_squares(vectors, target):
    """Coefficients of (N, size) vectors that come nearest to a target."""
    return torch.linalg.lstsq(vectors.T.double(), target[:, None].double()).solution[:, 0]


def test_a_coefficient_for_each_tensor_is_least_squares_in_each_tensor():
    base, experts = toy_models(2)
    target, _ = toy_models(2, seed=5)
    found = ATLAS(**QUICK).learn(base, experts, distance_to(target))
    assert set(found.coefficients) == set(SHAPES)
    for name in SHAPES:
        vectors = torch.stack([(expert[name] - base[name]).flatten() for expert in experts])
        wanted = least_squares(vectors, (target[name] - base[name]).flatten())
        assert found.coefficients[name] == pytest.approx(wanted.tolist(), abs=1e-3)


def test_one_block_is_least_squares_over_the_whole_vector():
    base, experts = toy_models(2)
    target, _ = toy_models(2, seed=5)
    found = ATLAS(**QUICK, blocks="model").learn(base, experts, distance_to(target))
    vectors = torch.stack([flat(expert) - flat(base) for expert in experts])
    wanted = least_squares(vectors, flat(target) - flat(base))
    assert found.coefficients["all"] == pytest.approx(wanted.tolist(), abs=1e-3)


def test_a_layer_shares_its_coefficients():
    base, experts = toy_models(2)
    found = ATLAS(**QUICK, blocks="layer").learn(base, experts, distance_to(experts[1]))
    assert set(found.coefficients) == {"layer.0", "layer.1"}
    assert found.coefficients["layer.0"] == pytest.approx([0.0, 1.0], abs=1e-3)


def test_parts_of_a_tensor_have_coefficients_of_their_own():
    generator = torch.Generator().manual_seed(3)
    base, delta, wanted = (torch.randn(8, 6, generator=generator) for _ in range(3))
    method = ATLAS(**QUICK, partitions=3, seed=4)
    found = method.learn({"w": base}, [{"w": base + delta}], lambda state: (state["w"] - wanted).square().sum())
    merged = found.weights({"w": base}, [{"w": base + delta}])["w"]
    rates = (merged - base) / delta
    assert len({round(float(rate), 3) for rate in rates.flatten()}) == 3
    for rate in found.coefficients["w"]:
        part = (rates - rate).abs() < 1e-3
        best = ((wanted - base) * delta)[part].sum() / delta[part].square().sum()
        assert rate == pytest.approx(float(best), abs=1e-3)


def test_gradients_reach_coefficients_with_and_without_parts():
    base, experts = toy_models(2, dtype=torch.float32)
    vectors = TaskVectors(base, experts)
    vectors.base = {n: t.double() for n, t in vectors.base.items()}
    vectors.deltas = {n: t.double() for n, t in vectors.deltas.items()}
    parts = {"layer.0.weight": (torch.arange(12) % 3).view(4, 3)}

    def placed(alone, parted):
        own = {"layer.0.weight": parted, "layer.0.bias": alone, "layer.1.weight": alone}
        state = vectors.place(own, parts)
        return tuple(state[name].sin() for name in SHAPES)

    alone = torch.tensor([0.3, -1.0], dtype=torch.float64, requires_grad=True)
    parted = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(placed, (alone, parted))


def test_few_shot_adaptation_to_a_task_that_no_expert_has_seen():
    base, experts = toy_models(3, scale=0.3)
    new = {name: base[name] + 0.7 * (experts[0][name] - base[name]) for name in SHAPES}
    found = ATLAS(steps=80, learning_rate=0.05, weight_decay=0.0).learn(base, experts, distance_to(new))
    assert found.losses[-1] < 0.01 * found.losses[0]


def test_the_same_seed_gives_the_same_numbers_and_another_seed_other_parts():
    base, experts = toy_models(2)
    target, _ = toy_models(2, seed=5)
    once, again, other = (
        ATLAS(steps=20, partitions=2, seed=seed).learn(base, experts, distance_to(target)) for seed in (1, 1, 2)
    )
    assert once.summary() == again.summary()
    assert once.coefficients != other.coefficients


def test_experts_of_another_shape_are_refused():
    base, experts = toy_models(1)
    with pytest.raises(InputError, match=r"`layer.0.bias` has shape \(4,\) in the base and \(5,\) in expert 1"):
        ATLAS().learn(base, [{**experts[0], "layer.0.bias": torch.zeros(5)}], distance_to(base))
    with pytest.raises(InputError, match="`extra` is in expert 1 alone"):
        ATLAS().learn(base, [{**experts[0], "extra": torch.zeros(5)}], distance_to(base))
    with pytest.raises(InputError, match="at least one model"):
        ATLAS().learn(base, [], distance_to(base))
    with pytest.raises(InputError, match="blocks"):
        ATLAS(blocks="row")
