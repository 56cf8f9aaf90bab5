"""TransKD carried from segmentation to texts: layers and token embeddings beside vectors alone.

The paper distils a transformer's feature maps and patch embeddings into a compact one, through modules that bridge
unequal widths, and finds both together best.

Here a student of two layers, as wide as its teacher, learns on the same texts for as many steps: vectors alone, or
vectors with token embeddings and layers. Not tested: a narrower student and the modules that bridge to it.
"""

from __future__ import annotations

from torch import nn

from claims.base import Claim, Context, Outcome
from claims.students import ROLES, VectorsAlone, learn, material, study, texts_of_all, whole
from claims.study import Arm, outcome

__all__ = ["CLAIM"]

ALL, ALONE, LAYERS, TABLE = "vectors, layers and embeddings", "vectors alone", "vectors and layers", "layers alone"


def run(context: Context) -> Outcome:
    """Distil in every way, with every seed."""
    from accord.objectives import FeatureAlignment

    scale, mix = material(context)
    texts = texts_of_all(mix, scale.texts)
    teacher = whole(context, scale)
    objectives: dict[str, nn.Module] = {
        ALL: FeatureAlignment(outputs=1.0),
        ALONE: VectorsAlone(),
        LAYERS: FeatureAlignment(table=0.0, outputs=1.0),
        TABLE: FeatureAlignment(table=0.0),
    }

    def arm(name: str) -> Arm:
        return Arm(
            name=name,
            train=lambda model, cell: learn(model, teacher, texts, objectives[name], cell, scale.sizes.batch),
        )

    return outcome(
        study(context, scale, mix, [*(arm(name) for name in objectives), Arm(name="as it is")]).run(),
        method=ALL,
        baseline=ALONE,
        further=[(LAYERS, ALONE), (TABLE, ALONE), (ALONE, "as it is"), (ALL, "as it is")],
        notes=[f"{len(texts)} texts; the student is as wide as the teacher, and its first layers are the teacher's."],
    )


CLAIM = Claim(
    name="feature_alignment",
    papers=(238,),
    statement="A student of two layers that also learns layers and token embeddings is better than by vectors alone.",
    method="the teacher's vectors, its layers and its token embeddings",
    baseline="the teacher's vectors, on the same texts for as many steps",
    metric="nDCG@10 and Spearman's correlation, mean of three tasks and three tests of other data",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("objectives/distillation/feature_alignment.py",),
)
