"""Model Breadcrumbs: middling changes of weights add up to many tasks without a new choice of numbers.

The paper masks the largest and the smallest changes of every fine-tuned model and adds up what is left. Its numbers,
chosen once with few tasks, go on to serve as tasks are added, where task arithmetic needs another scale each time.

Here the scale of both is chosen on the dev sets of the first two tasks and then left alone while encoders are added, to
four and to six. The merge of six decides, on the tests of its tasks and on six tests of other data; that of two and of
four is reported, and the plain mean of each, which has nothing to choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.mixture import LEARNT, ROLES, SCALES, Mixture, Sizes, experts, mixture, values
from claims.study import Arm, Cell, Found, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.merging import MergeMethod

__all__ = ["CLAIM"]

METHOD, BASELINE, MEAN = "breadcrumbs", "task arithmetic", "mean"
NUMBERS = (2, 4, 6)
GRIDS = {METHOD: (0.2, 0.6, 1.8), BASELINE: (0.1, 0.3, 0.9)}


def run(context: Context) -> Outcome:
    """Choose with two, then merge four and six, with every seed."""
    scale = SCALES[context.scale]
    mix = mixture(context, scale.sizes)
    first = _study(context, mix, [_arm(context, mix, scale.sizes, how, 2, GRIDS[how]) for how in GRIDS]).run()
    further = {}
    for start, arms in first.items():
        chosen = {how: (arms[_name(how, 2)].rate,) for how in GRIDS}
        later = [_arm(context, mix, scale.sizes, how, n, chosen[how]) for how in GRIDS for n in NUMBERS[1:]]
        means = [_arm(context, mix, scale.sizes, MEAN, n, (1.0,)) for n in NUMBERS]
        further[start] = _study(context, mix, [*later, *means, Arm(name="as it is", train=None)]).run()[start]
    found = {start: {**arms, **further[start]} for start, arms in first.items()}
    last = NUMBERS[-1]
    return outcome(
        found,
        method=_name(METHOD, last),
        baseline=_name(BASELINE, last),
        further=[(_name(METHOD, last), _name(MEAN, last)), (_name(METHOD, last), "as it is")],
        details={"as encoders are added": {start: _growth(arms) for start, arms in found.items()}},
        notes=["Scales were chosen with two encoders, by the dev sets of their two tasks."],
    )


def _study(context: Context, mix: Mixture, arms: Sequence[Arm]) -> Study:
    scale = SCALES[context.scale]
    two = list(LEARNT)[:2]
    return Study(
        context=context,
        regimes=scale.regimes,
        arms=arms,
        dev=lambda model, _: mix.score(model, two),
        test=lambda model, _: values(model, {**mix.own, **mix.held_out}),
        max_length=scale.sizes.max_length,
        shared={"sizes": asdict(scale.sizes), "data": mix.fingerprints()},
    )


def _name(how: str, number: int) -> str:
    return f"{how} of {number}"


def _arm(context: Context, mix: Mixture, sizes: Sizes, how: str, number: int, grid: tuple[float, ...]) -> Arm:
    def merge(model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
        from accord.merging import merge_state_dicts

        own = experts(context, mix, sizes, cell, list(LEARNT)[:number])
        model.load_state_dict(merge_state_dicts(_method(how, cell.rate), own, dict(model.state_dict())))
        return {"encoders": number}

    return Arm(name=_name(how, number), train=merge, options={"how": how, "number": number}, grid=grid)


def _method(how: str, scaling: float) -> MergeMethod:
    from accord.merging import Breadcrumbs, Linear, TaskArithmetic

    if how == MEAN:
        return Linear()
    return Breadcrumbs(1.0, scaling=scaling) if how == METHOD else TaskArithmetic(1.0, scaling=scaling)


def _growth(arms: Mapping[str, Found]) -> list[dict[str, Any]]:
    """Means over own tests of the encoders in the merge, and over the other data, as encoders are added."""
    rows = []
    for how in (METHOD, BASELINE, MEAN):
        for number in NUMBERS:
            one = arms[_name(how, number)]
            own = list(LEARNT)[:number]
            other = [name for name in one.values if name not in LEARNT]
            rows.append(
                {
                    "how": how,
                    "encoders": number,
                    "scale": one.rate,
                    "own": round(float(np.mean([one.values[n].mean() for n in own])), 4),
                    "other": round(float(np.mean([one.values[n].mean() for n in other])), 4),
                }
            )
    return rows


CLAIM = Claim(
    name="breadcrumbs",
    papers=(98,),
    statement="With a scale chosen for two encoders, sparse masks merge six better than task arithmetic does.",
    method="changes without their largest and smallest entries, added up",
    baseline="all changes added up",
    metric="nDCG@10 and Spearman's correlation, mean of the six tasks and six tests of other data",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("merging/methods/breadcrumbs.py", "maths/bands.py"),
)
