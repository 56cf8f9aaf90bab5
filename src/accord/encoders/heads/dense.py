"""A linear map of the pooled vector, with an activation."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_choice
from accord.core.spec import Described

__all__ = ["ACTIVATIONS", "Dense"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "identity": nn.Identity,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
}


class Dense(Described, nn.Module):
    r"""The map :math:`f(W x + b)`: a projection, a cut to fewer dimensions, whitening, or a trained head.

    Args:
        in_features: dimensions in.
        out_features: dimensions out.
        bias: whether there is a b.
        activation: f, one of :data:`ACTIVATIONS`.

    >>> import torch
    >>> Dense.identity(3, 2)(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1., 2.]], grad_fn=<MmBackward0>)
    """

    def __init__(self, in_features: int, out_features: int, *, bias: bool = True, activation: str = "tanh") -> None:
        super().__init__()
        check_at_least("in_features", in_features, 1)
        check_at_least("out_features", out_features, 1)
        check_choice("activation", activation, ACTIVATIONS)
        self.in_features = in_features
        self.out_features = out_features
        self.bias = bias
        self.activation = activation
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        self.function = ACTIVATIONS[activation]()

    @classmethod
    def identity(cls, in_features: int, out_features: int) -> Dense:
        """Keep the first `out_features` dimensions as they are."""
        dense = cls(in_features, out_features, bias=False, activation="identity")
        nn.init.eye_(dense.linear.weight)
        return dense

    def forward(self, vectors: Float[Tensor, "batch inner"]) -> Float[Tensor, "batch outer"]:
        """Mapped vectors."""
        return self.function(self.linear(vectors))
