"""JaColBERTv2.5, its averaging: a model tuned to one domain, averaged with what it was tuned from.

The paper tunes a retriever further on one collection, and averages the result with the model from before: it keeps what
was gained there and most of what the earlier model knew elsewhere.

Here encoders are tuned to one kind of task each. The method is the point halfway between the tuned encoder and its
start, with nothing to choose; the baseline is the tuned encoder. Both are judged on the task itself and on three tests
of other kinds, and the two count equally. The curve between start and tuned encoder is reported.

Not tested: late interaction, and the paper's distillation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.mixture import ROLES, SCALES, Mixture, Sizes, expert, mixture, values
from claims.paired import compare
from claims.study import Arm, Cell, Found, Study, outcome, row, together

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

TUNED = ("code", "evidence", "intents")
OTHER = ("relatedness", "simple", "other languages")
CURVE = (0.25, 0.5, 0.75, 1.0)
HALFWAY, TUNED_ALONE = "halfway", "tuned"


def run(context: Context) -> Outcome:
    """Encoders of each task, and the points on their way there, with every seed."""
    scale = SCALES[context.scale]
    mix = mixture(context, scale.sizes, learnt=TUNED, held_out=OTHER)

    def arm(task: str, share: float) -> Arm:
        return Arm(
            name=_name(task, share),
            train=lambda model, cell: _move(context, mix, scale.sizes, model, cell, task, share),
            options={"task": task, "share": share},
            grid=(1.0,),
        )

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[*(arm(task, share) for task in TUNED for share in CURVE), Arm(name="as it is", train=None)],
        dev=lambda *_: 0.0,
        test=lambda model, arm: values(model, _tests(mix, arm)),
        max_length=scale.sizes.max_length,
        shared={"sizes": asdict(scale.sizes), "data": mix.fingerprints()},
    )
    found = study.run()
    sides = {start: {**arms, **{s.arm: s for s in _sides(arms)}} for start, arms in found.items()}
    return outcome(
        {start: {name: of[name] for name in (HALFWAY, TUNED_ALONE)} for start, of in sides.items()},
        method=HALFWAY,
        baseline=TUNED_ALONE,
        details={"curve": {start: _curve(arms) for start, arms in found.items()}, "parts": _parts(sides)},
        notes=["The averaging alone, on encoders with one vector a text: no late interaction, no distillation."],
    )


def _name(task: str, share: float) -> str:
    return f"{task}, {share:g} of the way"


def _tests(mix: Mixture, arm: Arm) -> Mapping[str, Any]:
    own = [arm.options["task"]] if "task" in arm.options else list(TUNED)
    return {**{name: mix.own[name] for name in own}, **mix.held_out}


def _move(
    context: Context, mix: Mixture, sizes: Sizes, model: TextEncoder, cell: Cell, task: str, share: float
) -> Mapping[str, Any]:
    from accord.merging import Linear, merge_state_dicts

    tuned = expert(context, mix, sizes, task, cell)
    model.load_state_dict(merge_state_dicts(Linear([1 - share, share]), [model.state_dict(), tuned]))
    return {"steps": sizes.steps}


def _sides(arms: Mapping[str, Found]) -> list[Found]:
    """Halfway and whole: each task by its own encoder, each other test by the mean over the encoders."""
    found = []
    for name, share in ((HALFWAY, 0.5), (TUNED_ALONE, 1.0)):
        of = {task: arms[_name(task, share)] for task in TUNED}
        side = together(name, {f"own: {task}": (one, task) for task, one in of.items()})
        other = {f"other: {test}": np.mean([one.values[test] for one in of.values()], axis=0) for test in OTHER}
        found.append(Found(**{**vars(side), "values": {**side.values, **other}}))
    return found


def _curve(arms: Mapping[str, Found]) -> list[dict[str, Any]]:
    """Means of both kinds of test along the way."""
    rows = []
    for task in TUNED:
        points = [(0.0, arms["as it is"]), *((share, arms[_name(task, share)]) for share in CURVE)]
        for share, one in points:
            other = float(np.mean([one.values[test].mean() for test in OTHER]))
            own = float(one.values[task].mean())
            rows.append({"task": task, "share": share, "own": round(own, 4), "other": round(other, 4)})
    return rows


def _parts(sides: Mapping[str, Mapping[str, Found]]) -> Mapping[str, Any]:
    """The comparison on the tasks themselves, and on other data."""

    def side(name: str, kind: str) -> dict[str, np.ndarray]:
        first = next(iter(sides.values()))[name].values
        return {t: np.mean([of[name].values[t] for of in sides.values()], axis=0) for t in first if t.startswith(kind)}

    return {kind: row(compare(side(HALFWAY, kind), side(TUNED_ALONE, kind))) for kind in ("own", "other")}


CLAIM = Claim(
    name="checkpoint_average",
    papers=(136,),
    statement=(
        "Halfway between an encoder tuned to one task and its start is better, over that task and other data together, "
        "than the tuned encoder."
    ),
    method="the mean of the tuned weights and those from before",
    baseline="the tuned encoder",
    metric="nDCG@10 and Spearman's correlation; mean of own tasks and other data, with equal weight",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("merging/methods/linear.py",),
)
