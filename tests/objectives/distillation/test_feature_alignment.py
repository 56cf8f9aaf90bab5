"""Alignment of hidden states: its formula, bridges between dimensions, fusion of layers, and what it refuses."""

import pytest
import torch
import torch.nn.functional as F
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import FeatureAlignment
from accord.objectives.base import contract
from accord.objectives.distillation.feature_alignment import feature_alignment, selective_fusion

OWNERS = torch.tensor([0, 0, 1, 1, 1, 2])


def two(layers=3, dim=4, teacher_dim=4):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(layers, 6, width, generator=generator, dtype=torch.float64) for width in (dim, teacher_dim)]


def plain_fusion(layer, deeper, owners, squeeze, expand):
    """By loops over tokens and channels."""
    found = torch.empty_like(layer)
    for token, owner in enumerate(owners.tolist()):
        mine = [k for k, other in enumerate(owners.tolist()) if other == owner]
        mean = sum((layer[k] + deeper[k] for k in mine), torch.zeros_like(layer[0])) / len(mine)
        units = [max(0.0, float(row @ mean)) for row in squeeze]
        for channel in range(layer.shape[1]):
            powers = [
                torch.exp(torch.tensor(sum(float(w) * u for w, u in zip(side[channel], units)))) for side in expand
            ]
            share = powers[0] / sum(powers)
            found[token, channel] = share * layer[token, channel] + (1 - share) * deeper[token, channel]
    return found


def test_equals_its_formula():
    hidden, taught = two()
    parts = [float(((hidden[k] - taught[k]) ** 2).mean()) for k in range(3)]
    loss = feature_alignment(hidden, taught, table=2.0, features=3.0)
    assert loss.item() == pytest.approx(2 * parts[0] + 3 * (parts[1] + parts[2]) / 2)
    assert feature_alignment(hidden[:1], taught[:1], table=2.0).item() == pytest.approx(2 * parts[0])


def test_properties():
    hidden, taught = two()
    loss = FeatureAlignment()
    asserts.assert_gradient(lambda h: loss(h, taught), hidden)
    asserts.assert_permutation_invariant(lambda order: loss(hidden[:, order], taught[:, order]), lambda order: order)
    assert loss(taught, taught) == 0.0
    turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)).Q
    torch.testing.assert_close(loss(hidden @ turn, taught @ turn), loss(hidden, taught))


def test_fusion_equals_plain_loops():
    layer, deeper = two(1, 5, 5)
    generator = torch.Generator().manual_seed(2)
    squeeze = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    expand = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)
    found = selective_fusion(layer[0], deeper[0], OWNERS, squeeze, expand)
    torch.testing.assert_close(found, plain_fusion(layer[0], deeper[0], OWNERS, squeeze, expand))


def test_projections_reach_the_teachers_dimension_and_start_the_same_each_time():
    hidden, taught = two(dim=3, teacher_dim=5)
    one, other = (FeatureAlignment(layers=[[1, 2], [2, 4]], projection=[3, 5]) for _ in range(2))
    torch.testing.assert_close(one(hidden, taught), other(hidden, taught))
    expected = torch.stack(
        [F.linear(hidden[k], one.bridges[name].double()) for k, name in enumerate(("table", "layer_1", "layer_2"))]
    )
    torch.testing.assert_close(one(hidden, taught), feature_alignment(expected, taught))
    one(hidden, taught).backward()
    assert all(weight.grad.abs().sum() > 0 for weight in one.parameters())


def test_fusion_mixes_each_layer_with_those_above_it():
    hidden, taught = two(dim=3, teacher_dim=5)
    hidden.requires_grad_()
    loss = FeatureAlignment(layers=[[1, 2], [2, 4]], projection=[3, 5], fusion=4, table=0.0)
    assert {"owners"} <= set(contract(loss).required)
    assert loss(hidden, taught, OWNERS) > 0
    weights = {name: weight.double() for name, weight in loss.bridges.items()}
    top = hidden[2] @ weights["in_2"].T
    below = selective_fusion(hidden[1] @ weights["in_1"].T, top, OWNERS, weights["squeeze_1"], weights["expand_1"])
    expected = torch.stack([hidden[0] @ weights["table"].T, below @ weights["out_1"].T, top @ weights["out_2"].T])
    torch.testing.assert_close(loss(hidden, taught, OWNERS), feature_alignment(expected, taught, table=0.0))


def test_outputs_have_a_projection_of_their_own():
    hidden, taught = two(dim=3, teacher_dim=5)
    texts, by_teacher = torch.randn(4, 3), torch.randn(4, 5)
    loss = FeatureAlignment(layers=[[1, 2], [2, 4]], projection=[3, 5], outputs=2.0)
    assert set(contract(loss).taught) == {"teacher_hidden", "teacher_embeddings"}
    without = FeatureAlignment(layers=[[1, 2], [2, 4]], projection=[3, 5])(hidden, taught)
    expected = 2 * (1 - F.cosine_similarity(texts @ loss.bridges["outputs"].T, by_teacher).mean())
    torch.testing.assert_close(loss(hidden, taught, None, texts, by_teacher), without + expected, check_dtype=False)
    with pytest.raises(InputError, match="4 dimensions with the teacher's 5"):
        loss(hidden, taught, None, torch.randn(4, 4), by_teacher)


def test_gradient_flows_to_the_student_alone():
    hidden, taught = (part.requires_grad_() for part in two())
    FeatureAlignment()(hidden, taught.detach()).backward()
    assert hidden.grad.abs().sum() > 0
    assert taught.grad is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table": 0.0, "features": 0.0}, "One of"),
        ({"features": -1.0}, "features"),
        ({"layers": []}, "`layers`"),
        ({"layers": [[0, 1]]}, "counted from 1"),
        ({"layers": [[1, 1]], "projection": [3]}, "`projection`"),
        ({"projection": [3, 5]}, "name them in `layers`"),
        ({"layers": [[1, 1]], "fusion": 4}, "set `projection`"),
    ],
)
def test_refuses_what_means_nothing(arguments, message):
    with pytest.raises(InputError, match=message):
        FeatureAlignment(**arguments)


def test_other_dimensions_are_refused_with_the_cure():
    hidden, taught = two(dim=3, teacher_dim=5)
    with pytest.raises(InputError, match=r"projection: \[3, 5\]"):
        FeatureAlignment()(hidden, taught)
    with pytest.raises(InputError, match="starts from 4"):
        FeatureAlignment(layers=[[1, 1], [2, 2]], projection=[4, 5])(hidden, taught)
