"""The documents of a merge file as plans: which models each merges, and which of them are results of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from accord.core.errors import InputError
from accord.merging.base import Contract, MergeMethod
from accord.merging.chosen import Chosen, learning_names, method_named
from accord.merging.config import MergeSpec, ModelSpec
from accord.merging.folder import ModelFolder, read_model
from accord.merging.methods import TaskArithmetic
from accord.merging.plan import MergePlan, Use, plan_merge

__all__ = ["Document", "finals", "plan_document", "plan_documents", "read_documents"]


@dataclass(frozen=True)
class Document:
    """One document of a merge file.

    Args:
        spec: its keys.
        entries: the models that are merged, in the order in which the method sees them.
        root: where relative paths start.
        where: the merge file, for messages.
    """

    spec: MergeSpec
    entries: tuple[ModelSpec, ...]
    root: Path = field(repr=False)
    where: str

    @property
    def learns(self) -> bool:
        """Whether its method needs a probe."""
        return self.spec.merge_method in learning_names()

    @property
    def inputs(self) -> list[str]:
        """Names of the models that it reads."""
        names = [entry.model for entry in self.entries]
        return list(dict.fromkeys([*names, *([self.spec.base] if self.spec.base else [])]))

    @property
    def listed(self) -> str:
        """What messages call the document."""
        return f"`{self.spec.name}`" if self.spec.name else "the document without a name"


def read_documents(specs: Sequence[MergeSpec], *, root: Path, where: str) -> list[Document]:
    """Sort out which models each document merges.

    A base that is also listed under `models` is left out there, as in mergekit; unless the method has no use for a
    base: then it is a model like the others, and the first one.

    Args:
        specs: of a merge file.
        root: where relative paths start.
        where: the merge file, for messages.

    Raises:
        InputError: an unknown method, a missing base or probe, or nothing to merge.
    """
    found = []
    for number, spec in enumerate(specs, start=1):
        place = where if len(specs) == 1 else f"{where}, document {number}"
        found.append(Document(spec, _entries(spec, place), root, place))
    return found


def finals(documents: Sequence[Document]) -> list[Document]:
    """Documents whose results no later one takes up.

    Raises:
        InputError: several of them, and not all have a name.
    """
    used = {name for document in documents for name in document.inputs}
    last = [document for document in documents if document.spec.name not in used]
    if len(last) > 1 and any(document.spec.name is None for document in last):
        raise InputError(
            f"{last[0].where}: {len(last)} documents give a result of their own. Give each of them a `name`, which its "
            "folder will have."
        )
    return last


def plan_documents(documents: Sequence[Document]) -> list[MergePlan]:
    """Plans of all documents, before any of their models is there.

    Raises:
        InputError: anything that would stop one of the merges.
    """
    results: dict[str, ModelFolder] = {}
    plans = []
    for document in documents:
        plan = plan_document(document, results)
        plans.append(plan)
        if document.spec.name is not None:
            results[document.spec.name] = plan.result(document.spec.name)
    return plans


def plan_document(
    document: Document, results: Mapping[str, ModelFolder], *, learned: MergeMethod | None = None
) -> MergePlan:
    """The plan of one document.

    Args:
        document: to plan.
        results: models that earlier documents made, or will make, by name.
        learned: what a learning method has found; before it has, tensors are planned as for task arithmetic.

    Raises:
        InputError: a parameter that the method does not have or refuses, or models that do not fit each other.
    """
    spec, where = document.spec, document.where
    found = {name: results.get(name) or read_model(name, root=document.root) for name in document.inputs}
    experts = [found[entry.model] for entry in document.entries]
    base = found[spec.base] if spec.base and (document.learns or not _is_expert(document)) else None
    use = Use(experts, base, spec.seed, spec.dtype_out, spec.prompts)
    if spec.layers is not None and spec.layers != (0, experts[0].layers):
        raise InputError(
            f"{where}: `layer_range` must be [0, {experts[0].layers}], all layers of {experts[0].name}. Got "
            f"{list(spec.layers)} instead. Cutting and stacking layers is not supported."
        )
    if document.learns:
        method = learned or TaskArithmetic()
        rows = [{"parameter": name, "value": value, "given": True} for name, value in spec.common.items()]
        plan = plan_merge(use, method, parameters=rows, name=spec.name)
        return replace(plan, method=spec.merge_method)
    chosen = Chosen(
        method_named(spec.merge_method, where=where),
        common=spec.common,
        each=[entry.parameters for entry in document.entries],
        names=[entry.model for entry in document.entries],
        scope=spec.scope,
        where=where,
    )
    plan = plan_merge(use, chosen.at, parameters=chosen.describe(), notes=chosen.notes(), name=spec.name)
    chosen.check_filters([tensor.name for tensor in plan.tensors])
    return plan


def _is_expert(document: Document) -> bool:
    return any(entry.model == document.spec.base for entry in document.entries)


def _entries(spec: MergeSpec, where: str) -> tuple[ModelSpec, ...]:
    learns = spec.merge_method in learning_names()
    contract = Contract(base="required") if learns else method_named(spec.merge_method, where=where).contract
    if learns and spec.probe is None:
        raise InputError(
            f"{where}: `{spec.merge_method}` learns from examples. Name a recipe with them: `probe: FILE`."
        )
    if spec.probe is not None and not learns:
        raise InputError(f"{where}: `{spec.merge_method}` does not look at examples. Leave `probe` out.")
    tasked = next((entry for entry in spec.entries if entry.task is not None), None)
    if tasked is not None and not learns:
        raise InputError(
            f"{where}: `task` of {tasked.model} is for methods that learn, and `{spec.merge_method}` does not. Leave "
            "it out."
        )
    if contract.base == "required" and spec.base is None:
        raise InputError(
            f"{where}: `{spec.merge_method}` needs the model that the others come from. Name it by `base_model`."
        )
    base = [entry for entry in spec.entries if entry.model == spec.base]
    rest = [entry for entry in spec.entries if entry.model != spec.base]
    if contract.base == "unused":
        if spec.base and not base and contract.most == 2 and len(rest) == 1:
            base = [ModelSpec(model=spec.base)]  # the arc goes from the base to the model
        rest = [*base, *rest]
    if not rest:
        raise InputError(f"{where}: no model but the base is listed under `models`.")
    return tuple(rest)


def as_given(document: Document) -> dict[str, Any]:
    """The keys of a document as it gives them."""
    return document.spec.model_dump(mode="json", exclude_defaults=True)
