"""2DMSE: train a shallower layer and a shorter prefix in each step, beside prefixes of the last layer alone.

The paper finds that a model trained so can be cut in layers and dimensions with little loss, where Matryoshka
training, which looks at the last layer only, cannot be cut in layers.

Judged here on a grid of layers and dimensions, the whole model among its cells, with as many steps for each way.
"""

from __future__ import annotations

from claims.base import Claim, Context, Outcome
from claims.several_sizes import ROLES, learn, material, sized, study
from claims.study import Arm, outcome

__all__ = ["CLAIM"]

BOTH, PREFIXES, PLAIN = "layers and dimensions", "dimensions alone", "plain"


def run(context: Context) -> Outcome:
    """Train in every way, from every start, with every seed."""
    from accord.compression.elastic import Matryoshka, Matryoshka2d
    from accord.core.types import View

    scale, mix = material(context)
    layers, dims = sorted({layer for layer, _ in scale.pairs}), scale.dims[:3]
    views = {f"{layer}x{dim}": View(layer, dim) for layer in layers for dim in dims}
    views |= {f"all x{dim}": View(None, dim) for dim in dims} | {"whole": View()}
    methods = {
        BOTH: Matryoshka2d([list(pair) for pair in scale.pairs], dims=list(dims)),
        PREFIXES: Matryoshka(list(dims)),
        PLAIN: None,
    }

    def arm(name: str) -> Arm:
        return Arm(name=name, train=lambda model, cell: learn(model, mix, cell, scale.sizes.batch, methods[name]))

    found = study(
        context,
        scale,
        mix,
        [*(arm(name) for name in methods), Arm(name="as it is")],
        lambda made: sized(made, views),
        views=list(views),
    ).run()
    whole = {
        start: {
            name: {task: float(of.mean()) for task, of in one.values.items() if task.endswith("whole")}
            for name, one in arms.items()
        }
        for start, arms in found.items()
    }
    return outcome(
        found,
        method=BOTH,
        baseline=PREFIXES,
        further=[(BOTH, PLAIN), (PREFIXES, PLAIN), (BOTH, "as it is")],
        details={"the whole model": whole},
        notes=[f"Every cell of {len(views)} counts alike: {', '.join(views)} (layers x dimensions)."],
    )


CLAIM = Claim(
    name="matryoshka_2d",
    papers=(22,),
    statement=(
        "A model trained at a shallower layer and a shorter prefix in each step can be cut in layers and dimensions "
        "with less loss than one trained at prefixes alone."
    ),
    method="one layer and one prefix drawn in each step, drawn towards the whole model",
    baseline="prefixes of the last layer (Matryoshka)",
    metric="nDCG@10 and Spearman's correlation, mean over a grid of sizes, two tasks and two tests of other data",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("compression/elastic/matryoshka_2d.py", "compression/elastic/matryoshka.py"),
)
