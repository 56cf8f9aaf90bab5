"""Slimmable widths with features kept equal across widths, from controllable multi-task architectures.

The paper trains shared encoders and task heads at several widths and adds a distillation that keeps features the same
whatever the width. Here one text encoder for two tasks is trained at several widths of its feed-forward parts, with
and without that distillation, and judged at each. There are no heads of tasks and no search for a user's budget.
"""

from __future__ import annotations

from claims.base import Claim, Context, Outcome
from claims.several_sizes import ROLES, learn, material, sized, study
from claims.study import Arm, outcome

__all__ = ["CLAIM"]

KEPT, FREE, PLAIN = "features kept equal", "losses alone", "plain"


def run(context: Context) -> Outcome:
    """Train in every way, from every start, with every seed."""
    from accord.compression.elastic import Slimmable
    from accord.core.types import View

    scale, mix = material(context)
    views = {f"width {width}": View(width=width) for width in scale.widths}
    sizes = [[None, None, width] for width in scale.widths]
    methods = {KEPT: Slimmable(sizes), FREE: Slimmable(sizes, invariance=0.0), PLAIN: None}

    def arm(name: str) -> Arm:
        return Arm(name=name, train=lambda model, cell: learn(model, mix, cell, scale.sizes.batch, methods[name]))

    found = study(
        context,
        scale,
        mix,
        [*(arm(name) for name in methods), Arm(name="as it is")],
        lambda made: sized(made, views),
        widths=list(scale.widths),
    ).run()
    return outcome(
        found,
        method=KEPT,
        baseline=FREE,
        further=[(KEPT, PLAIN), (FREE, PLAIN)],
        notes=[f"Inner units of feed-forward parts: {', '.join(map(str, scale.widths))}; the mean over them counts."],
    )


CLAIM = Claim(
    name="slimmable",
    papers=(161,),
    statement="Features kept equal across widths make the narrow forms of a slimmable encoder better.",
    method="losses at three widths and the distance of their vectors from the whole model's",
    baseline="losses at three widths alone",
    metric="nDCG@10 and Spearman's correlation, mean over three widths, two tasks and two tests of other data",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("compression/elastic/slimmable.py",),
)
