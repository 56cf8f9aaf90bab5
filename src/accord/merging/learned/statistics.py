"""What was gathered from each expert, shown in short wherever a method is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accord.merging.base import StateDict

__all__ = ["Statistics"]


class Statistics(Sequence[StateDict]):
    """Statistics of some experts, by tensor: a sequence whose `repr` does not show them.

    Args:
        models: one mapping an expert.

    >>> Statistics({"w": torch.ones(2)}, {"w": torch.ones(2)})
    Statistics of 2 models
    """

    def __init__(self, *models: StateDict) -> None:
        self.models = models

    def __len__(self) -> int:
        return len(self.models)

    def __getitem__(self, number: int) -> StateDict:  # type: ignore[override]  # no slices
        return self.models[number]

    def __iter__(self) -> Iterator[StateDict]:
        return iter(self.models)

    def __repr__(self) -> str:
        return f"Statistics of {len(self.models)} models"
