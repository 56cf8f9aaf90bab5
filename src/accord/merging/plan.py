"""What a merge would do, from configurations and heads of weight files alone: all checks, before a weight is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from accord.core.errors import InputError
from accord.merging.agreement import check_agreement, joint_prompts
from accord.merging.base import MergeMethod
from accord.merging.depth import depth_of
from accord.merging.folder import ModelFolder, Part
from accord.merging.low_rank import LowRankChange
from accord.merging.matching import match_tensors
from accord.merging.weight_files import FLOATS, Stored

__all__ = ["PIECE", "MergePlan", "TensorPlan", "Use", "plan_merge"]

PIECE = 1 << 18
"""Elements of a piece; a tensor is cut between rows."""

WORKING = 3
"""Copies of all changes of a piece that a method may hold at once beside its inputs."""

BUFFERS = 1 << 26
"""Bytes for counts, files and what the allocator keeps."""

STORED_AS = {name: code for code, name in FLOATS.items()}


@dataclass(frozen=True)
class TensorPlan:
    """One tensor of the result.

    Args:
        name: as :attr:`~accord.merging.folder.ModelFolder.tensors` has it.
        experts: where each expert stores it.
        base: where the base does.
        method: with this tensor's numbers; None for a tensor that is copied, as it holds no numbers to merge.
        dtype: of the result, as safetensors calls it.
        changes: what adapters add to the experts'.
    """

    name: str
    experts: tuple[Stored, ...]
    base: Stored | None
    method: MergeMethod | None
    dtype: str
    changes: tuple[LowRankChange | None, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""
        return self.experts[0].shape

    @property
    def elements(self) -> int:
        """Numbers in it."""
        return self.experts[0].elements

    @property
    def piece(self) -> int:
        """Elements of its largest piece."""
        if self.method is None or self.method.whole or len(self.shape) < 2:
            return self.elements
        row = max(self.elements // max(self.shape[0], 1), 1)
        return min(self.elements, max(PIECE // row, 1) * row)


@dataclass(frozen=True)
class Use:
    """How models are used.

    Args:
        experts: the models to merge.
        base: what they come from.
        seed: of what a method draws.
        dtype: of the result; as the experts when None.
        prompts: whether experts must have equal prompts, or the result has those of all.
    """

    experts: Sequence[ModelFolder]
    base: ModelFolder | None = None
    seed: int = 0
    dtype: str | None = None
    prompts: Literal["equal", "union"] = "equal"


@dataclass(frozen=True)
class MergePlan:
    """A merge that has passed every check.

    Args:
        use: models and settings.
        method: its name in merge files.
        parameters: rows `{parameter, value, given}`.
        tensors: in the order in which they are written.
        left_out: tensors that are not in the result, and why.
        notes: what the user should know.
        name: of the document.
    """

    use: Use
    method: str
    parameters: Sequence[Mapping[str, Any]]
    tensors: Sequence[TensorPlan]
    left_out: Mapping[str, str]
    notes: Sequence[str] = field(default=())
    name: str | None = None

    @property
    def like(self) -> ModelFolder:
        """The model whose files the result takes over."""
        return self.use.experts[0]

    @property
    def elements(self) -> int:
        """Numbers in the result."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def bytes_read(self) -> int:
        """Bytes of weights to read, surveys included."""
        return sum(
            sum(stored.bytes for stored in (*tensor.experts, *([tensor.base] if tensor.base else [])))
            * (1 + (tensor.method.passes if tensor.method and tensor.method.scope == "global" else 0))
            for tensor in self.tensors
        )

    @property
    def bytes_written(self) -> int:
        """Bytes of weights in the result."""
        return sum(dataclasses.replace(tensor.experts[0], dtype=tensor.dtype).bytes for tensor in self.tensors)

    def memory(self, threads: int) -> int:
        """Bytes that merging needs beside the program, at most about.

        Args:
            threads: at work.
        """
        models = len(self.use.experts) + (self.use.base is not None)
        largest = sorted((tensor.piece for tensor in self.tensors), reverse=True)[:threads]
        return BUFFERS + sum(4 * piece * (models + 1 + WORKING * len(self.use.experts)) for piece in largest)

    def describe(self, threads: int = 1) -> dict[str, Any]:
        """The plan as a JSON value."""
        return {
            "name": self.name,
            "method": self.method,
            "models": [expert.name for expert in self.use.experts],
            "base": None if self.use.base is None else self.use.base.name,
            "kind": self.like.kind,
            "dtype": self.use.dtype or "as the models",
            "seed": self.use.seed,
            "tensors": len(self.tensors),
            "numbers": self.elements,
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "memory": self.memory(threads),
            "parameters": [dict(row) for row in self.parameters],
            "left_out": dict(self.left_out),
            "notes": list(self.notes),
        }

    def result(self, name: str) -> ModelFolder:
        """The model that the merge will give, as a later merge sees it before it is there."""
        dtypes = {tensor.name: tensor.dtype for tensor in self.tensors}
        parts = []
        for number, part in enumerate(self.like.parts):
            prefix = f"{number}_{part.kind}/" if number else ""
            weights = {
                inner: dataclasses.replace(stored, dtype=dtypes[prefix + inner])
                for inner, stored in part.weights.items()
                if prefix + inner in dtypes
            }
            parts.append(Part(part.kind, part.folder, weights))
        traits = dict(self.like.traits)
        if self.use.prompts == "union" and "prompts" in traits:
            traits["prompts"] = joint_prompts(self.use.experts)
        return dataclasses.replace(self.like, name=name, parts=tuple(parts), traits=traits, saved={})


def plan_merge(
    use: Use,
    make: MergeMethod | Callable[[str, float], MergeMethod],
    *,
    parameters: Sequence[Mapping[str, Any]] = (),
    notes: Sequence[str] = (),
    name: str | None = None,
) -> MergePlan:
    """Match models and check all that can be checked.

    Args:
        use: models and settings.
        make: the method, or what gives it for a tensor's name and depth.
        parameters: for the record.
        notes: from reading the merge file.
        name: of the document.

    Raises:
        InputError: too few or too many models, a missing base, models that do not fit each other.
    """
    experts, base = list(use.experts), use.base
    if not experts:
        raise InputError("There is no model to merge. Name at least one under `models`.")
    notes = [*notes, *check_agreement(experts, base, prompts=use.prompts)]
    matched, left_out = match_tensors(experts, base)
    layers, tensors, adapted = experts[0].layers, [], [expert.changes for expert in experts]
    for tensor, stored in matched.items():
        own = stored[: len(experts)]
        method = None
        if own[0].is_float:
            method = make if isinstance(make, MergeMethod) else make(tensor, depth_of(tensor, layers))
            method.for_experts(len(experts))
        if method is not None and method.contract.base == "required" and base is None:
            raise InputError(f"`{method.name}` needs the model that the others come from. Name it by `base_model`.")
        dtype = own[0].dtype if method is None else _dtype(own, use.dtype)
        origin, changes = stored[-1] if base is not None else None, tuple(own.get(tensor) for own in adapted)
        tensors.append(TensorPlan(tensor, tuple(own), origin, method, dtype, changes if any(changes) else ()))
    merged = [tensor for tensor in tensors if tensor.method is not None]
    if not merged:
        raise InputError(f"{experts[0].name} holds no numbers to merge.")
    method = merged[0].method
    assert method is not None
    return MergePlan(use, method.name, tuple(parameters), tuple(tensors), left_out,
                     (*notes, *_notes(use, merged)), name)  # fmt: skip


def _dtype(stored: Sequence[Stored], wanted: str | None) -> str:
    if wanted is not None:
        return STORED_AS[wanted]
    kinds = {one.dtype for one in stored}
    return kinds.pop() if len(kinds) == 1 else "F32"


def _notes(use: Use, merged: Sequence[TensorPlan]) -> list[str]:
    found = []
    rounded = [
        model.name
        for number, model in enumerate(use.experts)
        if any(tensor.experts[number].dtype in {"F16", "BF16"} for tensor in merged)
    ]
    if rounded:
        found.append(
            f"{', '.join(rounded)}: stored in 16 bits, which has rounded away part of what training changed. Merge "
            "models saved in float32 where there are any."
        )
    if use.dtype in {"float16", "bfloat16"} and use.base is not None:
        found.append(f"The result is stored in {use.dtype}, which rounds away part of what the models changed.")
    if len({tensor.experts[n].dtype for tensor in merged for n in range(len(use.experts))}) > 1 and use.dtype is None:
        found.append("The models are stored in several types; where they differ the result is float32.")
    method = merged[0].method
    if method is not None and method.contract.base == "unused" and use.base is not None:
        found.append(
            f"`{method.name}` does not use the base; it is read to say how long the changes are. List it under "
            "`models` to merge it too."
        )
    return found
