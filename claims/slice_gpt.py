"""SliceGPT on a post-norm text encoder: principal axes beside the largest coordinates, before any recovery.

The paper turns hidden states into principal axes, deletes the last of them, and keeps nearly all of a language model's
quality with a quarter of its parameters gone.

Here the packaged encoder is sliced by a tenth, a fifth and three tenths, calibrated on train texts, and judged on
similarity and search. Decisive: principal axes against the coordinates that are largest on the same texts. Beside
them random directions, the narrower plain BERT that accord can also make, and the whole model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from claims.base import Claim, Context, Outcome
from claims.several_sizes import ROLES, material, study
from claims.starts import Start
from claims.students import texts_of_all
from claims.study import Arm, Cell, Regime, outcome

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

AXES, LARGEST, RANDOM, NARROW, WHOLE = "principal axes", "largest coordinates", "random directions", "plain", "whole"
BASES = {AXES: "principal", LARGEST: "magnitude", RANDOM: "random"}
SHARES = (0.1, 0.2, 0.3)
TEXTS = 300
"""Of each task, to calibrate on; another draw for each seed."""


def run(context: Context) -> Outcome:
    """Slice in every way, with every seed."""
    from dataclasses import replace

    scale, mix = material(context)
    scale = replace(scale, regimes=(Regime(start=Start(name="packaged"), steps=1, rates=(1.0,)),))

    def arm(name: str) -> Arm:
        def make(model: TextEncoder, cell: Cell) -> tuple[dict[str, Any], Mapping[str, Any]]:
            return _sliced(model, cell, name, texts_of_all(mix, TEXTS, seed=cell.seed))

        return Arm(name=name, make=make, grid=(1.0,))

    found = study(
        context,
        scale,
        mix,
        [arm(name) for name in (AXES, LARGEST, RANDOM, NARROW, WHOLE)],
        lambda made: made,
        shares=SHARES,
    ).run()
    return outcome(
        found,
        method=AXES,
        baseline=LARGEST,
        further=[(AXES, RANDOM), (AXES, NARROW), (AXES, WHOLE), (NARROW, WHOLE)],
        notes=["Before any training; shares of the hidden size: " + ", ".join(f"{s:.0%}" for s in SHARES) + "."],
    )


def _sliced(model: TextEncoder, cell: Cell, how: str, texts: list[str]) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Encoders by share, and how many parameters each has."""
    from accord.compression.prune import Narrow, SliceGPT

    made: dict[str, Any] = {}
    for share in SHARES:
        if how == WHOLE:
            made[f"{share:.0%}"] = model
            continue
        way = Narrow(share) if how == NARROW else SliceGPT(share, basis=BASES[how], seed=cell.seed)
        made[f"{share:.0%}"] = way.prune(model, texts).encoder
    return made, {"parameters": {name: sum(p.numel() for p in one.parameters()) for name, one in made.items()}}


CLAIM = Claim(
    name="slice_gpt",
    papers=(51,),
    statement="An encoder sliced along principal axes is better than one cut to its largest coordinates.",
    method="hidden states turned into principal axes, the last ones deleted",
    baseline="the coordinates that are largest on the same texts",
    metric="nDCG@10 and Spearman's correlation, mean over three shares and four tests",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("compression/prune/slice_gpt.py",),
)
