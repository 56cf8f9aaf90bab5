"""Examples are drawn to the given vector of their class, among the vectors of all classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.errors import InputError
from accord.core.spec import Described
from accord.maths.whitening import whitening

__all__ = ["FixedTargets", "fixed_targets"]

LABELS = "labels"
SHRINKAGE = 0.05
"""Of the covariance, for fewer labels than dimensions."""


def fixed_targets(
    embeddings: Float[Tensor, "n dim"],
    labels: Int[Tensor, " n"],
    targets: Float[Tensor, "classes dim"],
    *,
    temperature: float = 0.05,
) -> Float[Tensor, ""]:
    r"""Cross-entropy of an example's class under the cosines with the vectors of all classes.

    .. math:: -\frac{1}{n} \sum_i \log
              \frac{e^{\cos(v_i, t_{y_i}) / \tau}}{\sum_c e^{\cos(v_i, t_c) / \tau}}

    Also known as: normalised softmax with frozen proxies; projection of definitions onto entries.

    Reference: Liu et al. (2024), DefSent+, arXiv:2405.16153, section 3 (definitions onto vectors of dictionary
    entries); Tsukagoshi et al. (2021), DefSent, arXiv:2105.04339, eq. 1, for the frozen table.

    Differs from the paper: cosines over a temperature, where DefSent has plain products with the word table.

    Args:
        embeddings: (n, dim) vectors of any length.
        labels: (n) class numbers.
        targets: (classes, dim) vectors of any length above zero; not trained.
        temperature: > 0, in units of the cosine.

    Returns:
        Nats, at least 0.

    >>> fixed_targets(torch.eye(2), torch.tensor([0, 1]), torch.eye(2), temperature=1.0)
    tensor(0.3133)
    """
    cosines = nn.functional.normalize(embeddings, dim=1) @ nn.functional.normalize(targets, dim=1).T
    return nn.functional.cross_entropy(cosines / temperature, labels)


class FixedTargets(Described, nn.Module):
    """:func:`fixed_targets` as a module.

    With `targets: labels` the labels are read as texts, such as the words that are defined, and a run takes the vectors
    that its encoder gives them before the first step.

    Args:
        targets: (classes, dim), or a `.npy` file of them; row c belongs to the c-th label in the order of their names.
            The word "labels" stands for the start model's vectors of the labels.
        temperature: > 0.
        isotropic: whiten the targets first, so that they spread evenly in all directions; vectors of texts lie in a
            narrow cone.

    Raises:
        InputError: something else than one vector a class, or a vector without direction.
    """

    def __init__(self, targets: np.ndarray | Path | str, *, temperature: float = 0.05, isotropic: bool = False) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        self.targets = targets if isinstance(targets, np.ndarray) else str(targets)
        self.temperature = temperature
        self.isotropic = isotropic
        self.table: Tensor | None
        self.register_buffer("table", None, persistent=False)
        if self.awaits_labels:
            return
        values = _read(targets)
        if values.ndim != 2 or len(values) < 2:
            raise InputError(f"`targets` must be (classes, dim) with at least 2 classes. Got shape {values.shape}.")
        if not np.isfinite(values).all() or not np.linalg.norm(values, axis=1).all():
            raise InputError("`targets` must be finite vectors of a length above zero. Leave out classes without one.")
        if isotropic:
            values = whitening(values, symmetric=True, shrinkage=SHRINKAGE)(values)
        self.table = torch.from_numpy(values.astype(np.float32))

    @property
    def awaits_labels(self) -> bool:
        """Whether the vectors of the labels have still to be given."""
        return isinstance(self.targets, str) and self.targets == LABELS

    def with_labels(self, vectors: Float[np.ndarray, "classes dim"]) -> FixedTargets:
        """The same objective with the vectors of the labels, in the order of their names.

        Raises:
            InputError: as for the constructor.
        """
        return FixedTargets(vectors, temperature=self.temperature, isotropic=self.isotropic)

    @property
    def most_labels(self) -> int | None:
        """How many labels have a target; None while all may have one."""
        return None if self.table is None else len(self.table)

    def forward(self, embeddings: Float[Tensor, "n dim"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch.

        Raises:
            InputError: vectors of another width than the targets, more labels than targets, or no targets yet.
        """
        if self.table is None:
            raise InputError("`targets` are those of the labels, and nobody has given them. Call `with_labels` first.")
        table = self.table.to(embeddings.device)
        if embeddings.shape[1] != table.shape[1]:
            raise InputError(f"`targets` have {table.shape[1]} dimensions, and the vectors {embeddings.shape[1]}.")
        if int(labels.max()) >= len(table):
            raise InputError(f"`targets` has {len(table)} rows, too few for label number {int(labels.max())}.")
        return fixed_targets(embeddings, labels, table, temperature=self.temperature)


def _read(targets: np.ndarray | Path | str) -> np.ndarray:
    if isinstance(targets, np.ndarray):
        return targets
    try:
        return np.load(targets, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"`targets` must be an array or a .npy file. {targets} could not be read: {error}") from error
