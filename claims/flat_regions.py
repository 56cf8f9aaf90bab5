"""Flat regions: sharpness-aware gradients of each task, balanced in two parts.

The paper takes every task's gradient a little uphill, splits it into what lowers the loss and what flattens it, and
balances each part by a rule for conflicting gradients. It finds that this improves whatever rule is used.

Here four tasks with 300 rows each are learned by UPGrad with flat regions, and by UPGrad alone with twice as many
steps, since flat regions go back twice a task. Both see the same kind of batches, a share of each task in every step,
and choose their learning rate by dev. The tests of the four tasks decide. Joint training as long as UPGrad is beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.mixture import ROLES, SCALES, Mixture, mixture, train_on, values
from claims.study import Arm, Cell, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

TASKS = ("similarity", "intents", "evidence", "translation")
ROWS = 300
FLAT, PLAIN, JOINT = "UPGrad in flat regions", "UPGrad", "joint"


def run(context: Context) -> Outcome:
    """Train in every way, from every start, with every seed."""
    scale = SCALES[context.scale]
    mix = _few(mixture(context, scale.sizes, learnt=TASKS))

    def arm(name: str) -> Arm:
        return Arm(name=name, train=lambda model, cell: _train(model, mix, cell, scale.sizes.batch, name))

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[*(arm(name) for name in (FLAT, PLAIN, JOINT)), Arm(name="as it is", train=None)],
        dev=lambda model, _: mix.score(model),
        test=lambda model, _: values(model, {**mix.own, **{f"other: {n}": t for n, t in mix.held_out.items()}}),
        max_length=scale.sizes.max_length,
        shared={"sizes": asdict(scale.sizes), "rows": ROWS, "data": mix.fingerprints()},
    )
    return outcome(
        study.run(),
        method=FLAT,
        baseline=PLAIN,
        tasks=list(TASKS),
        further=[(FLAT, JOINT), (PLAIN, JOINT), (FLAT, "as it is")],
        notes=[f"{ROWS} rows of each task; flat regions take half as many steps, at twice the price of each."],
    )


def _few(mix: Mixture) -> Mixture:
    from accord.core.random import numpy_generator

    def some(name: str) -> Any:
        rows = numpy_generator(0, "few", name).permutation(len(mix.train[name]))[:ROWS]
        return mix.train[name].take(np.sort(rows))

    return replace(mix, train={name: some(name) for name in TASKS})


def _train(model: TextEncoder, mix: Mixture, cell: Cell, batch: int, how: str) -> Mapping[str, Any]:
    from accord.training.balance import Aggregated, FlatRegions

    balance = {FLAT: FlatRegions(inner="UPGrad"), PLAIN: Aggregated(aggregator="UPGrad"), JOINT: None}[how]
    steps = cell.regime.steps * len(TASKS) // 2  # of batches twice as large, which all tasks share
    result = train_on(
        model,
        mix,
        TASKS,
        cell,
        2 * batch,
        steps=steps // 2 if how == FLAT else steps,
        batches="mixed",
        balance=balance,
    )
    return {"steps": result.steps, "tokens": sum(result.tokens.values())}


CLAIM = Claim(
    name="flat_regions",
    papers=(172,),
    statement="Of gradients balanced at one price, those of flat regions learn several small tasks better.",
    method="UPGrad on both parts of sharpness-aware gradients",
    baseline="UPGrad on plain gradients, with twice as many steps",
    metric="nDCG@10 and Spearman's correlation, mean of four tasks",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("training/balance/flat_regions.py",),
)
