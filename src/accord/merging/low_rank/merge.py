"""Several adapters of one base as one adapter, or folded into the base."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.spec import to_spec
from accord.maths.shrinkage import SHRUNK
from accord.merging.base import MergeMethod, StateDict
from accord.merging.low_rank.combining import Change, factor_weights, merged_changes
from accord.merging.low_rank.folders import AdapterFolder, check_together, read_adapter
from accord.merging.low_rank.writing import check_place, load_base, usual_scale, write_adapter, write_model

__all__ = ["AdapterMerge", "LayerMerge", "merge_adapters"]

log = logging.getLogger(__name__)

FORMS = ("adapter", "model")
OF = ("changes", "weights")


@dataclass(frozen=True)
class LayerMerge:
    """What became of one layer.

    Args:
        layer: its name in the backbone.
        rank: of the merged change as it was written; None where it is a whole matrix.
        energy: share of the squared singular values of the merged change that was kept.
        norm: Frobenius norm of the merged change, before it was cut.
        mean_norm: mean of the norms of the adapters' own changes.
    """

    layer: str
    rank: int | None
    energy: float
    norm: float
    mean_norm: float


@dataclass(frozen=True)
class AdapterMerge:
    """A finished merge of adapters.

    Args:
        path: what was written.
        energy: share of the squared singular values of all layers together that was kept, in [0, 1].
        shrinkage: norm of all merged changes together by the mean norm of the adapters' own; 1 / sqrt(N) for a mean of
            N that have nothing in common.
        layers: each of them.
        provenance: method, parents with their hashes, and these numbers, as they were written.
    """

    path: Path
    energy: float
    shrinkage: float
    layers: Sequence[LayerMerge] = field(repr=False)
    provenance: Mapping[str, Any] = field(repr=False)


def merge_adapters(
    method: MergeMethod | Mapping[str, MergeMethod],
    adapters: Sequence[Path | str],
    *,
    out: Path | str,
    base: Path | str | None = None,
    rank: int | None = None,
    form: Literal["adapter", "model"] = "adapter",
    of: Literal["changes", "weights"] = "changes",
    seed: int = 0,
    progress: Progress = silent,
) -> AdapterMerge:
    r"""Merge what adapters of one base change, :math:`\Delta W_i = s_i B_i A_i`, in float32.

    A weighted sum :math:`\sum_i w_i \Delta W_i` is written as :math:`[w_1 s_1 B_1 \dots w_N s_N B_N][A_1; \dots; A_N]`,
    exactly; with `rank` it is cut by singular values, through the QR of those factors. Other methods merge whole
    changes.

    Also known as: LoRA merging, add_weighted_adapter, skill experts.

    Reference: Hu et al. (2021), arXiv:2106.09685, eq. 3, for the change; Li et al. (2024), SELMA, arXiv:2403.06952,
    for merging the adapters of several skills.

    Differs from the paper: any method and any weights, where SELMA averages evenly.

    Args:
        method: how, or how for each layer by its name in the backbone; base and experts are zeros and changes, or
            whole weights (`of`).
        adapters: folders in peft's layout, all trained on one base.
        out: the folder to write.
        base: the model that the adapters belong to: a path or name; needed for `of: weights`, and for `form: model`
            where no adapter names it. Where it is given, the adapters are checked against it.
        rank: of the merged adapter; when not given, a weighted sum keeps the sum of the adapters' ranks and is exact.
            Other methods change whole matrices, so an adapter needs a rank then.
        form: "adapter" writes one, in peft's layout; "model" the base with the change folded in.
        of: what a method sees: "changes", or "weights": base plus change.
        seed: of what the method draws.
        progress: opens a bar.

    Returns:
        What was written, the retained energy, and how the length of the change compares.

    Raises:
        InputError: no adapters, adapters of different bases, a method that asks for other numbers of them, a missing
            base or rank.
        ModelError: an adapter that is no sum of low-rank products (DoRA, biases, whole layers), or a damaged one.
    """
    check_choice("form", form, FORMS)
    check_choice("of", of, OF)
    if rank is not None:
        check_at_least("rank", rank, 1)
    if not adapters:
        raise InputError("`adapters` is empty: name at least one folder.")
    out = Path(out)
    folders = [read_adapter(path) for path in adapters]
    check_together(folders)
    methods = _by_layer(method, folders)
    check_place(out, form)
    if form == "adapter" and rank is None:
        _check_summed(methods.values(), len(folders))
    needed = form == "model" or of == "weights" or base is not None
    encoder = load_base(base, folders) if needed else None
    weights = _weights(encoder) if of == "weights" else None
    scale = usual_scale(folders[0])
    found: list[Change] = []
    with progress(f"merge {len(folders)} adapters", total=len(_layers(folders)), unit="layers") as advance:
        for change in merged_changes(methods, folders, rank=rank, scale=scale, base=weights, seed=seed):
            found.append(change)
            advance(1)
    layers = [_report(change) for change in found]
    how = {"rank": rank, "of": of, "seed": seed}
    provenance = {**_method(methods), **how, **_provenance(folders, found, layers)}
    if form == "adapter":
        write_adapter(out, found, folders, encoder, provenance)
    else:
        write_model(out, found, encoder, provenance)
    _warn(provenance["shrinkage"], folders)
    return AdapterMerge(out, provenance["energy"], provenance["shrinkage"], layers, provenance)


def _weights(encoder: Any) -> StateDict:
    return {name.removesuffix(".weight"): t for name, t in encoder.backbone.state_dict().items()}


def _layers(folders: Sequence[AdapterFolder]) -> set[str]:
    return {layer for folder in folders for layer in folder.scales}


def _report(change: Change) -> LayerMerge:
    rank = None if change.down is None else len(change.down)
    return LayerMerge(
        change.layer,
        rank,
        round(change.energy, 9),
        math.sqrt(change.total),
        sum(change.norms) / len(change.norms),
    )


def _by_layer(
    method: MergeMethod | Mapping[str, MergeMethod], folders: Sequence[AdapterFolder]
) -> dict[str, MergeMethod]:
    """The method of each layer that some adapter changes, fit for so many of them."""
    layers = sorted(_layers(folders))
    if isinstance(method, MergeMethod):
        return dict.fromkeys(layers, method.for_experts(len(folders)))
    missing = [layer for layer in layers if layer not in method]
    if missing:
        raise InputError(f"`method` has none for `{missing[0]}`, which some adapter changes.")
    return {layer: method[layer].for_experts(len(folders)) for layer in layers}


def _check_summed(methods: Iterable[MergeMethod], number: int) -> None:
    for method in methods:
        if factor_weights(method, number) is None:
            raise InputError(
                f"`{method.name}` makes changes of full rank. Give a `rank` to cut them to, or `form: model`."
            )


def _method(methods: Mapping[str, MergeMethod]) -> dict[str, Any]:
    """The method, or that of each layer where they differ."""
    told = {layer: to_spec(method) for layer, method in methods.items()}
    first = next(iter(told.values()))
    return {"method": first} if all(one == first for one in told.values()) else {"methods": told}


def _provenance(
    folders: Sequence[AdapterFolder], found: Sequence[Change], layers: Sequence[LayerMerge]
) -> dict[str, Any]:
    """What was done, from what, and how well it fits."""
    total = sum(change.total for change in found)
    own = [math.sqrt(sum(change.norms[i] ** 2 for change in found)) for i in range(len(folders))]
    mean = sum(own) / len(own)
    parents = [{"path": str(f.path), "weights": f.digest, "base": f.base, "base_name": f.base_name} for f in folders]
    return {
        "parents": parents,
        "energy": round(min(1.0, sum(c.kept for c in found) / total) if total else 1.0, 9),
        "shrinkage": round(math.sqrt(total) / mean, 6) if mean else 1.0,
        "layers": [asdict(layer) for layer in layers],
    }


def _warn(shrinkage: float, folders: Sequence[AdapterFolder]) -> None:
    if shrinkage < SHRUNK:
        log.warning(
            "The merged change is %.2f times as long as the adapters' own on average: much of what they learned "
            "cancels out. Raise the weights, or set `normalize: false`.",
            shrinkage,
        )
    rounded = [f.path for f in folders if {stored.dtype for stored in f.tensors.values()} - {"F32", "F64"}]
    if rounded:
        log.warning(
            "%s: factors are stored in less than float32, and merged as they are.", ", ".join(map(str, rounded))
        )
