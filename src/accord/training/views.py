"""Several sizes of one model in a step: drawn by its number, given by one pass, laid out side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from accord.compression.elastic.base import Drawn, ElasticObjective, Seen
from accord.compression.elastic.sizes import Shape, shape_of
from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.core.types import View
from accord.objectives.base import contract

__all__ = ["Sizes", "ViewChunk", "sizes_of", "split_chunk", "vectors_of"]


@dataclass(frozen=True)
class ViewChunk:
    """A chunk, and the views of it that a step looks at.

    Args:
        chunk: what goes through the model.
        views: laid out one after another along the width of the output.
    """

    chunk: Any
    views: tuple[View, ...]

    def __len__(self) -> int:
        return len(self.chunk)

    def to(self, device: torch.device | str) -> ViewChunk:
        """The same chunk on another device."""
        return ViewChunk(self.chunk.to(device), self.views)


def split_chunk(chunk: Any) -> tuple[Any, tuple[View, ...]]:
    """What goes through the model, and the views that are wanted of it."""
    return (chunk.chunk, chunk.views) if isinstance(chunk, ViewChunk) else (chunk, (View(),))


def vectors_of(encoder: Any, chunk: Any) -> Tensor:
    """(rows, width) the vectors of a chunk with gradients; those of its views one after another, where it has several.

    Args:
        encoder: a text encoder.
        chunk: a batch of the encoder, or a :class:`ViewChunk` of one.
    """
    batch, views = split_chunk(chunk)
    pooled = encoder(batch.to(encoder.device), views).pooled
    return pooled[views[0]] if len(views) == 1 else torch.cat([pooled[view] for view in views], dim=1)


class Sizes:
    """The sizes that the steps of one task look at.

    Args:
        objective: of the task.
        shape: of the model.
        seed: of the run.
        name: of the task.

    Raises:
        InputError: sizes that the model does not have, or that the objective's way does not train.
    """

    def __init__(self, objective: ElasticObjective, shape: Shape, *, seed: int, name: str) -> None:
        objective.method.fitted(shape)
        self.objective = objective
        self.shape = shape
        self.seed = seed
        self.name = name
        self.padded = _has_width(objective.inner)

    @property
    def narrow(self) -> bool:
        """Whether some size has less width than the model."""
        return any(view.width is not None for view in self.objective.method.fitted(self.shape))

    def at(self, index: int) -> Drawn:
        """The sizes of the batch with this number: a function of the seed, the task's name and the number."""
        return self.objective.method.drawn(numpy_generator(self.seed, "views", self.name, index), self.shape)

    def fields(
        self,
        drawn: Drawn,
        outputs: Tensor,
        make: Callable[[Tensor], Mapping[str, Tensor]],
        *,
        width: int | None = None,
    ) -> dict[str, Any]:
        """What the objective asks for: the inner objective's fields of each size.

        Args:
            drawn: the sizes of the batch.
            outputs: (rows, width of all views) as :func:`vectors_of` lays them out.
            make: from the outputs of one size to the fields.
            width: of each view, where it is not that of its vectors.
        """
        widths = [width or (self.shape.dim if view.dim is None else view.dim) for view in drawn.views]
        parts = outputs.split(widths, dim=1)
        seen = [
            Seen(view, self._widened(make(part)), part, weight)
            for view, part, weight in zip(drawn.views, parts, drawn.weights, strict=True)
        ]
        return {"views": seen}

    def _widened(self, fields: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Vectors with zeros in the dimensions that a size leaves out, where the objective has a width of its own.

        Compared with a vector of the whole width, they see its first dimensions.
        """
        vectors = fields.get("embeddings")
        if vectors is None or not self.padded or vectors.shape[-1] == self.shape.dim:
            return fields
        return {**fields, "embeddings": F.pad(vectors, (0, self.shape.dim - vectors.shape[-1]))}


def sizes_of(objective: nn.Module, encoder: Any, *, seed: int, name: str) -> Sizes | None:
    """The sizes that a task's objective trains; None where it trains the whole model alone.

    Args:
        objective: of the task.
        encoder: that is trained.
        seed: of the run.
        name: of the task.

    Raises:
        InputError: names the task and the size.
    """
    if not isinstance(objective, ElasticObjective):
        return None
    try:
        return Sizes(objective, shape_of(encoder), seed=seed, name=name)
    except InputError as error:
        raise InputError(f"Task `{name}`: {error}") from error


def _has_width(inner: nn.Module) -> bool:
    """Whether an objective compares vectors with something that has a width: weights, or a teacher's vectors."""
    held: Sequence[Tensor] = [*inner.parameters(), *inner.buffers()]
    return bool(held) or getattr(inner, "awaits_labels", False) or "teacher_embeddings" in contract(inner).names
