"""The contract of an objective is read off its signature."""

import pytest
from torch import nn

from accord.core.errors import InputError
from accord.objectives import InfoNCE, SupCon
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
