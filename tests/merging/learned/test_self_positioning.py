"""Self Positioning: the chain beside plain slerps of concatenated vectors; the place that a known loss asks for."""

import math

import pytest
import torch
from toy_weights import distance_to, flat, toy_models

from accord.core.errors import InputError
from accord.merging.learned import SelfPositioning, TaskVectors, spherical_chain


def plain_slerp(left, right, t):
    """Spherical interpolation of two whole vectors, as the textbook has it."""
    cosine = float(left @ right / (left.norm() * right.norm()))
    angle = math.acos(cosine)
    return (math.sin((1 - t) * angle) * left + math.sin(t * angle) * right) / math.sin(angle)


def plain_chain(vectors, proportions):
    chain = vectors[0]
    for k in range(1, len(vectors)):
        mean = sum(proportions[:k]) / k
        chain = plain_slerp(chain, vectors[k], proportions[k] / (mean + proportions[k]))
    return chain


@pytest.mark.parametrize("proportions", [[1.0, 1.0, 1.0, 1.0], [0.2, 3.0, 1.0, 0.01], [5.0, 0.1, 0.1, 2.0]])
def test_the_chain_is_that_of_slerps_over_concatenated_vectors(proportions):
    base, experts = toy_models(4, dtype=torch.float64)
    tasks = [flat(expert) - flat(base) for expert in experts]
    vectors = torch.stack(tasks)
    found = spherical_chain(vectors @ vectors.T, torch.tensor(proportions, dtype=torch.float64)) @ vectors
    assert torch.allclose(found, plain_chain(tasks, proportions), atol=1e-12)


def test_nearly_parallel_vectors_are_interpolated_along_the_line():
    vectors = torch.tensor([[1.0, 0.0], [2.0, 1e-4]], dtype=torch.float64)
    proportions = torch.tensor([1.0, 3.0], dtype=torch.float64)
    assert torch.allclose(spherical_chain(vectors @ vectors.T, proportions), torch.tensor([0.25, 0.75]).double())


def test_one_expert_is_its_own_chain_and_a_chain_keeps_the_length_of_orthogonal_vectors():
    assert spherical_chain(torch.eye(1), torch.tensor([0.3])).tolist() == [1.0]
    chain = spherical_chain(torch.eye(5).double(), torch.ones(5).double())
    assert float(chain.norm()) == pytest.approx(1.0)


def test_the_chain_has_the_right_gradients():
    vectors = torch.randn(4, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    proportions = torch.tensor([0.7, 1.4, 0.3, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: spherical_chain(vectors @ vectors.T, a), (proportions,))


def test_it_finds_the_place_that_the_loss_asks_for():
    base, experts = toy_models(3)
    vectors = TaskVectors(base, experts)
    wanted = 0.6 * spherical_chain(vectors.gramian(), torch.tensor([1.0, 2.5, 0.5], dtype=torch.float64))
    method = SelfPositioning(steps=200, learning_rate=0.2, penalty=0.0)
    found = method.learn(base, experts, distance_to(vectors.place(wanted.float())))
    assert torch.tensor(found.coefficients["all"]).tolist() == pytest.approx(wanted.tolist(), abs=2e-3)
    assert found.details["length"] == pytest.approx(0.6, abs=2e-3)
    first, second, third = found.details["proportions"]
    assert (second / first, third / first) == (pytest.approx(2.5, rel=0.02), pytest.approx(0.5, rel=0.02))
    assert found.losses[-1] < 1e-3 < found.losses[0]
    merged = found.weights(base, experts)
    assert torch.equal(merged["position_ids"], base["position_ids"])
    assert torch.allclose(flat(merged), flat(vectors.place(wanted.float())), atol=5e-3)


def test_a_penalty_shortens_the_way():
    base, experts = toy_models(2)
    loss = distance_to(experts[0])
    long, short = (SelfPositioning(penalty=p).learn(base, experts, loss).details["length"] for p in (0.0, 5.0))
    assert short < long


def test_what_makes_no_sense_is_refused():
    base, experts = toy_models(2)
    with pytest.raises(InputError, match="Expert 2 does not differ from the base"):
        SelfPositioning().learn(base, [experts[0], base], distance_to(base))
    with pytest.raises(InputError, match=r"loss is nan at step 1 of `self_positioning`\. Lower `learning_rate`"):
        SelfPositioning().learn(base, experts, lambda state: state["layer.0.bias"].sum() * float("nan"))
    with pytest.raises(InputError, match="at least one loss"):
        SelfPositioning().learn(base, experts, [])
    with pytest.raises(InputError, match="penalty"):
        SelfPositioning(penalty=-1)


def test_the_losses_take_turns_and_the_bar_moves():
    base, experts = toy_models(2)
    asked, steps = [], []

    def loss(number):
        return lambda state: asked.append(number) or distance_to(base)(state)

    class Bar:
        def __call__(self, description, *, total, unit):
            assert (description, total, unit) == ("self_positioning", 5, "steps")
            return self

        def __enter__(self):
            return steps.append

        def __exit__(self, *_):
            return None

    SelfPositioning(steps=5).learn(base, experts, [loss(0), loss(1)], progress=Bar())
    assert asked == [0, 1, 0, 1, 0]
    assert steps == [1] * 5
