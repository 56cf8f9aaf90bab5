"""Any loss of pytorch-metric-learning as an objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_at_least
from accord.core.errors import InputError, RecipeError, require
from accord.core.spec import Described, resolve
from accord.maths.triplets import class_masks

__all__ = ["MetricLearning", "metric_learning"]

PACKAGE = "pytorch_metric_learning"


def metric_learning(
    embeddings: Float[Tensor, "n dim"], labels: Int[Tensor, " n"], loss: nn.Module, *, miner: nn.Module | None = None
) -> Float[Tensor, ""]:
    r"""What a loss of pytorch-metric-learning says of a labelled batch.

    .. math:: L(v_1, \dots, v_n;\; y_1, \dots, y_n)

    Also known as: PML.

    Reference: Musgrave et al. (2020), arXiv:2008.09164.

    Differs from the paper: nothing; the loss is called as it is.

    Args:
        embeddings: (n, dim) vectors.
        labels: (n) class numbers, from 0 on.
        loss: takes embeddings and labels, and where there is a miner what it chose.
        miner: chooses the pairs or triplets that count.

    Returns:
        As the loss says.

    Raises:
        InputError: a batch with nothing to compare, more classes than the loss has proxies for, or proxies of another
            width than the vectors.

    >>> from pytorch_metric_learning.losses import ContrastiveLoss
    >>> loss = ContrastiveLoss(neg_margin=2.0)
    >>> metric_learning(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1]), loss).round(decimals=3)
    tensor(0.5860)
    """
    classes = getattr(loss, "num_classes", None)
    if isinstance(classes, int) and int(labels.max()) >= classes:
        raise InputError(
            f"The data have at least {int(labels.max()) + 1} labels, and the loss was made for {classes}. Set its "
            "`num_classes` to the number of labels."
        )
    if next(loss.parameters(), None) is None:
        class_masks(labels)
    try:
        chosen = () if miner is None else (miner(embeddings, labels),)
        return loss(embeddings, labels, *chosen)
    except RuntimeError as error:
        if "shape" not in str(error) and "size" not in str(error):
            raise
        raise InputError(
            f"{type(loss).__name__} does not take vectors of {embeddings.shape[1]} dimensions: {error}. Set its "
            f"`embedding_size` to {embeddings.shape[1]}, where it has one."
        ) from error


class MetricLearning(Described, nn.Module):
    """:func:`metric_learning` as a module; weights of the loss, such as proxies, are trained beside the encoder.

    A loss or a miner is an object from Python, or `module:Name` or `{module:Name: {arguments}}`, in which arguments may
    be written the same way: `{pytorch_metric_learning.losses:TripletMarginLoss: {margin: 0.1, distance:
    pytorch_metric_learning.distances:CosineSimilarity}}`.

    Args:
        loss: of pytorch-metric-learning, or whatever takes embeddings and labels.
        miner: of pytorch-metric-learning.
        lr_factor: learning rate of the loss's own weights, relative to the encoder's.

    Raises:
        InputError: a loss that cannot be made, with what it said.
        MissingExtra: pytorch-metric-learning is not installed.
    """

    def __init__(
        self,
        loss: nn.Module | str | Mapping[str, Any],
        *,
        miner: nn.Module | str | Mapping[str, Any] | None = None,
        lr_factor: float = 100.0,
    ) -> None:
        super().__init__()
        check_at_least("lr_factor", lr_factor, 0)
        # Past nn.Module, which would list a loss given as an object twice.
        object.__setattr__(self, "loss", loss)
        object.__setattr__(self, "miner", miner)
        self.lr_factor = lr_factor
        self.function = _module(loss, "loss")
        self.mining = None if miner is None else _module(miner, "miner")

    @property
    def most_labels(self) -> int | None:
        """How many labels the loss has proxies for; None where it does not say."""
        classes = getattr(self.function, "num_classes", None)
        return classes if isinstance(classes, int) else None

    def forward(self, embeddings: Float[Tensor, "n dim"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return metric_learning(embeddings, labels, self.function, miner=self.mining)


def _module(spec: object, where: str) -> nn.Module:
    """The module that a specification describes, its first weights the same each time.

    Raises:
        InputError: not a module.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = _made(spec, where)
    if not isinstance(made, nn.Module):
        raise InputError(
            f"`{where}` must be a torch module, or `module:Name` of one, such as `{PACKAGE}.losses:NTXentLoss`. "
            f"Got {spec!r} instead."
        )
    return made


def _made(spec: object, where: str) -> object:
    """An object as described, down to its arguments; anything else passes through."""
    if isinstance(spec, Mapping) and len(spec) == 1 and ":" in str(next(iter(spec))):
        name, arguments = next(iter(spec.items()))
    elif isinstance(spec, str) and ":" in spec:
        name, arguments = spec, {}
    else:
        return spec
    if str(name).partition(".")[0].partition(":")[0] == PACKAGE:
        require(PACKAGE, extra="losses", purpose=f"`{name}`")
    try:
        kind = resolve(str(name), torch.nn, where)
        return kind(**{key: _made(value, f"{where}.{key}") for key, value in (arguments or {}).items()})
    except RecipeError as error:
        raise InputError(str(error)) from error
    except (TypeError, ValueError) as error:
        raise InputError(f"`{where}`: {name} cannot be made: {error}") from error
