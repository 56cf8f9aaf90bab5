"""aTLAS: a coefficient for every task vector in every parameter block, learned on a few examples.

The paper composes what fine-tuned models know by learned coefficients, one for each task vector and block, and finds
them better than one for each task vector, most of all where examples are few.

Here six encoders are composed for three tasks that none of them has seen, with 64 examples each. The method has a
coefficient for each block, the baseline one for each encoder; both are learned by the same optimiser on the same
examples for as many steps and choose their learning rate by the examples held back. Beside them: the same encoder
fine-tuned on the examples, and the plain mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.data import parts_of, some_queries
from claims.judges import mean
from claims.mixture import HELD_OUT, ROLES, SCALES, Mixture, Sizes, experts, mixture, values
from claims.study import Arm, Cell, Study, outcome, together

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Pairs
    from accord.training import TrainingTask

__all__ = ["CLAIM"]

TARGETS = ("commands", "medicine", "functions")
SHOTS = 64
STEPS = 30
BY_BLOCK, BY_MODEL, TUNED = "by block", "by encoder", "fine-tuned"


def run(context: Context) -> Outcome:
    """Compose for each target, in every way, with every seed."""
    scale = SCALES[context.scale]
    mix = mixture(context, scale.sizes, held_out=TARGETS)
    shots = {name: _shots(context, mix, name) for name in TARGETS}

    def arm(how: str, target: str) -> Arm:
        return Arm(
            name=f"{how}, {target}",
            train=lambda model, cell: _adapt(context, mix, scale.sizes, model, cell, how, shots[target]["train"]),
            options={"how": how, "target": target},
            grid=(1e-4, 4e-4) if how == TUNED else (0.02, 0.08),
        )

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[
            *(arm(how, target) for how in (BY_BLOCK, BY_MODEL, TUNED) for target in TARGETS),
            Arm(name="mean", train=lambda model, cell: _mean(context, mix, scale.sizes, model, cell), grid=(1.0,)),
            Arm(name="as it is", train=None),
        ],
        dev=lambda model, arm: mean(values(model, _held_back(shots, arm))),
        test=lambda model, arm: values(model, _tests(mix, arm)),
        max_length=scale.sizes.max_length,
        shared={
            "sizes": asdict(scale.sizes),
            "steps": STEPS,
            "data": mix.fingerprints()
            | {f"{part} {n}": p.fingerprint() for n, of in shots.items() for part, p in of.items()},
        },
    )
    found = study.run()
    sides = {
        start: {
            how: together(how, {t: (arms[f"{how}, {t}"], t) for t in TARGETS}) for how in (BY_BLOCK, BY_MODEL, TUNED)
        }
        | {name: arms[name] for name in ("mean", "as it is")}
        for start, arms in found.items()
    }
    return outcome(
        sides,
        method=BY_BLOCK,
        baseline=BY_MODEL,
        further=[(BY_BLOCK, TUNED), (BY_BLOCK, "mean"), (BY_BLOCK, "as it is")],
        details={
            "rates": {
                start: {n: {**of.dev, "chosen": of.rate} for n, of in arms.items()} for start, arms in found.items()
            }
        },
        notes=[f"{SHOTS} examples of each new task; the paper has 1 to 16 a class of pictures."],
    )


def _shots(context: Context, mix: Mixture, name: str) -> dict[str, Pairs]:
    """Few examples of a new task to learn from, and as many held back to choose by; none of them in its test."""
    from accord.data import find_leaks

    whole = parts_of(context.data[name], HELD_OUT[name])
    leaks = find_leaks({name: {"train": whole["train"], "test": mix.held_out[name]}})
    clean = whole["train"].take(leaks.keep[name])
    some = some_queries(clean, 2 * SHOTS)
    rows = np.arange(min(len(some), 2 * SHOTS))
    return {"train": some.take(rows[::2]), "dev": some.take(rows[1::2])}


def _tests(mix: Mixture, arm: Arm) -> Mapping[str, Any]:
    return {n: mix.held_out[n] for n in ([arm.options["target"]] if "target" in arm.options else TARGETS)}


def _held_back(shots: Mapping[str, Mapping[str, Pairs]], arm: Arm) -> Mapping[str, Pairs]:
    return {n: shots[n]["dev"] for n in ([arm.options["target"]] if "target" in arm.options else TARGETS)}


def _task(pairs: Pairs) -> TrainingTask:
    from accord import InfoNCE
    from accord.training import TrainingTask

    return TrainingTask(name="few", signal=pairs, objective=InfoNCE(mask=("text", "label")))


def _adapt(
    context: Context, mix: Mixture, sizes: Sizes, model: TextEncoder, cell: Cell, how: str, pairs: Pairs
) -> Mapping[str, Any]:
    from accord.merging.learned import ATLAS
    from accord.recipes.merge.probe import Probe
    from accord.training import AdamW, Settings, train

    batch = min(sizes.batch, len(pairs))
    if how == TUNED:
        settings = Settings(steps=STEPS, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
        return {"steps": train(model, [_task(pairs)], settings).steps}
    base, own = dict(model.state_dict()), experts(context, mix, sizes, cell)
    probe = Probe(model, [_task(pairs)], examples=len(pairs), batch=batch, seed=cell.seed)
    blocks = "tensor" if how == BY_BLOCK else "model"
    learned = ATLAS(steps=STEPS, learning_rate=cell.rate, blocks=blocks).learn(base, own, probe.losses())
    model.load_state_dict(learned.weights(base, own))
    return {"steps": STEPS, "numbers": sum(len(row) for row in learned.coefficients.values())}


def _mean(context: Context, mix: Mixture, sizes: Sizes, model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
    from accord.merging import Linear, merge_state_dicts

    model.load_state_dict(merge_state_dicts(Linear(), experts(context, mix, sizes, cell)))
    return {}


CLAIM = Claim(
    name="atlas",
    papers=(26,),
    statement="A coefficient for each task vector and block, learned on 64 examples, serves a new task better than one "
    "for each task vector.",
    method="a coefficient for each task vector and parameter block",
    baseline="a coefficient for each task vector",
    metric="nDCG@10, mean of three new tasks",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("merging/learned/atlas.py",),
)
