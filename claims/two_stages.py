"""MahaSBERT's recipe: inference pairs first, graded similarity second.

The paper trains sentence encoders for Hindi and Marathi in two stages, contrastively on natural language inference and
then on similarity scores, and finds the two together better than either. Its data are machine translations; here
English sets stand in for them.

All arms get the same number of steps: half on each stage, or all on one. The two-stage arm is held against whichever
single stage is better on dev. Judged by similarity on two sets, one of which no arm trains on, and by a probe on
question classes, which are no translation of anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.data import labelled, scored, triplets
from claims.judges import label_values, mean, similarity_values
from claims.starts import Start
from claims.study import Arm, Cell, Found, Regime, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Labelled, Pairs, Scored, Signal
    from accord.training import TrainingTask

__all__ = ["CLAIM"]

S = TypeVar("S", bound="Signal")

ROLES = {
    "inference": Role(folder="snli_small", shape="triplets", what="premises with an entailed and a contradicting text"),
    "sts": Role(folder="stsb", shape="scored", what="sentence pairs with similarity scores, trained on"),
    "relatedness": Role(folder="sick", shape="scored", what="sentence pairs with relatedness scores, only judged by"),
    "classes": Role(folder="trec_qc", shape="labelled", what="questions and their classes, for a probe"),
}


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything; at most `pairs` of a test (dev: half)."""

    regimes: tuple[Regime, ...]
    batch: int
    pairs: int
    probe: int
    max_length: int


def _regimes(steps: int) -> tuple[Regime, ...]:
    return (Regime(start=Start(name="two layers", layers=2), steps=steps, rates=(1e-4, 4e-4)),)


SCALES = {
    "quick": Scale(regimes=_regimes(80), batch=32, pairs=600, probe=1_000, max_length=40),
    "full": Scale(regimes=_regimes(200), batch=32, pairs=1_400, probe=2_000, max_length=40),
}


@dataclass(frozen=True, kw_only=True)
class Material:
    """What is trained on and judged by."""

    inference: Pairs
    sts: Scored
    dev: Mapping[str, Scored]
    tests: Mapping[str, Scored]
    probe: tuple[Labelled, Labelled]


def run(context: Context) -> Outcome:
    """Train in two stages, and in each alone, from every start, with every seed."""
    scale = SCALES[context.scale]
    material = _material(context, scale)
    arms = {
        "inference, then similarity": ("inference", "sts"),
        "similarity alone": ("sts",),
        "inference alone": ("inference",),
    }

    def arm(name: str, stages: Sequence[str]) -> Arm:
        return Arm(name=name, train=lambda model, cell: _train(model, material, stages, cell, scale.batch))

    def test(model: TextEncoder, _: Arm) -> dict[str, list[float]]:
        return {**similarity_values(model, material.tests), **label_values(model, {"classes": material.probe})}

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[*(arm(name, stages) for name, stages in arms.items()), Arm(name="as it is", train=None)],
        dev=lambda model, _: mean(similarity_values(model, material.dev)),
        test=test,
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "data": {
                "inference": material.inference.fingerprint(),
                "sts": material.sts.fingerprint(),
                **{n: of.fingerprint() for n, of in material.tests.items()},
            },
        },
    )
    found = study.run()
    both, *single = arms
    better = max(single, key=lambda name: _dev(found, name))
    other = next(name for name in single if name != better)
    return outcome(
        found,
        method=both,
        baseline=better,
        further=[(both, other), (both, "as it is")],
        notes=[
            f"Of the two single stages, {better} is the better one on dev, and is the baseline.",
            "English sets stand in for machine translations into Hindi and Marathi.",
        ],
    )


def _dev(found: Mapping[str, Mapping[str, Found]], arm: str) -> float:
    return float(np.mean([max(arms[arm].dev.values()) for arms in found.values()]))


def _material(context: Context, scale: Scale) -> Material:
    from accord.data import find_leaks

    def part(role: str, name: str, most: int) -> Scored:
        return _some(scored(context.data[role], name), most, role)

    similar = ("sts", "relatedness")
    tests = {role: part(role, "test", scale.pairs) for role in similar}
    dev = {role: part(role, "dev", scale.pairs // 2) for role in similar}
    inference, sts = triplets(context.data["inference"]), scored(context.data["sts"], "train")
    held = {f"{role}, {name}": {"test": of[role]} for name, of in (("test", tests), ("dev", dev)) for role in similar}
    leaks = find_leaks({"inference": {"train": inference}, "sts": {"train": sts}, **held})
    folder = context.data["classes"]
    return Material(
        inference=inference.take(leaks.keep["inference"]),
        sts=sts.take(leaks.keep["sts"]),
        dev=dev,
        tests=tests,
        probe=(_some(labelled(folder, "train"), scale.probe, "probe"), labelled(folder, "test")),
    )


def _some(signal: S, most: int, name: str) -> S:
    from accord.core.random import numpy_generator

    return signal.take(np.sort(numpy_generator(0, "rows", name).permutation(len(signal))[:most]))


def _train(model: TextEncoder, material: Material, stages: Sequence[str], cell: Cell, batch: int) -> Mapping[str, Any]:
    """The stages one after another, each with a schedule of its own."""
    from accord.training import AdamW, Settings, train

    steps = tokens = 0
    for stage in stages:
        settings = Settings(
            steps=cell.regime.steps // len(stages), batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed
        )
        result = train(model, [_task(stage, material)], settings)
        steps, tokens = steps + result.steps, tokens + sum(result.tokens.values())
    return {"steps": steps, "tokens": tokens}


def _task(stage: str, material: Material) -> TrainingTask:
    from accord import InfoNCE
    from accord.objectives import CosineRegression
    from accord.training import TrainingTask

    if stage == "inference":
        return TrainingTask(name=stage, signal=material.inference, objective=InfoNCE())
    return TrainingTask(name=stage, signal=material.sts, objective=CosineRegression(top=5.0))


CLAIM = Claim(
    name="two_stages",
    papers=(69,),
    statement=(
        "An encoder trained on inference pairs and then on similarity scores is better than one trained on either for "
        "as many steps."
    ),
    method="half of the steps on inference triplets, then half on similarity scores",
    baseline="all steps on the better of the two",
    metric="Spearman's correlation on two sets and accuracy of a probe, mean",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("objectives/contrastive/info_nce.py", "objectives/regression/cosine_regression.py"),
)
