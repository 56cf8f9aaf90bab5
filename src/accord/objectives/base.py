"""The door of the room: an objective takes tensors and gives a scalar, and its parameter names are its contract."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass

from torch import nn

from accord.core.checks import did_you_mean
from accord.core.errors import InputError

__all__ = ["FIELDS", "Contract", "contract"]

FIELDS = {
    "scores": "(queries, docs): every query with every document; column i is the positive of query i",
    "ignore": "(queries, docs): True where a document must not count as a negative",
    "pair_scores": "(n): one score a pair",
    "list_scores": "(queries, list): each query with its own list",
    "labels": "(n): class numbers, or gold scores of pairs",
    "embeddings": "(n, dim): one vector an example",
    "teacher_scores": "as `scores`, by a teacher",
    "teacher_pair_scores": "as `pair_scores`, by a teacher",
    "teacher_list_scores": "as `list_scores`, by a teacher",
    "teacher_embeddings": "as `embeddings`, by a teacher",
}
"""Everything that an objective may ask for: name -> shape and meaning."""


@dataclass(frozen=True)
class Contract:
    """What an objective asks for: `required` always, `optional` where the signal has it."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    def check(self, provided: Collection[str], *, where: str) -> None:
        """Refuse a signal that cannot provide what the objective asks for.

        Raises:
            InputError: names the field and what the signal does provide.
        """
        for name in self.required:
            if name not in provided:
                raise InputError(
                    f"{where}: the objective asks for `{name}` {FIELDS[name]}, but the signal provides only "
                    f"{', '.join(provided)}. Choose an objective for this signal (`accord where objectives`)."
                )


def contract(objective: nn.Module) -> Contract:
    """Read the contract of an objective off the signature of its `forward`.

    Raises:
        InputError: a parameter that is not one of :data:`FIELDS`.

    >>> class Mean(nn.Module):
    ...     def forward(self, scores, ignore=None):
    ...         return -scores.mean()
    >>> contract(Mean())
    Contract(required=('scores',), optional=('ignore',))
    """
    required, optional = [], []
    for name, parameter in inspect.signature(objective.forward).parameters.items():
        if name not in FIELDS:
            raise InputError(
                f"{type(objective).__name__}.forward asks for `{name}`, which no signal can provide."
                f"{did_you_mean(name, FIELDS)} Known fields: {', '.join(FIELDS)}."
            )
        (required if parameter.default is parameter.empty else optional).append(name)
    return Contract(tuple(required), tuple(optional))
