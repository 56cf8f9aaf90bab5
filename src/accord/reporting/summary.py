"""From the results of a run to plain rows for tables, plots and the page; needs neither torch nor a plot library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from accord.core.records import Comparison, Results, Score
from accord.reporting import formats
from accord.reporting.headline import headline
from accord.reporting.rows import Cell, Difference, Row, Verdict, kind
from accord.reporting.strategies import Strategies, side_by_side

__all__ = ["Summary", "order_models", "summarise"]

FIRST = ("base", "single", "joint", "balanced", "merged")
Details = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Everything that a report says, in rows.

    Args:
        lead: the model that the run gives.
        columns: base, single, joint, then the others; "single" is the model trained on the row's task alone.
        rows: primary metrics by `columns`.
        models: every model by its own name.
        all_rows: every metric by `models`.
        split: the part of the data that was scored.
        leakage: None where no check is recorded, empty where nothing leaked.
        strategies: the ways to an encoder side by side; None for a run that trained jointly and tried nothing else.
    """

    headline: str
    lead: str
    level: float
    split: str
    columns: Sequence[str]
    rows: Sequence[Row]
    models: Sequence[str]
    all_rows: Sequence[Row]
    differences: Sequence[Difference]
    tasks: Details
    leakage: Details | None
    sizes: Details
    timings: Details
    notes: Sequence[str]
    environment: Mapping[str, Any]
    seeds: Sequence[int]
    data_hashes: Mapping[str, str]
    seconds: Mapping[str, float]
    strategies: Strategies | None = None


def summarise(results: Results | Summary) -> Summary:
    """Order, pool over seeds and put into words what a run measured; a summary passes through.

    >>> empty = summarise(Results(scores=()))
    >>> empty.headline
    'This run measured nothing yet.'
    """
    if isinstance(results, Summary):
        return results
    details = results.details
    listed = list(details.get("tasks") or ())
    scores = _of_one_split(results.scores)
    tasks = list(dict.fromkeys([*(str(t.get("name")) for t in listed), *(s.task for s in scores)]))
    models = order_models((s.model for s in scores), tasks)
    columns = order_models((c for s in scores if (c := _column(s.model, s.task))), tasks)
    all_rows = _rows(scores, tasks, key=lambda s: s.model)
    rows = [row for row in _rows(scores, tasks, key=lambda s: _column(s.model, s.task)) if row.primary]
    strategy = details.get("strategy") or {}
    lead = str(strategy.get("chosen") or "joint")
    differences = _differences(results.comparisons, scores, tasks, lead)
    return Summary(
        headline=headline(differences, columns, len(rows)),
        lead=lead,
        level=float(details.get("level") or 0.95),
        split=scores[0].split if scores else "test",
        columns=columns,
        rows=rows,
        models=models,
        all_rows=all_rows,
        differences=differences,
        tasks=listed,
        leakage=list(details["leakage"]) if details.get("leakage") is not None else None,
        sizes=_sizes([*(details.get("models") or ()), *(details.get("sizes") or ())], tasks),
        timings=list(details.get("timings") or ()),
        notes=[str(note) for note in details.get("notes") or ()],
        environment=results.environment,
        seeds=results.seeds,
        data_hashes=results.data_hashes,
        seconds=results.seconds,
        strategies=side_by_side(strategy, rows, differences),
    )


def order_models(names: Iterable[str], tasks: Sequence[str] = ()) -> list[str]:
    """Without repetition: base, singles in order of tasks, joint, balanced, merged, the rest, then other runs.

    Sizes of a model, such as "joint 4x256", come behind it.

    >>> order_models(["run:x", "joint@1", "joint", "odd", "single:b", "single:a", "base", "joint"], ["a", "b"])
    ['base', 'single:a', 'single:b', 'joint', 'joint@1', 'odd', 'run:x']
    """

    def rank(name: str) -> tuple[int, int, str]:
        task, _, seed = (name.partition(":")[2] or name).partition("@")
        if kind(name) == "run":
            return len(FIRST) + 1, 0, ""
        owner = kind(name).partition(" ")[0]
        first = FIRST.index(owner) if owner in FIRST else len(FIRST)
        return first, tasks.index(task) if task in tasks else len(tasks), seed if first < len(FIRST) else ""

    return sorted(dict.fromkeys(names), key=rank)


def _column(model: str, task: str) -> str | None:
    if model.startswith("single:"):
        return "single" if model == f"single:{task}" else None
    return model


def _of_one_split(scores: Sequence[Score]) -> list[Score]:
    splits = {s.split for s in scores}
    wanted = "test" if "test" in splits or not splits else scores[0].split
    return [s for s in scores if s.split == wanted]


def _rows(scores: Sequence[Score], tasks: Sequence[str], *, key: Any) -> list[Row]:
    groups: dict[tuple[str, str], dict[str, list[Score]]] = {}
    for score in scores:
        column = key(score)
        cells = groups.setdefault((score.task, score.metric), {})
        if column is not None:
            cells.setdefault(column, []).append(score)
    rows = []
    for (task, metric), cells in groups.items():
        every = [s for pool in cells.values() for s in pool]
        if every:
            pooled = {column: _pool(pool) for column, pool in cells.items()}
            primary = any(s.primary for s in every)
            rows.append(Row(task=task, metric=metric, primary=primary, n=max(s.n for s in every), cells=pooled))
    return sorted(rows, key=lambda row: (tasks.index(row.task), not row.primary))


def _pool(scores: Sequence[Score]) -> Cell:
    finite = [s for s in scores if math.isfinite(s.score)]
    lows = [s.ci[0] for s in finite if math.isfinite(s.ci[0])]
    highs = [s.ci[1] for s in finite if math.isfinite(s.ci[1])]
    return Cell(
        score=fmean(s.score for s in finite) if finite else math.nan,
        low=min(lows, default=math.nan),
        high=max(highs, default=math.nan),
        seeds=len({s.seed for s in scores}),
    )


def _differences(
    comparisons: Sequence[Comparison], scores: Sequence[Score], tasks: Sequence[str], lead: str
) -> list[Difference]:
    primary = {(s.task, s.metric) for s in scores if s.primary}
    names = order_models((name for c in comparisons for name in (c.a, c.b)), tasks)
    rows = []
    for c in comparisons:
        verdict, words = _judge(c)
        rows.append(
            Difference(
                a=_column(c.a, c.task) or c.a,
                b=_column(c.b, c.task) or c.b,
                task=c.task,
                metric=c.metric,
                primary=(c.task, c.metric) in primary or not primary,
                effect=c.effect,
                low=c.ci[0],
                high=c.ci[1],
                p=c.p,
                n=c.n,
                n_needed=c.n_needed,
                verdict=verdict,
                words=words,
            )
        )
    place = {name: index for index, name in enumerate(order_models((*names, "single", "joint"), tasks))}
    order = {task: index for index, task in enumerate(tasks)}
    return sorted(
        rows,
        key=lambda d: (
            d.a != lead,
            place[d.a],
            place[d.b],
            not d.primary,
            order.get(d.task, len(order)),
        ),
    )


def _judge(comparison: Comparison) -> tuple[Verdict, str]:
    if not (math.isfinite(comparison.effect) and math.isfinite(comparison.p)):
        return "unmeasured", "not measured"
    if comparison.distinguishable and comparison.effect:
        return ("better", "better") if comparison.effect > 0 else ("worse", "worse")
    have = formats.count(comparison.n)
    if comparison.n_needed is None:
        return "same", f"not distinguishable: no difference seen (have {have} examples)"
    if comparison.n_needed <= comparison.n:
        return "same", f"not distinguishable after the correction for several comparisons (have {have} examples)"
    needed = formats.rounded(comparison.n_needed)
    return "same", f"not distinguishable: about {needed} examples would be needed (have {have})"


def _sizes(models: Details, tasks: Sequence[str]) -> list[Mapping[str, Any]]:
    order = order_models((str(m.get("name")) for m in models), tasks)
    return sorted(models, key=lambda m: order.index(str(m.get("name"))))
