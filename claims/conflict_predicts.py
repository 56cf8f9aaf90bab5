"""The conflict score before any training, held against what joint training then does to each task.

Six tasks make fifteen pairs. Of each pair, `accord conflict`'s cosine of gradients, corrected for noise, is measured at
the start. Then one encoder is trained on both tasks, for as many steps of each as an encoder of one task gets, and the
tests of both tasks tell what each lost or gained by the company.

The claim is that cosine and gain go together: Spearman's correlation over the thirty (pair, task) outcomes, in the mean
over seeds. Its interval comes from drawing tasks with replacement, as pairs of one task are not independent; p from
trading the names of tasks. Which pairs would be advised against, and what they then lost, is reported.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata

from claims.base import Claim, Context, Outcome
from claims.mixture import LEARNT, ROLES, SCALES, Mixture, Sizes, expert, mixture, train_on, training_task, values
from claims.paired import Paired
from claims.study import Arm, Cell, Study

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

BATCHES = 8


def run(context: Context) -> Outcome:
    """Measure, train every pair and every task alone, and correlate."""
    scale = SCALES[context.scale]
    mix, sizes = mixture(context, scale.sizes), scale.sizes
    regime = scale.regimes[0]
    rate = regime.rates[0]
    pairs = list(itertools.combinations(LEARNT, 2))

    def joint(model: TextEncoder, cell: Cell, pair: tuple[str, str]) -> Mapping[str, Any]:
        return {"steps": train_on(model, mix, pair, cell, sizes.batch, steps=2 * sizes.steps).steps}

    def alone(model: TextEncoder, cell: Cell, name: str) -> Mapping[str, Any]:
        one = expert(context, mix, sizes, name, cell)
        model.load_state_dict(one)
        return {}

    study = Study(
        context=context,
        regimes=[regime],
        arms=[
            *(
                Arm(
                    name=_name(pair),
                    train=lambda model, cell, pair=pair: joint(model, cell, pair),
                    options={"tasks": list(pair)},
                    grid=regime.rates,
                )
                for pair in pairs
            ),
            *(
                Arm(
                    name=name,
                    train=lambda model, cell, name=name: alone(model, cell, name),
                    options={"tasks": [name]},
                    grid=(rate,),
                )
                for name in LEARNT
            ),
        ],
        dev=lambda model, arm: mix.score(model, arm.options["tasks"]),
        test=lambda model, arm: values(model, {name: mix.own[name] for name in arm.options["tasks"]}),
        max_length=sizes.max_length,
        shared={"sizes": asdict(sizes), "data": mix.fingerprints()},
    )
    found = study.run()[regime.start.name]
    scores = [_cosines(context, mix, sizes, Cell(regime=regime, rate=rate, seed=seed)) for seed in context.seeds]
    cosine = _matrix({pair: float(np.mean([s["cosine"][_name(pair)] for s in scores])) for pair in pairs})
    gain = np.full((len(LEARNT), len(LEARNT)), np.nan)
    for a, b in itertools.permutations(range(len(LEARNT)), 2):
        names = list(LEARNT)
        pair = (names[min(a, b)], names[max(a, b)])
        gain[a, b] = float((found[_name(pair)].values[names[a]] - found[names[a]].values[names[a]]).mean())
    paired = _correlated(cosine, gain)
    advice = {_name(pair): scores[0]["verdict"][_name(pair)] for pair in pairs}
    return Outcome(
        paired=paired,
        seconds=sum(one.seconds for one in found.values()) + sum(s["seconds"] for s in scores),
        tasks=[{"task": "pairs of tasks", **asdict(paired)}],
        details={"pairs": _rows(cosine, gain, advice)},
        notes=[
            "The effect is a correlation; the baseline of no relation is 0.",
            "Interval over draws of tasks, p over trades of their names; six tasks are few for either.",
        ],
    )


def _name(pair: Sequence[str]) -> str:
    return " with ".join(pair)


def _cosines(context: Context, mix: Mixture, sizes: Sizes, cell: Cell) -> Mapping[str, Any]:
    """Corrected cosine and verdict of every pair, at the start."""
    from accord.recipes.conflict import gradient_conflict
    from accord.training import AdamW, Settings

    def make() -> dict[str, Any]:
        begun = time.perf_counter()
        model = cell.regime.start.load(
            context.model, context.cache, seed=cell.seed, device=context.device, max_length=sizes.max_length
        )
        tasks = [training_task(mix, name) for name in LEARNT]
        settings = Settings(steps=sizes.steps, batch=sizes.batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
        conflict = gradient_conflict(model, tasks, settings, batches=BATCHES)
        pairs = {_name((pair.a, pair.b)): pair for pair in conflict.pairs}
        return {
            "cosine": {name: float(pair.cosine.value) for name, pair in pairs.items()},
            "verdict": {name: pair.verdict for name, pair in pairs.items()},
            "seconds": time.perf_counter() - begun,
        }

    key = {"sizes": asdict(sizes), "batches": BATCHES, "data": mix.fingerprints(), "seed": cell.seed}
    return context.cached({**key, "start": asdict(cell.regime.start), "model": context.model}, make)


def _matrix(by_pair: Mapping[tuple[str, str], float]) -> np.ndarray:
    names = list(LEARNT)
    found = np.full((len(names), len(names)), np.nan)
    for (a, b), value in by_pair.items():
        found[names.index(a), names.index(b)] = found[names.index(b), names.index(a)] = value
    return found


def _correlation(cosine: np.ndarray, gain: np.ndarray, rows: Sequence[int]) -> float:
    """Over the outcomes among some tasks; a task that was drawn twice is not paired with itself."""
    places = [(a, b) for a in rows for b in rows if a != b]
    left, right = np.array([cosine[p] for p in places]), np.array([gain[p] for p in places])
    if len(set(left)) < 2 or len(set(right)) < 2:
        return 0.0
    return float(np.corrcoef(rankdata(left), rankdata(right))[0, 1])


def _correlated(cosine: np.ndarray, gain: np.ndarray, *, resamples: int = 2_000) -> Paired:
    from accord.core.random import numpy_generator

    tasks = len(cosine)
    effect = _correlation(cosine, gain, range(tasks))
    generator = numpy_generator(0, "tasks")
    drawn = []
    while len(drawn) < resamples:
        rows = generator.integers(0, tasks, tasks)
        if len(set(rows.tolist())) > 2:
            drawn.append(_correlation(cosine, gain, rows.tolist()))
    low, high = np.quantile(drawn, [0.025, 0.975])
    traded = [_correlation(cosine[np.ix_(o, o)], gain, range(tasks)) for o in _orders(tasks)]
    extreme = sum(abs(value) >= abs(effect) - 1e-12 for value in traded)
    return Paired(
        method_score=effect,
        baseline_score=0.0,
        effect=effect,
        ci=(float(low), float(high)),
        p=extreme / len(traded),
        n=tasks * (tasks - 1),
    )


def _orders(tasks: int) -> list[list[int]]:
    """All orders of the names, the given one among them."""
    return [list(order) for order in itertools.permutations(range(tasks))]


def _rows(cosine: np.ndarray, gain: np.ndarray, advice: Mapping[str, str]) -> list[dict[str, Any]]:
    names = list(LEARNT)
    return [
        {
            "pair": _name((names[a], names[b])),
            "cosine": round(float(cosine[a, b]), 4),
            "verdict": advice[_name((names[a], names[b]))],
            "gains": {names[a]: round(float(gain[a, b]), 4), names[b]: round(float(gain[b, a]), 4)},
        }
        for a, b in itertools.combinations(range(len(names)), 2)
    ]


CLAIM = Claim(
    name="conflict_predicts",
    papers=(),
    statement="The cosine of two tasks' gradients tells beforehand what a task loses or gains by joint training.",
    method="noise-corrected cosine of gradients at the start",
    baseline="no relation",
    metric="Spearman's correlation with the gain over an encoder of one task",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("recipes/conflict/gradients.py", "evaluation/conflict/corrected_cosine.py"),
)
