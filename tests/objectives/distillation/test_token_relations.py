"""Relations of tokens: plain loops agree, angles alone count, and the graph is the teacher's."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import TokenRelations
from accord.objectives.base import contract
from accord.objectives.distillation.token_relations import token_context, token_graph, token_relations

OWNERS = torch.tensor([0, 0, 0, 1, 1, 2, 0, 3, 3, 3])


def two(count=10, dim=4, teacher_dim=5):
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(count, dim, generator=generator, dtype=torch.float64),
        torch.randn(count, teacher_dim, generator=generator, dtype=torch.float64),
    )


def turned(vectors, seed=1):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(vectors.shape[1], vectors.shape[1], generator=generator, dtype=vectors.dtype)
    return vectors @ torch.linalg.qr(matrix).Q


def cosine(vectors, i, j):
    return float(vectors[i] @ vectors[j] / (vectors[i].norm() * vectors[j].norm()))


def softmax(values, temperature):
    powers = [math.exp(value / temperature) for value in values]
    return [power / sum(powers) for power in powers]


def divergence(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p, q))


def plain(tokens, taught, owners, *, neighbours, temperature):
    """The three terms by loops."""
    count, local, contrast, context = len(tokens), 0.0, 0.0, 0.0
    for i in range(count):
        others = [j for j in range(count) if j != i]
        near = sorted(others, key=lambda j: -cosine(taught, i, j))[:neighbours]
        own, by_teacher = ([cosine(model, i, j) for j in near] for model in (tokens, taught))
        local += divergence(softmax(by_teacher, temperature), softmax(own, temperature)) / count
        if len(near) < len(others):
            shares = []
            for model in (taught, tokens):
                attention = dict(zip(others, softmax([cosine(model, i, j) for j in others], temperature)))
                share = sum(attention[j] for j in near)
                shares.append([share, 1 - share])
            contrast += divergence(*shares) / count
        mine = [j for j in others if owners[j] == owners[i]]
        if mine:
            rows = [softmax([cosine(model, i, j) for j in mine], temperature) for model in (taught, tokens)]
            context += divergence(*rows) / count
    return local, contrast, context


@pytest.mark.parametrize("neighbours", [1, 3, 9, 50])
def test_equals_plain_loops(neighbours):
    tokens, taught = two()
    expected = plain(tokens, taught, OWNERS, neighbours=neighbours, temperature=0.5)
    for number, name in enumerate(("local", "contrast", "context")):
        weights = dict.fromkeys(("local", "contrast", "context"), 0.0) | {name: 2.0}
        found = token_relations(tokens, taught, OWNERS, neighbours=neighbours, temperature=0.5, **weights)
        assert found.item() == pytest.approx(2 * expected[number], abs=1e-9)
    whole = token_relations(tokens, taught, OWNERS, neighbours=neighbours, temperature=0.5)
    assert whole.item() == pytest.approx(sum(expected), abs=1e-9)


def test_golden_values():
    tokens, taught = torch.eye(3), torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    local, contrast = token_graph(tokens, taught, neighbours=1, temperature=1.0)
    assert local.item() == 0.0
    assert contrast.item() == pytest.approx(0.0391999, abs=1e-6)  # shares of 0.6698 twice, once 0.5; all to 0.5
    assert token_context(tokens, taught, torch.tensor([0, 0, 0]), temperature=1.0).item() == pytest.approx(
        contrast.item()
    )
    assert token_context(tokens, taught, torch.tensor([0, 0, 1])).item() == 0.0


def test_only_the_angles_within_each_model_count():
    tokens, taught = two()
    loss = token_relations(tokens, taught, OWNERS)
    assert loss > 0
    torch.testing.assert_close(token_relations(3 * turned(tokens), turned(taught, 2), OWNERS), loss)
    assert token_relations(turned(taught), taught, OWNERS).item() == pytest.approx(0.0, abs=1e-12)


def test_properties():
    tokens, taught = two()
    asserts.assert_gradient(lambda t: token_relations(t, taught, OWNERS, neighbours=3, temperature=0.5), tokens)
    loss = TokenRelations(neighbours=2)
    asserts.assert_permutation_invariant(
        lambda order: loss(tokens[order], taught[order], OWNERS[order]), lambda order: order
    )


def test_gradient_flows_to_the_student_alone():
    tokens, taught = (part.requires_grad_() for part in two())
    TokenRelations()(tokens, taught.detach(), OWNERS).backward()
    assert tokens.grad.abs().sum() > 0
    assert taught.grad is None


def test_the_graph_is_drawn_from_the_global_generator():
    tokens, taught = two(40)
    owners = torch.arange(40) // 4
    loss = TokenRelations(sampled=10, context=0.0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, other = loss(tokens, taught, owners), loss(tokens, taught, owners)
        torch.manual_seed(0)
        assert loss(tokens, taught, owners) == first != other
    assert TokenRelations(sampled=40)(tokens, taught, owners) == token_relations(tokens, taught, owners)


def test_one_token_has_no_relations():
    one = torch.ones(1, 3)
    assert TokenRelations()(one, one, torch.tensor([0])) == 0.0


def test_outputs_are_asked_for_and_compared():
    assert contract(TokenRelations()).taught == ("teacher_tokens",)
    assert contract(TokenRelations(outputs=1.0)).taught == ("teacher_tokens", "teacher_embeddings")
    tokens, taught = two(teacher_dim=4)
    texts, by_teacher = two(4, 3, 3)
    loss = TokenRelations(outputs=2.0)(tokens, taught, OWNERS, texts, by_teacher)
    expected = 2 * (1 - torch.cosine_similarity(texts, by_teacher).mean())
    torch.testing.assert_close(loss - token_relations(tokens, taught, OWNERS), expected)
    with pytest.raises(InputError, match="3 dimensions with the teacher's 4"):
        TokenRelations(outputs=1.0)(tokens, taught, OWNERS, texts, torch.ones(4, 4))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampled": 1}, "sampled"),
        ({"neighbours": 0}, "neighbours"),
        ({"temperature": 0.0}, "temperature"),
        ({"context": -1.0}, "context"),
        ({"local": 0.0, "contrast": 0.0, "context": 0.0}, "One of"),
    ],
)
def test_refuses_what_means_nothing(arguments, message):
    with pytest.raises(InputError, match=message):
        TokenRelations(**arguments)
