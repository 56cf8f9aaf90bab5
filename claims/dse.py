"""DSE: two towers that learn a cross-encoder's scores, beside towers that learn the gold scores.

The paper distils a cross-attention scorer of pairs into two vectors and a small head, with little loss and orders of
magnitude faster.

Here a cross-encoder is trained on similarity scores, and scores the same pairs. A student of two layers then learns,
for as many steps, those scores or the gold ones, by its cosines; beside them, through the paper's head, which is judged
by its cosines as well. Judged on unseen pairs of the same set and on another.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.judges import mean
from claims.mixture import ROLES as EVERY
from claims.mixture import Mixture, mixture, values
from claims.students import SCALES, Scale, settings_of
from claims.study import Arm, Cell, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

ROLES = EVERY
TAUGHT, GOLD, HEAD = "a cross-encoder's scores", "gold scores", "through a head"
TOP = 5.0
"""The largest gold score."""
TEACHER_RATE, TEACHER_STEPS = 1e-4, {"quick": 80, "full": 400}


def run(context: Context) -> Outcome:
    """Train a cross-encoder, then students by its scores and by gold ones."""
    scale = SCALES[context.scale]
    mix = mixture(context, scale.sizes, learnt=("similarity",), held_out=("relatedness",))

    def taught(model: TextEncoder, cell: Cell, *, head: bool) -> Mapping[str, Any]:
        from accord.objectives import PairHead
        from accord.recipes.distil.pairs import distil_pairs

        rows = mix.train["similarity"]
        couples = list(zip(rows.column("text1"), rows.column("text2")))
        objective = PairHead(dim=model.dim, cosine=1.0) if head else PairHead()
        teacher = _teacher(context, mix, scale, cell.seed)
        settings = settings_of(cell, scale.sizes.batch)
        found = distil_pairs(teacher, model, couples, objective=objective, settings=settings)
        return {"steps": found.result.steps}

    def gold(model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
        from accord.objectives import CosineRegression
        from accord.training import TrainingTask, train

        task = TrainingTask(name="gold", signal=mix.train["similarity"], objective=CosineRegression(top=TOP))
        return {"steps": train(model, [task], settings_of(cell, scale.sizes.batch)).steps}

    found = Study(
        context=context,
        regimes=scale.regimes,
        arms=[
            Arm(name=TAUGHT, train=lambda model, cell: taught(model, cell, head=False)),
            Arm(name=GOLD, train=gold),
            Arm(name=HEAD, train=lambda model, cell: taught(model, cell, head=True)),
            Arm(name="as it is"),
        ],
        dev=lambda model, _: mean(values(model, mix.dev)),
        test=lambda model, _: values(model, {**mix.own, **mix.held_out}),
        max_length=scale.sizes.max_length,
        shared={"data": mix.fingerprints(), "teacher": [TEACHER_RATE, TEACHER_STEPS[context.scale]]},
    ).run()
    return outcome(
        found,
        method=TAUGHT,
        baseline=GOLD,
        further=[(HEAD, GOLD), (HEAD, TAUGHT), (TAUGHT, "as it is")],
        details={"the cross-encoder itself": _own(context, mix, scale)},
        notes=["All arms see the same pairs for as many steps; the cross-encoder costs its own training besides."],
    )


def _teacher(context: Context, mix: Mixture, scale: Scale, seed: int) -> Any:
    """A cross-encoder trained on the gold scores; made once for each seed."""
    from accord.core.storage import hash_json
    from accord.data import Scored
    from accord.encoders import pairs
    from accord.objectives import BinaryCrossEntropy
    from accord.training import AdamW, Settings, TrainingTask, train

    rows = mix.train["similarity"]
    steps, length = TEACHER_STEPS[context.scale], 2 * scale.sizes.max_length
    key = hash_json([context.model, rows.fingerprint(), steps, TEACHER_RATE, scale.sizes.batch, seed])[:24]
    made: Path = context.cache.parent / "cross-encoders" / key
    if not made.is_dir():
        model = pairs.create(context.model, max_length=length, seed=seed)
        signal = Scored.of(
            {
                "text1": rows.column("text1"),
                "text2": rows.column("text2"),
                "score": [float(score) / TOP for score in rows.column("score")],
            }
        )
        task = TrainingTask(name="pairs", signal=signal, objective=BinaryCrossEntropy())
        settings = Settings(steps=steps, batch=scale.sizes.batch, optimizer=AdamW(lr=TEACHER_RATE), seed=seed)
        train(model, [task], settings)
        model.save(made)
    return pairs.load(str(made))


def _own(context: Context, mix: Mixture, scale: Scale) -> dict[str, float]:
    """Spearman's correlation of the teacher's own scores, with the first seed."""
    from accord.maths.correlation import spearman

    teacher = _teacher(context, mix, scale, context.seeds[0])
    found = {}
    for name, rows in {**mix.own, **mix.held_out}.items():
        scores = teacher.score(list(rows.column("text1")), list(rows.column("text2")))
        found[name] = round(float(spearman(scores, np.asarray(rows.column("score"), dtype=float))), 4)
    return found


CLAIM = Claim(
    name="dse",
    papers=(19,),
    statement="Two towers that learn a cross-encoder's scores judge similarity better than by the gold scores.",
    method="cosines drawn to a trained cross-encoder's scores",
    baseline="cosines drawn to the gold scores of the same pairs",
    metric="Spearman's correlation, mean of two sets",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("recipes/distil/pairs.py", "objectives/distillation/pair_head.py"),
)
