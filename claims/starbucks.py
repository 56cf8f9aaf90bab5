"""Starbucks: a fixed list of sizes in every step, beside sizes drawn at random and beside small models of their own.

The paper trains a two-dimensional Matryoshka model on a fixed list of pairs of layers and dimensions, from small to
large, and finds it better than pairs drawn at random, and as good as small models that are trained separately.

Judged here at every pair of the list. Decisive is the list against random pairs, with as many steps. Beside it: small
models cut from the same start and trained alone, each for as many steps as the elastic model had in all; and a model
trained at its whole size alone and cut afterwards.

Not tested: the pretraining of the same sizes by masked autoencoding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from claims.base import Claim, Context, Outcome
from claims.several_sizes import ROLES, learn, material, sized, study
from claims.study import Arm, Cell, outcome

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

FIXED, RANDOM, ALONE, PLAIN = "fixed sizes", "sizes drawn at random", "a model for each size", "cut afterwards"


def run(context: Context) -> Outcome:
    """Train in every way, from every start, with every seed."""
    from accord.compression.elastic import Matryoshka2d, Starbucks
    from accord.core.types import View

    scale, mix = material(context)
    views = {f"{layers}x{dim}": View(layers, dim) for layers, dim in scale.pairs}
    pairs = [list(pair) for pair in scale.pairs]
    methods = {FIXED: Starbucks(pairs), RANDOM: Matryoshka2d(pairs), PLAIN: None}

    def arm(name: str) -> Arm:
        return Arm(name=name, train=lambda model, cell: learn(model, mix, cell, scale.sizes.batch, methods[name]))

    def alone(model: TextEncoder, cell: Cell) -> tuple[dict[str, Any], Mapping[str, Any]]:
        made = {name: model.cut(view) for name, view in views.items()}
        facts = {name: learn(small, mix, cell, scale.sizes.batch)["tokens"] for name, small in made.items()}
        return made, {"tokens of each": facts}

    found = study(
        context,
        scale,
        mix,
        [*(arm(name) for name in methods), Arm(name=ALONE, make=alone), Arm(name="as it is")],
        lambda made: sized(made, views),
        pairs=pairs,
    ).run()
    return outcome(
        found,
        method=FIXED,
        baseline=RANDOM,
        further=[(FIXED, ALONE), (FIXED, PLAIN), (RANDOM, PLAIN), (FIXED, "as it is")],
        notes=[
            f"Sizes: {', '.join(views)} (layers x dimensions), beside the whole in training; the mean over them counts."
        ],
    )


CLAIM = Claim(
    name="starbucks",
    papers=(14,),
    statement="A fixed list of sizes in every step makes better small models than sizes drawn at random.",
    method="all pairs of layers and dimensions of a list in every step, drawn towards the whole model",
    baseline="one layer and one prefix drawn in each step (2DMSE)",
    metric="nDCG@10 and Spearman's correlation, mean over sizes, two tasks and two tests of other data",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("compression/elastic/starbucks.py", "compression/elastic/matryoshka_2d.py"),
)
