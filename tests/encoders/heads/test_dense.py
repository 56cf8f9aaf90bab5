"""Dense: the map it says, and the cut it stands for."""

import pytest
import torch

from accord.core.errors import InputError
from accord.encoders.heads.dense import ACTIVATIONS, Dense


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_is_the_activation_of_the_linear_map(activation, generator):
    dense = Dense(3, 2, activation=activation)
    x = torch.randn(4, 3, generator=generator)
    wanted = ACTIVATIONS[activation]()(x @ dense.linear.weight.T + dense.linear.bias)
    torch.testing.assert_close(dense(x), wanted)


def test_identity_keeps_the_first_dimensions_bit_for_bit(generator):
    x = torch.randn(4, 6, generator=generator)
    assert torch.equal(Dense.identity(6, 2)(x), x[:, :2])


def test_unknown_activation_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match="Did you mean `tanh`"):
        Dense(3, 2, activation="tahn")
