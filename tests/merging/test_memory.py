"""Merging state dicts: what is copied, what is refused, how tensors are cut."""

import pytest
import torch
from merging.merge_checks import family, merge_in_pieces

from accord.core.errors import InputError
from accord.merging import (
    Breadcrumbs,
    Linear,
    MergeMethod,
    Piece,
    Survey,
    TaskArithmetic,
    Ties,
    memory,
    merge_state_dicts,
)
from accord.merging.base import Contract, row_length


def test_whole_numbers_come_from_the_first_expert():
    experts = [{"w": torch.ones(2), "ids": torch.arange(3)}, {"w": torch.zeros(2), "ids": torch.arange(3) + 1}]
    merged = merge_state_dicts(Linear(), experts)
    assert merged["ids"] is experts[0]["ids"]
    assert list(merged) == ["w", "ids"]


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(memory, "MERGED", 1 << 14)
    monkeypatch.setattr(memory, "SURVEYED", 1 << 15)


def test_large_tensors_are_cut_and_give_the_same(small_pieces):
    base, experts = family(3, shapes={"table": (900, 700), "bias": (700,)})
    for method in (Ties(), Ties(scope="tensor"), Breadcrumbs(scope="row"), TaskArithmetic()):
        expected = merge_in_pieces(method, experts, base, rows=1000)
        found = merge_state_dicts(method, experts, base)
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_gradients_reach_the_numbers_of_a_method_from_every_piece(small_pieces):
    seen = []

    class Scaled(MergeMethod):
        """The first expert, times a number that is learned."""

        contract = Contract(base="unused")
        name = "scaled"

        def __init__(self, factor):
            self.factor = factor

        def merge(self, piece: Piece, surveys):
            seen.append(piece.first)
            return piece.experts[0] * self.factor

    table = torch.rand(400, 256, generator=torch.Generator().manual_seed(0), dtype=torch.float64).float()
    for _ in range(5):  # pieces are merged by several threads
        factor = torch.tensor(2.0, requires_grad=True)
        merge_state_dicts(Scaled(factor), [{"table": table}])["table"].sum().backward()
        torch.testing.assert_close(factor.grad, table.sum())
    assert sorted(set(seen)) == list(range(0, table.numel(), 1 << 14))
    with torch.no_grad():
        found = merge_state_dicts(Scaled(factor), [{"table": table}])["table"]
        assert not found.requires_grad and torch.equal(found, 2 * table)


def test_tensors_that_are_views_are_merged_as_they_look(small_pieces):
    tensor = torch.arange(12.0).view(3, 4)
    merged = merge_state_dicts(Linear(), [{"w": tensor.T}, {"w": tensor.T}])["w"]
    assert torch.equal(merged, tensor.T)
    wide = torch.randn(400, 600).T
    assert torch.equal(merge_state_dicts(Ties(density=1.0), [{"w": wide}], {"w": torch.zeros(600, 400)})["w"], wide)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda model: model.pop("vector"), "`vector` is in expert 1 alone"),
        (lambda model: model.update(extra=torch.ones(1)), "`extra` is in expert 2 alone"),
        (
            lambda model: model.update(vector=torch.ones(3)),
            r"`vector` has shape \(9,\) in expert 1 and \(3,\) in expert 2",
        ),
    ],
)
def test_models_that_differ_are_refused(change, words):
    _, experts = family(2)
    change(experts[1])
    with pytest.raises(InputError, match=words):
        merge_state_dicts(Linear(), experts)


def test_a_method_of_ones_own():
    class Largest(MergeMethod):
        """Scaled so that the largest of all is 1."""

        contract = Contract(base="unused")
        name = "largest"
        scope = "global"

        @property
        def passes(self):
            return 1

        def survey(self, piece: Piece, before):
            return Survey(torch.stack([expert.abs().amax() for expert in piece.experts]).amax()[None])

        def merge(self, piece: Piece, surveys):
            return piece.experts[0] / surveys[0].value.amax()

    found = merge_state_dicts(Largest(), [{"a": torch.tensor([1.0]), "b": torch.tensor([[2.0], [-4.0]])}])
    assert found["a"].abs().item() < 1
    assert repr(Largest()) == "Largest()"


def test_rows_are_what_belongs_to_one_place_of_the_first_dimension():
    assert [row_length(shape) for shape in [(), (5,), (3, 4), (3, 4, 2), (0, 4)]] == [1, 5, 4, 8, 4]
