"""The contract of an objective is read off its signature."""

import pytest
import torch
from torch import nn

from accord.core.errors import InputError
from accord.objectives import AnglE, BatchHardTriplet, InfoNCE, ListKL, ListNet, SupCon
from accord.objectives.base import Contract, contract


def test_contracts_of_ours():
    assert contract(InfoNCE()) == Contract(("scores",), ("ignore",))
    assert contract(SupCon()) == Contract(("scores", "labels"), ())


def test_an_unknown_field_is_named_with_a_suggestion():
    class Odd(nn.Module):
        def forward(self, score):
            return score

    with pytest.raises(InputError, match="Did you mean `scores`"):
        contract(Odd())


def test_a_signal_that_lacks_a_field_is_refused_by_name():
    with pytest.raises(InputError, match=r"Task `topic`.*`labels`"):
        contract(SupCon()).check(("scores", "ignore"), where="Task `topic`")


def test_a_shape_of_another_signal_is_refused_before_any_step():
    """Both sides of a pair are no labelled texts, and their gold scores no grades of a list."""
    pairs = {"embeddings": "2 n dim", "labels": "n", "pair_scores": "n"}
    contract(AnglE()).check(pairs, where="here")
    with pytest.raises(InputError, match=r"`embeddings` as \(n, dim\), but the signal provides it as \(2, n, dim\)"):
        contract(BatchHardTriplet()).check(pairs, where="here")
    with pytest.raises(InputError, match=r"`labels` as \(queries, list\)"):
        contract(ListNet()).check({"list_scores": "queries list", "labels": "n"}, where="here")
    with pytest.raises(InputError, match=r"`scores` as \(queries, docs\)"):
        contract(InfoNCE()).check({"scores": "n n", "labels": "n"}, where="here")


def test_a_plain_annotation_promises_no_shape():
    class Mine(nn.Module):
        def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return embeddings.sum() + labels.sum()

    contract(Mine()).check({"embeddings": "2 n dim", "labels": "n"}, where="here")
    assert contract(Mine).shapes == {}


def test_what_a_teacher_fills_is_asked_of_a_teacher():
    lists = {"list_scores": "queries list", "ignore": "queries list"}
    with pytest.raises(InputError, match=r"no teacher here gives them.*`pos_scores` and `neg_scores`"):
        contract(ListKL()).check(lists, where="Task `rank`")
    assert contract(ListKL()).taught == ("teacher_list_scores",)
