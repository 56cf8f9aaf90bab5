"""A merge file whose models are adapters of one base, as one adapter."""

from __future__ import annotations

from pathlib import Path

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.merging.base import MergeMethod
from accord.merging.documents import Document, plan_document
from accord.merging.folder import ModelFolder
from accord.merging.low_rank import AdapterFolder, AdapterMerge, merge_adapters
from accord.recipes.merge import MergeFile, read_merge_documents

__all__ = ["merge_to_adapter"]


def merge_to_adapter(
    config: MergeFile,
    out: Path | str,
    *,
    rank: int | None = None,
    root: Path | str | None = None,
    progress: Progress = silent,
) -> AdapterMerge:
    """Merge adapters of one base as a merge file says, and write one adapter.

    Folded into the base, it is the model that :func:`accord.recipes.merge.merge` writes from the same file, but for
    what `rank` cuts off, and for thresholds of global scope: they are taken over the layers that adapters change, and
    not over a model most of which stands still.

    Args:
        config: as for :func:`~accord.recipes.merge.merge`; one document, whose models are all `BASE+ADAPTER`.
        out: the folder to write; it appears whole or not at all.
        rank: of the adapter; when not given, a weighted sum keeps the sum of the ranks and is exact.
        root: as for :func:`~accord.recipes.merge.merge`.
        progress: opens bars.

    Raises:
        InputError: a model without an adapter, adapters of different bases, several documents, a method that learns, or
            one that needs a rank.
    """
    documents = read_merge_documents(config, root)
    document = documents[0]
    if len(documents) > 1 or document.learns:
        what = "a method that learns" if document.learns else f"{len(documents)} documents"
        raise InputError(
            f"{document.where}: one adapter is made of one document with a method that looks at no data. Got {what} "
            "instead. Merge to a model, without --adapter."
        )
    plan = plan_document(document, {})
    models, base = plan.use.experts, plan.use.base
    adapters = [_adapter(model, models[0], document) for model in models]
    if base is not None and (base.adapter is not None or base.path != models[0].path):
        raise InputError(
            f"{document.where}: `base_model` is {base.name}, and the adapters belong to {models[0].path}. Name that."
        )
    layers = {name: change.layer for model in models for name, change in model.changes.items()}
    methods: dict[str, MergeMethod] = {}
    for tensor in plan.tensors:
        if tensor.name in layers and tensor.method is not None:
            methods[layers[tensor.name]] = tensor.method
    return merge_adapters(
        methods,
        [adapter.path for adapter in adapters],
        out=out,
        base=models[0].path,
        rank=rank,
        of="weights" if base is None else "changes",
        seed=document.spec.seed,
        progress=progress,
    )


def _adapter(model: ModelFolder, first: ModelFolder, document: Document) -> AdapterFolder:
    if model.adapter is None:
        raise InputError(
            f"{document.where}: {model.name} is a whole model, and --adapter merges adapters. Write `BASE+ADAPTER` for "
            "each model, or leave --adapter out."
        )
    if model.path != first.path:
        raise InputError(
            f"{document.where}: {model.name} and {first.name} have different bases, so no adapter is both. Leave "
            "--adapter out to merge them as models."
        )
    return model.adapter
