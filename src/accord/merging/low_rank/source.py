"""An adapter on a base, tensor by tensor and rows by rows: what is added to the base's weights as they are read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

from jaxtyping import Float
from torch import Tensor

from accord.core.errors import InputError
from accord.merging.low_rank.folders import AdapterFolder

__all__ = ["LowRankChange", "changes_of"]


@dataclass(frozen=True)
class LowRankChange:
    """What an adapter adds to one weight; nothing is read before it is asked for.

    Args:
        adapter: whose.
        layer: name of the layer in the backbone.
    """

    adapter: AdapterFolder = field(repr=False)
    layer: str

    @property
    def shape(self) -> tuple[int, int]:
        """(outer, inner)."""
        return self.adapter.shape(self.layer)

    @cached_property
    def _factors(self) -> tuple[Tensor, Tensor]:
        return self.adapter.factors(self.layer)

    def rows(self, start: int = 0, stop: int | None = None) -> Float[Tensor, "rows inner"]:
        """Some rows of s B A, float32; all of them when no bounds are given."""
        up, down = self._factors
        return self.adapter.scales[self.layer] * (up[start:stop] @ down)


def changes_of(adapter: AdapterFolder, weights: Collection[str]) -> dict[str, LowRankChange]:
    """Which weights of a base an adapter changes.

    Args:
        adapter: from :func:`~accord.merging.low_rank.read_adapter`.
        weights: names of the base's tensors, as its files have them; a prefix before the backbone's own names, such as
            `bert.`, is seen through.

    Returns:
        The change to each weight that has one, by the weight's name.

    Raises:
        InputError: a layer that the base does not have, or has several times.
    """
    found: dict[str, LowRankChange] = {}
    for layer in adapter.scales:
        wanted = f"{layer}.weight"
        names = [wanted] if wanted in weights else [name for name in weights if name.endswith(f".{wanted}")]
        if len(names) != 1:
            raise InputError(
                f"The adapter {adapter.path} changes `{layer}`, which this base has {len(names)} times. Name the base "
                f"that it was trained on{f': {adapter.base_name}' if adapter.base_name else ''}."
            )
        found[names[0]] = LowRankChange(adapter, layer)
    return found
