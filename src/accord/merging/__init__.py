r"""Merging: one model from several, in weight space.

A :class:`MergeMethod` sees a :class:`Piece` of one tensor of all models at a time, after as many surveys of all
pieces as it needs; so files are merged with memory for a few pieces, and what comes out does not depend on how
tensors are cut. :func:`merge_folders` merges models on disk, :func:`merge_adapters` low-rank adapters of one base,
:func:`merge_state_dicts` weights in memory, through which gradients flow.

Start with :class:`Linear` for checkpoints of one training, and with :class:`Ties` or :class:`TaskArithmetic` for
experts of different tasks from one base. Then measure: a merge that is not better than the plain mean is not worth
its name, and training on all tasks at once is often as good. Changes of different tasks are nearly orthogonal, so
their mean is shorter than each of them, by :math:`1/\sqrt{N}`; a scaling above 1 makes up for that.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, StateDict, Survey
from accord.merging.memory import merge_state_dicts
from accord.merging.methods import (
    SCE,
    TSVM,
    Breadcrumbs,
    BreadcrumbsTies,
    DareLinear,
    DareTies,
    Della,
    DellaLinear,
    IsoC,
    Karcher,
    Linear,
    ModelStock,
    MultiSlerp,
    NuSlerp,
    Slerp,
    TaskArithmetic,
    Ties,
)

if TYPE_CHECKING:
    from accord.merging.folders import merge_folders
    from accord.merging.low_rank import AdapterMerge, merge_adapters

__all__ = [
    "AdapterMerge",
    "Breadcrumbs",
    "BreadcrumbsTies",
    "Contract",
    "DareLinear",
    "DareTies",
    "Della",
    "DellaLinear",
    "IsoC",
    "Karcher",
    "Linear",
    "MergeMethod",
    "ModelStock",
    "MultiSlerp",
    "NuSlerp",
    "PerExpert",
    "Piece",
    "SCE",
    "Slerp",
    "StateDict",
    "Survey",
    "TSVM",
    "TaskArithmetic",
    "Ties",
    "merge_adapters",
    "merge_folders",
    "merge_state_dicts",
]

_ON_DISK = {"merge_folders": "folders", "merge_adapters": "low_rank", "AdapterMerge": "low_rank"}


def __getattr__(name: str) -> Any:
    """What reads models from disk is loaded on first use, as it needs transformers."""
    if name not in _ON_DISK:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ON_DISK[name]}"), name)
