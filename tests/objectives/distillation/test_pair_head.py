"""Two towers that learn a teacher's scores of pairs: the head's formula, the cosine beside it, gold scores."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import PairHead, PairMSE
from accord.objectives.base import contract
from accord.objectives.distillation.pair_head import pair_head


def batch(count=6, dim=3):
    generator = torch.Generator().manual_seed(0)
    sides = torch.randn(2, count, dim, generator=generator, dtype=torch.float64)
    return sides, *torch.randn(2, count, generator=generator, dtype=torch.float64)


def plain(u, v, head):
    """One score by loops."""
    weights = {name: weight.detach() for name, weight in head.items()}
    compared = [*u, *v, *[abs(a - b) for a, b in zip(u, v)], *[a * b for a, b in zip(u, v)]]
    units = [
        max(0.0, sum(float(w) * float(x) for w, x in zip(row, compared)) + float(bias))
        for row, bias in zip(weights["inner"], weights["inner_bias"])
    ]
    return sum(float(w) * unit for w, unit in zip(weights["outer"], units)) + float(weights["outer_bias"])


def test_equals_plain_loops():
    sides, taught, _ = batch()
    loss = PairHead(dim=3, hidden=5)
    with torch.no_grad():
        loss.head["inner_bias"].copy_(torch.linspace(-1, 1, 5))
        loss.head["outer_bias"].fill_(0.25)
    expected = [plain(u, v, loss.head) for u, v in zip(*sides)]
    torch.testing.assert_close(loss.scores(sides), torch.tensor(expected, dtype=torch.float64))
    squares = [(score - float(t)) ** 2 for score, t in zip(expected, taught)]
    assert loss(sides, taught).item() == pytest.approx(sum(squares) / len(squares))


def test_without_a_head_it_is_pair_mse_of_cosines():
    sides, taught, _ = batch()
    cosines = torch.cosine_similarity(sides[0], sides[1], dim=-1)
    torch.testing.assert_close(PairHead()(sides, taught), PairMSE()(cosines, taught))
    assert PairHead()(sides, cosines) == 0.0
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)).Q
    torch.testing.assert_close(PairHead()(sides @ turn, taught), PairHead()(sides, taught))


def test_gold_scores_and_the_cosine_have_their_weights():
    sides, taught, gold = batch()
    plain_loss, cosine = PairHead(dim=3), PairHead()
    both = PairHead(dim=3, gold=0.25, cosine=2.0)
    expected = (
        0.75 * plain_loss(sides, taught) + 0.25 * plain_loss(sides, gold) + 2 * cosine(sides, taught)
    )  # the head starts the same each time
    torch.testing.assert_close(both(sides, taught, gold), expected)
    assert "labels" in contract(both).required
    assert "labels" not in contract(plain_loss).required


def test_properties():
    sides, taught, _ = batch()
    loss = PairHead(dim=3, hidden=4, cosine=1.0)
    asserts.assert_gradient(lambda s: loss(s, taught), sides)
    asserts.assert_permutation_invariant(lambda order: loss(sides[:, order], taught[order]), lambda order: order)
    loss(sides, taught).backward()
    assert all(weight.grad is not None for weight in loss.parameters())


def test_golden_value():
    sides = torch.tensor([[[1.0, 2.0]], [[3.0, -1.0]]])
    inner = torch.tensor([[1.0, 0, 0, 0, 1.0, 1.0, 0, 0], [0, 0, 0, 0, 0, 0, 1.0, 1.0]])
    found = pair_head(sides, inner, torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0]), torch.tensor(-1.0))
    assert found.tolist() == [2 * (1 + 2 + 3) + 3 * (3 - 2 + 1) - 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"dim": 0}, "dim"), ({"hidden": 0}, "hidden"), ({"gold": 1.0}, "gold"), ({"cosine": 1.0}, "without `dim`")],
)
def test_refuses_what_means_nothing(arguments, message):
    with pytest.raises(InputError, match=message):
        PairHead(**arguments)


def test_vectors_of_other_dimensions_are_refused():
    sides, taught, _ = batch()
    with pytest.raises(InputError, match="`dim` is 4"):
        PairHead(dim=4)(sides, taught)
