"""The common shape of a claim: arms trained from the same starts with the same budget, tuned on dev, judged on test.

A claim says what its arms are and how a model is judged; everything else is done here in one way. Every arm chooses its
learning rate from one grid by the dev score of the first seed, and the grid grows where its best rate lies at an end;
the test is measured at that rate with all seeds. Finished cells are kept in the cache, so that a stopped run goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Context, Outcome
from claims.paired import Paired, compare
from claims.starts import Start

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["Arm", "Cell", "Found", "Regime", "SearchScale", "Study", "Values", "outcome", "row", "together"]

FURTHER = 2
"""How many rates an arm may try beyond its grid, one at a time, while the best lies at an end."""

Values = Mapping[str, np.ndarray]
"""Test values by task, (seeds, examples)."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One side of a comparison.

    Args:
        name: in results.
        train: changes a model in place, given the learning rate, the seed and the regime; returns facts to keep, such
            as steps and tokens. None leaves the start as it is.
        make: in place of `train`, for a side that is more than one model: gives what is judged, and facts.
        options: what tells this arm from the others, for the cache.
        grid: numbers to choose from in place of learning rates, each a fixed factor above the one before, for an arm
            that is tuned by something else, such as a scale; one number leaves nothing to choose.
    """

    name: str
    train: Callable[[TextEncoder, Cell], Mapping[str, Any]] | None = None
    make: Callable[[TextEncoder, Cell], tuple[Any, Mapping[str, Any]]] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    grid: tuple[float, ...] = ()

    @property
    def idle(self) -> bool:
        """Nothing is done to the start."""
        return self.train is None and self.make is None

    def judged(self, model: TextEncoder, cell: Cell) -> tuple[Any, Mapping[str, Any]]:
        """What is judged, and facts; `model` may be changed in place."""
        if self.make is not None:
            return self.make(model, cell)
        return model, {} if self.train is None else self.train(model, cell)


@dataclass(frozen=True, kw_only=True)
class Regime:
    """A start, and how far it is trained.

    Args:
        steps: optimiser steps; every arm gets as many.
        rates: learning rates to choose from, each a fixed factor above the one before; the same for every arm.
    """

    start: Start
    steps: int
    rates: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SearchScale:
    """How much of everything, where models are judged by searching.

    Args:
        batch: pairs a step.
        queries: at most so many a test (dev: half).
        documents: searched for each test (dev: half); relevant ones always stay.
        max_length: tokens kept of a text.
    """

    regimes: tuple[Regime, ...]
    batch: int
    queries: int
    documents: int
    max_length: int


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One training run."""

    regime: Regime
    rate: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """An arm from one start, at its chosen rate.

    Args:
        dev: score of each rate, with the first seed.
        values: of the test.
        facts: what the training of the first seed said.
    """

    arm: str
    rate: float
    dev: Mapping[str, float]
    values: Values
    facts: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Study:
    """What all arms share.

    Args:
        regimes: starts.
        arms: sides.
        dev: score of a model, or of what an arm makes, for tuning: higher is better; told which arm it is.
        test: values by task, one an example; told which arm it is.
        max_length: tokens kept of a text.
        shared: plain values that decide the results beside the arms: sizes, hashes of data.
    """

    context: Context
    regimes: Sequence[Regime]
    arms: Sequence[Arm]
    dev: Callable[[Any, Arm], float]
    test: Callable[[Any, Arm], Mapping[str, Sequence[float]]]
    max_length: int
    shared: Mapping[str, Any]

    def run(self) -> dict[str, dict[str, Found]]:
        """Every arm from every start: start -> arm -> what was found."""
        return {regime.start.name: {arm.name: self._tuned(regime, arm) for arm in self.arms} for regime in self.regimes}

    @cached_property
    def _model(self) -> str:
        """Hash of the model that starts are made of."""
        from accord import load

        return load(self.context.model).fingerprint()

    def _tuned(self, regime: Regime, arm: Arm) -> Found:
        seeds = self.context.seeds
        first = self._searched(regime, arm)
        rate = _best(first)
        alike = arm.idle and not regime.start.fresh  # nothing in it depends on the seed
        again = () if alike else seeds[1:]
        runs = [first[rate], *(self._measured(regime, arm, rate, seed) for seed in again)]
        values = {task: np.array([result["test"][task] for result in runs]) for task in runs[0]["test"]}
        if alike:
            values = {task: np.repeat(of, len(seeds), axis=0) for task, of in values.items()}
        return Found(
            arm=arm.name,
            rate=rate,
            dev={f"{r:g}": result["dev"] for r, result in first.items()},
            values=values,
            facts=first[rate]["facts"],
            seconds=sum(result["seconds"] for result in [*first.values(), *runs[1:]]),
        )

    def _searched(self, regime: Regime, arm: Arm) -> dict[float, dict[str, Any]]:
        """The first seed at every rate of the grid, and beyond it while the best by dev is the first or the last."""
        found: dict[float, dict[str, Any]] = {}

        def at(rate: float) -> dict[str, Any]:
            best = found[_best(found)]["dev"] if found else -np.inf
            return self._measured(regime, arm, rate, self.context.seeds[0], least=best)

        for rate in _grid(regime, arm):
            found[rate] = at(rate)
        for _ in range(FURTHER if len(found) > 1 else 0):
            grid, best = sorted(found), _best(found)
            if best not in {grid[0], grid[-1]}:
                break
            beside = grid[1] if best == grid[0] else grid[-2]
            rate = float(f"{best * best / beside:.3g}")
            found[rate] = at(rate)
        return found

    def _measured(self, regime: Regime, arm: Arm, rate: float, seed: int, *, least: float = -np.inf) -> dict[str, Any]:
        """One cell; where its dev score is below `least`, it cannot be chosen and its tests are left alone."""
        context = self.context

        def make() -> dict[str, Any]:
            begun = time.perf_counter()
            model = regime.start.load(
                context.model, context.cache, seed=seed, device=context.device, max_length=self.max_length
            )
            judged, facts = arm.judged(model, Cell(regime=regime, rate=rate, seed=seed))
            found: dict[str, Any] = {"dev": float(self.dev(judged, arm)), "test": None, "facts": dict(facts)}
            if found["dev"] >= least:
                found["test"] = {task: [float(v) for v in values] for task, values in self.test(judged, arm).items()}
            return {**found, "seconds": time.perf_counter() - begun}

        own = {**asdict(regime), "rates": None}
        key = {**self.shared, "length": self.max_length, "model": self._model, "regime": own, "arm": arm.name}
        key |= {"options": dict(arm.options), "rate": rate, "seed": seed}
        result = context.cached(key, make)
        if result["test"] is None and result["dev"] >= least:  # another grid had a better one
            result = context.cached({**key, "tested": True}, make)
        what = "as it is" if arm.idle else f"rate {rate:g}, seed {seed}"
        test = (
            "not looked at"
            if result["test"] is None
            else f"{np.mean([np.mean(v) for v in result['test'].values()]):.4f}"
        )
        context.say(
            f"{regime.start.name}, {arm.name}, {what}: dev {result['dev']:.4f}, test {test} ({result['seconds']:.0f} s)"
        )
        return result


def outcome(
    found: Mapping[str, Mapping[str, Found]],
    *,
    method: str,
    baseline: str,
    tasks: Sequence[str] = (),
    further: Sequence[tuple[str, str]] = (),
    details: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Outcome:
    """The decisive comparison over all starts, each task and start beside it, and what a reader must know.

    Args:
        found: from :meth:`Study.run`.
        method: name of the arm that should win.
        baseline: name of the arm that it is held against.
        tasks: which tests decide; all when empty.
        further: more pairs of arms to compare, for the details.
        details: further tables.
        notes: a sentence each.

    Returns:
        `inconclusive` where starts say the opposite of each other.
    """
    deciding = list(tasks) or list(next(iter(found.values()))[method].values)

    def of(arms: Mapping[str, Found], arm: str) -> dict[str, np.ndarray]:
        return {task: arms[arm].values[task] for task in deciding}

    def side(arm: str) -> dict[str, np.ndarray]:
        return {task: np.mean([of(arms, arm)[task] for arms in found.values()], axis=0) for task in deciding}

    contrasts = {start: compare(of(arms, method), of(arms, baseline)) for start, arms in found.items()}
    verdicts = [contrast.verdict for contrast in contrasts.values()]
    disagree = {"holds", "fails"} <= set(verdicts)
    left, right = side(method), side(baseline)
    starts = {start: _report(arms, contrasts[start]) for start, arms in found.items()}
    pairs = {f"{a} against {b}": row(compare(side(a), side(b))) for a, b in further}
    return Outcome(
        paired=compare(left, right),
        verdict="inconclusive" if disagree else "",
        seconds=sum(one.seconds for arms in found.values() for one in arms.values()),
        tasks=[row(compare({task: left[task]}, {task: right[task]}), task=task) for task in left],
        details={"starts": starts, "comparisons": pairs, **(details or {})},
        notes=[*notes, *_edges(found), *(["The starts disagree, so nothing is concluded."] if disagree else [])],
    )


def together(name: str, parts: Mapping[str, tuple[Found, str]]) -> Found:
    """One side made of several arms, such as an encoder for each task.

    Args:
        name: of the side.
        parts: by task, the arm and the name of its test that count for it.
    """
    arms = {id(one): one for one, _ in parts.values()}.values()
    return Found(
        arm=name,
        rate=float(np.mean([one.rate for one in arms])),
        dev={},
        values={task: one.values[test] for task, (one, test) in parts.items()},
        facts={},
        seconds=sum(one.seconds for one in arms),
    )


def _grid(regime: Regime, arm: Arm) -> tuple[float, ...]:
    if arm.idle:
        return (0.0,)
    return arm.grid or regime.rates


def _best(measured: Mapping[float, Mapping[str, Any]]) -> float:
    return max(measured, key=lambda rate: measured[rate]["dev"])


def row(paired: Paired, **names: str) -> dict[str, Any]:
    """A comparison as plain values."""
    return {**names, **asdict(paired)}


def _report(arms: Mapping[str, Found], contrast: Paired) -> dict[str, Any]:
    return {
        "arms": [
            {
                "arm": one.arm,
                "rate": one.rate,
                "dev": {rate: round(score, 4) for rate, score in one.dev.items()},
                "test": {task: round(float(v.mean()), 4) for task, v in one.values.items()},
                "by_seed": np.mean([v.mean(axis=1) for v in one.values.values()], axis=0).round(4).tolist(),
                **one.facts,
            }
            for one in arms.values()
        ],
        "contrast": {**row(contrast), "verdict": contrast.verdict},
    }


def _edges(found: Mapping[str, Mapping[str, Found]]) -> list[str]:
    """A note when a chosen rate is the first or last of its grid, so that the best may lie beyond."""
    at = []
    for start, arms in found.items():
        for one in arms.values():
            grid = sorted(float(rate) for rate in one.dev)
            if len(grid) > 1 and one.rate in {grid[0], grid[-1]}:
                at.append(f"{one.arm} ({start})")
    return [f"At an end of the grid of rates: {', '.join(at)}."] if at else []
