"""RegMean: linear layers merged so that their outputs stay as close as possible to those of the experts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_fraction
from accord.core.errors import InputError
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, StateDict, per_expert

__all__ = ["RegMean", "input_products", "regression_mean"]


def input_products(
    model: nn.Module,
    batches: Iterable[Any],
    *,
    weights: StateDict | None = None,
    forward: Callable[[Any], Any] | None = None,
) -> dict[str, Tensor]:
    r"""For each linear layer of a model, the scalar products of its inputs.

    .. math:: G = \frac{1}{n} X^\top X

    over the n rows that reach the layer; padding, as the `attention_mask` of a batch tells it, is left out. Memory: the
    square of a layer's input width for each layer, 74 MB for MiniLM.

    Args:
        model: whose layers.
        batches: what the model takes.
        weights: to use in the place of the model's own.
        forward: how to call the model with a batch, when not by ``model(batch)``; `weights` must then be its business.

    Returns:
        name of the layer's weight -> (width, width) float32; layers that no batch reached are missing.

    >>> layer = nn.Sequential(nn.Linear(2, 1))
    >>> input_products(layer, [torch.tensor([[1.0, 2.0], [3.0, 0.0]])])
    {'0.weight': tensor([[5., 1.],
            [1., 2.]])}
    """
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}
    mask: list[Tensor | None] = [None]
    hooks = [
        module.register_forward_pre_hook(partial(_add_products, f"{name}.weight", sums, counts, mask))
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    try:
        with torch.no_grad():
            for batch in batches:
                mask[0] = getattr(batch, "attention_mask", None)
                if forward is not None:
                    forward(batch)
                elif weights is not None:
                    torch.func.functional_call(model, dict(weights), (batch,))
                else:
                    model(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: total / counts[name] for name, total in sums.items()}


def _add_products(
    name: str,
    sums: dict[str, Tensor],
    counts: dict[str, int],
    mask: Sequence[Tensor | None],
    module: nn.Module,
    inputs: tuple[Tensor, ...],
) -> None:
    """Add the products of one call's inputs."""
    del module
    rows, real = inputs[0].detach(), mask[0]
    if real is not None and rows.ndim == 3 and rows.shape[:2] == real.shape:
        rows = rows[real.bool().to(rows.device)]
    rows = rows.reshape(-1, rows.shape[-1]).float()
    sums[name] = sums[name] + rows.T @ rows if name in sums else rows.T @ rows
    counts[name] = counts.get(name, 0) + len(rows)


def regression_mean(
    experts: Sequence[Tensor], products: Sequence[Tensor], weights: Sequence[float], *, alpha: float, ridge: float
) -> Tensor:
    r"""The linear map whose outputs are closest to the experts' on each expert's own inputs.

    .. math:: \min_W \sum_i w_i \, \mathrm{E} \lVert W x_i - W_i x_i \rVert^2, \quad
        W = \bar W + \Big(\sum_i w_i (W_i - \bar W) G_i\Big) \Big(\sum_i w_i G_i + \epsilon I\Big)^{-1}

    with the weighted mean :math:`\bar W`. That form equals :math:`(\sum_i w_i W_i G_i)(\sum_i w_i G_i)^{-1}` where the
    inverse exists, and leaves the mean in directions that no input has.

    Args:
        experts: (N,) matrices (outputs, inputs).
        products: (N,) matrices (inputs, inputs) of :func:`input_products`.
        weights: (N,).
        alpha: what products of different inputs are multiplied by; 0 merges each input by itself.
        ridge: epsilon, in units of the mean of the diagonal.

    Returns:
        A matrix (outputs, inputs).
    """
    total = sum(weights)
    mean = torch.zeros_like(experts[0], dtype=torch.float64)
    for weight, expert in zip(weights, experts):
        mean += (weight / total) * expert.double()
    square = torch.zeros_like(products[0], dtype=torch.float64)
    pull = torch.zeros_like(mean)
    for weight, expert, product in zip(weights, experts, products):
        shrunk = product.double() * alpha
        shrunk.diagonal().copy_(product.double().diagonal())
        square += (weight / total) * shrunk
        pull += (weight / total) * (expert.double() - mean) @ shrunk
    scale = float(square.diagonal().mean())
    square.diagonal().add_(max(ridge * scale, torch.finfo(torch.float64).tiny))
    factor, failed = torch.linalg.cholesky_ex(square)
    moved = torch.cholesky_solve(pull.T, factor).T if not int(failed) else pull @ torch.linalg.pinv(square)
    return (mean + moved).to(experts[0].dtype)


class RegMean(MergeMethod):
    r"""Linear layers merged by least squares on their inputs, all else by the mean.

    .. math:: W = \Big(\sum_i w_i W_i G_i\Big) \Big(\sum_i w_i G_i\Big)^{-1}, \quad G_i = X_i^\top X_i

    Texts need no labels, and do not leave the place where they are: what is exchanged are the products of the inputs.
    These still tell second moments of the texts' inner representations.

    Also known as: regression mean.

    Reference: Jin et al. (2023), Dataless Knowledge Fusion by Merging Weights of Language Models, arXiv:2212.09849, eq.
    2 and section 3.3 (the off-diagonals).

    Differs from the paper: products are means over tokens, so that experts with more or longer texts do not weigh more;
    directions that no input has keep the mean of the experts.

    Args:
        statistics: for each expert, :func:`input_products` of it on texts of its own task.
        weights: w, at least 0.
        alpha: what off-diagonal products are multiplied by; 0.9 in the paper.
        ridge: added to the diagonal, in units of its mean.

    Raises:
        InputError: weights below 0 or all 0, or an `alpha` outside [0, 1].
    """

    contract: ClassVar = Contract(base="unused")
    name: ClassVar = "regmean"
    whole: ClassVar = True

    def __init__(
        self,
        statistics: Sequence[Mapping[str, Tensor]] = (),
        weights: PerExpert = 1.0,
        *,
        alpha: float = 0.9,
        ridge: float = 1e-6,
    ) -> None:
        check_fraction("alpha", alpha)
        check_at_least("ridge", ridge, 0)
        given = [weights] if isinstance(weights, (int, float)) else list(weights)
        if min(given, default=0.0) < 0 or not any(given):
            raise InputError(f"`weights` must be at least 0, and one of them above. Got {given} instead.")
        self.statistics = statistics
        self.weights = weights
        self.alpha = alpha
        self.ridge = ridge

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The merged tensor."""
        del surveys
        number = len(piece.experts)
        if number != len(self.statistics):
            raise InputError(
                f"`statistics` of `{self.name}` must be of {number} models. Got {len(self.statistics)}. They are "
                "gathered on a probe; name one."
            )
        weights = per_expert("weights", self.weights, number)
        if piece.experts[0].ndim != 2 or not all(piece.name in own for own in self.statistics):
            total = sum(weights)
            return sum((w / total) * e for w, e in zip(weights[1:], piece.experts[1:])) + (
                weights[0] / total * piece.experts[0]
            )
        products = [own[piece.name].to(piece.experts[0].device) for own in self.statistics]
        width = piece.experts[0].shape[1]
        if any(tuple(product.shape) != (width, width) for product in products):
            raise InputError(f"`statistics` of `{piece.name}` must be ({width}, {width}) for its {width} inputs.")
        return regression_mean(piece.experts, products, weights, alpha=self.alpha, ridge=self.ridge)
