"""Metrics by name: `nDCG@10` and its like, from a recipe, a file or a keyboard."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.core.spec import build, catalogue, parameters
from accord.evaluation import metrics as room
from accord.evaluation.base import Metric
from accord.evaluation.repeated import Repeated

__all__ = ["check_columns", "check_kind", "metric", "metrics_in_order"]

MEAN = "mean_"
ALIASES = {
    "rr": "MRR",
    "ap": "MAP",
    "p": "Precision",
    "r": "Recall",
    "ndcg_cut": "nDCG",
    "success": "HitRate",
    "hit": "HitRate",
    "hits": "HitRate",
    "nmi": "VMeasure",
}


def metric(spec: Any) -> Metric:
    """The metric that a name, a mapping or an object stands for.

    Args:
        spec: ``"nDCG@10"``, ``"accuracy"``, ``{"nDCG": {"k": 10}}``, ``{"module:Name": {...}}`` or a metric;
            ``"mean_macro_f1"`` for the mean over repeated experiments.

    Returns:
        A frozen metric object; capital letters and underscores in names do not matter.

    Raises:
        InputError: an unknown name, a ranking metric without its cut, or a cut where none belongs.

    >>> metric("ndcg@10"), metric({"MRR": {"k": 5}}), metric("macro_f1")
    (nDCG@10, MRR@5, macro_f1)
    >>> metric("nDGC@10")
    Traceback (most recent call last):
    accord.core.errors.InputError: Unknown metric `nDGC@10`. Did you mean `nDCG@10`?
    """
    if not isinstance(spec, str):
        made = build(spec, room, "metrics") if isinstance(spec, Mapping) else spec
        if not callable(made):
            raise InputError(f"A metric must be a name such as `nDCG@10` or a metric object. Got {spec!r} instead.")
        return made
    if ":" in spec:
        return build(spec, room, "metrics")
    if spec.startswith(MEAN):
        return Repeated(metric(spec.removeprefix(MEAN)))
    known = catalogue(room)
    by_key = {_key(name): name for name in known}
    name, _, cut = spec.partition("@")
    found = ALIASES.get(name.lower()) or by_key.get(_key(name))
    if found is None:
        raise InputError(f"Unknown metric `{spec}`.{_suggestion(name, cut, known)}")
    needs_cut = "k" in parameters(known[found])
    if needs_cut != bool(cut) or (cut and not re.fullmatch(r"[1-9][0-9]*", cut)):
        rule = f"needs a cut of at least 1, such as `{found}@10`" if needs_cut else "takes no cut"
        raise InputError(f"The metric `{name}` {rule}. Got `{spec}` instead.")
    return known[found](int(cut)) if needs_cut else known[found]()


def metrics_in_order(metrics: Iterable[Any], primary: Any) -> list[Metric]:
    """The metrics of a task, the primary one first and each once.

    Args:
        metrics: names or objects.
        primary: name or object; need not be among them.

    >>> metrics_in_order(["MRR@10", "nDCG@10"], "nDCG@10")
    [nDCG@10, MRR@10]
    """
    found: dict[str, Metric] = {}
    for spec in (primary, *([metrics] if isinstance(metrics, (str, Mapping)) else metrics)):
        made = metric(spec)
        found.setdefault(str(made), made)
    return list(found.values())


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _suggestion(name: str, cut: str, known: Mapping[str, type]) -> str:
    names = {_key(n): f"{n}@{cut or 10}" if "k" in parameters(kind) else str(kind()) for n, kind in known.items()}
    close = did_you_mean(_key(name), names)
    return f" Did you mean `{names[close.split('`')[1]]}`?" if close else f" Known: {', '.join(names.values())}."


def check_kind(metrics: Iterable[Metric], kind: type, task: str, example: str) -> None:
    """Refuse metrics that a task cannot compute.

    Raises:
        InputError: naming the first such metric.
    """
    for made in metrics:
        if not isinstance(made, kind):
            raise InputError(f"`metrics` of {task} must each be {example}. Got {made} instead.")


def check_columns(metrics: Iterable[Metric], columns: tuple[str, ...], task: str, example: str) -> None:
    """Refuse metrics that are not computed from the columns that a task has.

    Raises:
        InputError: naming the first such metric.
    """
    for made in metrics:
        if tuple(inspect.signature(made).parameters) != columns:
            raise InputError(f"`metrics` of {task} must be such as {example}. Got {made} instead.")
