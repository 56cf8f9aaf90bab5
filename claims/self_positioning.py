"""Self Positioning: an encoder for each task, then one place between them, found on a small probe.

The paper trains an embedding model for each task, and looks for the best place in the space that their task vectors
span: directions and lengths are learned on a small mixed set. It reports better averages than joint training, whose
data are unequal in size and whose tasks conflict, at a lower price than finding a mixture by trial.

Here six encoders are merged. The baseline is the better, by dev, of two joint encoders trained on all rows for as many
steps: with tasks in proportion to their rows, and with equal shares. Six tests of other data decide; the tests of the
six tasks themselves are reported. The probe is drawn from train rows. Beside them: the plain mean of the encoders, and
task arithmetic with a scale chosen by dev.

Not tested: a language model as the encoder; the paper's probe is a hundred times larger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.mixture import ROLES, SCALES, Mixture, Sizes, experts, mixture, train_on, training_task, values
from claims.study import Arm, Cell, Found, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

METHOD = "Self Positioning"
JOINT = ("joint, by size", "joint, equal shares")
PROBE = 128
"""Rows of each task in the probe."""


def run(context: Context) -> Outcome:
    """Merge, and train jointly, with every seed."""
    scale = SCALES[context.scale]
    sizes, mix = scale.sizes, mixture(context, scale.sizes)

    def joint(model: TextEncoder, cell: Cell, *, equal: bool) -> Mapping[str, Any]:
        result = train_on(model, mix, list(mix.train), cell, sizes.batch, equal=equal)
        return {"steps": result.steps, "tokens": sum(result.tokens.values())}

    merges: dict[str, Callable[[TextEncoder, Cell], Mapping[str, Any]]] = {
        METHOD: lambda model, cell: _place(context, mix, sizes, model, cell),
        "mean": lambda model, cell: _mean(context, mix, sizes, model, cell),
        "task arithmetic": lambda model, cell: _sum(context, mix, sizes, model, cell),
    }
    grids = {METHOD: (0.05,), "mean": (1.0,), "task arithmetic": (0.1, 0.2, 0.4)}
    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[
            *(Arm(name=name, train=train, grid=grids[name]) for name, train in merges.items()),
            Arm(name=JOINT[0], train=lambda model, cell: joint(model, cell, equal=False)),
            Arm(name=JOINT[1], train=lambda model, cell: joint(model, cell, equal=True)),
            Arm(name="as it is", train=None),
        ],
        dev=lambda model, _: mix.score(model),
        test=lambda model, _: values(model, {**mix.held_out, **{f"own: {n}": t for n, t in mix.own.items()}}),
        max_length=sizes.max_length,
        shared={"sizes": asdict(sizes), "probe": PROBE, "data": mix.fingerprints()},
    )
    found = study.run()
    better = max(JOINT, key=lambda name: np.mean([max(arms[name].dev.values()) for arms in found.values()]))
    return outcome(
        found,
        method=METHOD,
        baseline=better,
        tasks=list(mix.held_out),
        further=[(METHOD, "mean"), (METHOD, "task arithmetic"), (METHOD, "as it is")],
        details={"own tasks": _own(found, better), "dropped": dict(mix.dropped)},
        notes=[f"Of the two joint encoders, {better} is the better one on dev, and is the baseline."],
    )


def _place(context: Context, mix: Mixture, sizes: Sizes, model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
    from accord.merging.learned import SelfPositioning
    from accord.recipes.merge.probe import Probe

    base, own = dict(model.state_dict()), experts(context, mix, sizes, cell)
    probe = Probe(model, [training_task(mix, name) for name in mix.train], examples=PROBE, seed=cell.seed)
    learned = SelfPositioning(learning_rate=cell.rate, steps=40).learn(base, own, probe.losses())
    model.load_state_dict(learned.weights(base, own))
    return {"coefficients": [round(c, 4) for c in learned.coefficients["all"]]}


def _mean(context: Context, mix: Mixture, sizes: Sizes, model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
    from accord.merging import Linear, merge_state_dicts

    model.load_state_dict(merge_state_dicts(Linear(), experts(context, mix, sizes, cell)))
    return {}


def _sum(context: Context, mix: Mixture, sizes: Sizes, model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
    from accord.merging import TaskArithmetic, merge_state_dicts

    own = experts(context, mix, sizes, cell)
    model.load_state_dict(merge_state_dicts(TaskArithmetic(cell.rate), own, dict(model.state_dict())))
    return {}


def _own(found: Mapping[str, Mapping[str, Found]], better: str) -> Mapping[str, Any]:
    """What the decisive arms score on the tasks that they were made of."""
    names = [name for name in next(iter(found.values()))[METHOD].values if name.startswith("own: ")]
    return {
        arm: {n: round(float(np.mean([arms[arm].values[n].mean() for arms in found.values()])), 4) for n in names}
        for arm in (METHOD, better, "mean")
    }


CLAIM = Claim(
    name="self_positioning",
    papers=(4,),
    statement="Encoders of one task each, merged at the place that a probe finds, beat a joint encoder on new data.",
    method="Self Positioning over six encoders of one task",
    baseline="the better of two joint encoders, trained on the same rows for as many steps",
    metric="nDCG@10 and Spearman's correlation, mean of six tests of other data",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("merging/learned/self_positioning.py",),
)
