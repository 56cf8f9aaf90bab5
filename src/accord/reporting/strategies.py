"""The ways to one encoder that a run tried, side by side: what each scores, what it costs, and which one to take."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accord.maths.shrinkage import SHRUNK
from accord.reporting import formats
from accord.reporting.rows import Cell, Difference, Row, Verdict

__all__ = ["SHARED", "Against", "Strategies", "Way", "side_by_side"]

SHARED = ("joint", "merged", "balanced")
"""Ways to one encoder for all tasks, the simplest first."""

PAIRS = 5
"""Pairs of tasks whose cosines are told."""

ORDER = ("base", "single", "joint", "balanced", "merged")
TURNED: Mapping[Verdict, Verdict] = {"better": "worse", "worse": "better", "same": "same", "unmeasured": "unmeasured"}


@dataclass(frozen=True, kw_only=True)
class Against:
    """A model minus the chosen one, on one task."""

    effect: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Way:
    """One row of the table.

    Args:
        name: of the model; "single" stands for each task's own.
        cells: its score on each of the columns; None where it was not measured.
        against: what it differs by from the chosen one on each of the columns; None for the chosen one itself.
        price: `tokens`, `steps`, `seconds` and `times`, the joint run's time as unit; empty for the base.
    """

    name: str
    cells: Sequence[Cell | None]
    against: Sequence[Against | None]
    price: Mapping[str, Any]

    def verdicts(self) -> str:
        """How it stands to the chosen one, in words.

        >>> found = [Against(effect=0.1, low=0.0, high=0.2, verdict=v) for v in ("better", "same", "same")]
        >>> Way(name="joint", cells=[], against=found, price={}).verdicts()
        '1 better, 2 not distinguishable'
        """
        counts = Counter(one.verdict for one in self.against if one is not None)
        words = {"same": "not distinguishable", "unmeasured": "not measured"}
        return ", ".join(
            f"{counts[v]} {words.get(v, v)}" for v in ("better", "worse", "same", "unmeasured") if counts[v]
        )


@dataclass(frozen=True, kw_only=True)
class Strategies:
    """All of it.

    Args:
        given: what the recipe asked for.
        chosen: the model that the run gives.
        sentence: the recommendation.
        evidence: further sentences, each a fact.
        columns: (task, metric) of each primary score.
        ways: a row a model.
        search: what choosing cost in all: `tokens`, `steps`, `seconds`, `times`; empty where nothing was chosen.
    """

    given: str
    chosen: str
    sentence: str
    evidence: Sequence[str]
    columns: Sequence[tuple[str, str]]
    ways: Sequence[Way]
    search: Mapping[str, Any]


def side_by_side(
    record: Mapping[str, Any], rows: Sequence[Row], differences: Sequence[Difference]
) -> Strategies | None:
    """Lay the models of a run side by side.

    Args:
        record: `strategy` of a run's details.
        rows: primary scores.
        differences: of the chosen model from the others.

    Returns:
        None for a run that trained jointly and tried nothing else.
    """
    chosen, given = str(record.get("chosen", "joint")), str(record.get("given", "joint"))
    found = {name for row in rows for name in row.cells if name in ORDER}
    if given == "joint" and found.isdisjoint({"balanced", "merged"}):
        return None
    prices = {str(row["name"]): row for row in record.get("prices") or ()}
    held = {(d.b, d.task, d.metric): d for d in differences if d.a == chosen and d.primary}
    ways = [
        Way(
            name=name,
            cells=[row.cells.get(name) for row in rows],
            against=[_turned(held.get((name, row.task, row.metric))) for row in rows],
            price=prices.get(name, {}),
        )
        for name in ORDER
        if name in found
    ]
    return Strategies(
        given=given,
        chosen=chosen,
        sentence=_recommend(record, ways),
        evidence=_evidence(record),
        columns=[(row.task, row.metric) for row in rows],
        ways=ways,
        search=prices.get("auto", {}),
    )


def _turned(row: Difference | None) -> Against | None:
    """The same comparison, seen from the other model."""
    if row is None:
        return None
    return Against(effect=-row.effect, low=-row.high, high=-row.low, verdict=TURNED[row.verdict])


def _recommend(record: Mapping[str, Any], ways: Sequence[Way]) -> str:
    chosen = str(record.get("chosen", "joint"))
    if record.get("given") == "auto":
        return _of_search(record, chosen)
    others = [way for way in ways if way.name in SHARED and way.name != chosen]
    seen = {way.name: {one.verdict for one in way.against if one is not None} for way in others}
    if not others:
        return f"Only {_called(chosen)} was trained on all tasks; add `joint` to `evaluate.baselines` to compare it."
    above = [name for name, verdicts in seen.items() if "better" in verdicts and "worse" not in verdicts]
    if above:
        return f"Rather take {_called(above[0])}: it is better than {_called(chosen)} on some task and worse on none."
    if all("worse" in verdicts and "better" not in verdicts for verdicts in seen.values()):
        return f"Keep {_called(chosen)}: it is better than {_listed(seen)} on some task and worse on none."
    if all(verdicts <= {"same"} for verdicts in seen.values()):
        simplest = min([chosen, *seen], key=SHARED.index)
        rest = [name for name in [chosen, *seen] if name != simplest]
        return f"Take {_called(simplest)}, the simplest: {_listed(rest)} cannot be told apart from it on any task."
    return f"Between {_listed([chosen, *seen])} it depends on the task: see the table."


def _of_search(record: Mapping[str, Any], chosen: str) -> str:
    verdict = (record.get("conflict") or {}).get("verdict")
    tried = [name for name in record.get("tried") or () if name != chosen]
    if not tried:
        why = (
            "the gradients of the tasks show no conflict beyond noise"
            if verdict == "no conflict"
            else "the budget allows nothing else"
        )
        return f"Train jointly: {why}, so no other encoder was a candidate."
    if chosen == "joint":
        return (
            f"Train jointly: on the dev parts {_listed(tried)} did no better beyond noise, and joint is the simplest."
        )
    return f"Take {_called(chosen)}: on the dev parts it is better than what is simpler, beyond noise."


def _evidence(record: Mapping[str, Any]) -> list[str]:
    conflict: Mapping[str, Any] = record.get("conflict") or {}
    pairs: list[Mapping[str, Any]] = sorted(conflict.get("pairs") or [], key=_cosine)
    found = [
        f"The gradients of {pair['a']} and {pair['b']} have a cosine of {formats.difference(pair['cosine'])} "
        f"{formats.interval(*pair['ci'], signed=True)}, corrected for noise: {pair['verdict']}."
        for pair in pairs[:PAIRS]
    ]
    if len(pairs) > PAIRS:
        found.append(f"{len(pairs) - PAIRS} further pairs of tasks have higher cosines.")
    for row in record.get("dev") or ():
        effect = f"{formats.difference(row['effect'])} {formats.interval(*row['ci'], signed=True)}"
        found.append(
            f"On the dev parts {row['a']} {formats.MINUS} {row['b']} is {effect} in the mean over {row['tasks']} tasks."
        )
    if merge := record.get("merge"):
        found.append(_of_merge(merge))
    return [*found, *(f"{row['name']} was not tried: {row['why']}." for row in record.get("skipped") or ())]


def _of_merge(merge: Mapping[str, Any]) -> str:
    """How much the merge kept of what its models learned."""
    method, length = merge["method"], float(merge["length"])
    name = method if isinstance(method, str) else next(iter(method))
    words = f"Merging by {name} changed the base {length:.2f} times as much as each of its models did, in the mean"
    if length >= SHRUNK:
        return f"{words}."
    return f"{words}: much of what they learned is averaged away, and a method with a scale keeps more."


def _cosine(pair: Mapping[str, Any]) -> float:
    return math.inf if pair["cosine"] is None else pair["cosine"]


def _called(name: str) -> str:
    return f"the {name} encoder"


def _listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
