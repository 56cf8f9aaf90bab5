"""LoRA: train a change of low rank to chosen linear layers, and fold it into them afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from accord.core.checks import check_at_least, check_fraction, check_positive
from accord.core.errors import InputError
from accord.core.spec import Described

if TYPE_CHECKING:
    from accord.encoders.adapters import Adapter

__all__ = ["LoRA"]


class LoRA(Described):
    r"""Each chosen layer computes :math:`W x + b + \frac{\alpha}{r} B A x`; only A and B are trained.

    Also known as: low-rank adaptation, parameter-efficient fine-tuning, PEFT.

    Reference: Hu et al. (2021), arXiv:2106.09685, eq. 3; `rslora` after Kalajdzievski (2023), arXiv:2312.03732.

    Differs from the paper: the output projection of attention is adapted too; A starts uniform, as in peft.

    Args:
        rank: r, at least 1.
        alpha: > 0.
        dropout: of what A sees, in [0, 1).
        targets: names of linear layers or ends of them, such as "query" or "intermediate.dense"; the query, key, value
            and output projections of attention when empty.
        rslora: scale by alpha / sqrt(r), which keeps large ranks learning.
    """

    def __init__(
        self,
        *,
        rank: int = 8,
        alpha: float = 16.0,
        dropout: float = 0.0,
        targets: Sequence[str] = (),
        rslora: bool = False,
    ) -> None:
        check_at_least("rank", rank, 1)
        check_positive("alpha", alpha)
        check_fraction("dropout", dropout)
        if dropout == 1:
            raise InputError(f"`dropout` must be below 1. Got {dropout!r} instead.")
        if isinstance(targets, str):
            raise InputError(f"`targets` must be a list of names. Got the text {targets!r} instead: write [{targets}].")
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.targets = targets
        self.rslora = rslora

    def attach(self, encoder: Any, *, seed: int = 0) -> Adapter:
        """Put adapters on an encoder, in place; from then on only they are trained.

        Args:
            encoder: a text encoder with a transformer as its backbone.
            seed: of their first weights.

        Returns:
            The adapters: `fold()` makes the encoder plain again, :func:`accord.encoders.adapters.save_adapter` keeps
            them.

        Raises:
            InputError: a target that names no linear layer of this encoder.
        """
        from accord.encoders.adapters import attach

        return attach(
            encoder,
            rank=self.rank,
            alpha=self.alpha,
            dropout=self.dropout,
            rslora=self.rslora,
            targets=self.targets,
            seed=seed,
        )
