"""Dimensions in order of importance by nested dropout, the ordering that NeTI gives its mapper.

The paper drops the hidden units of a small network behind a random place in training, so that the network can be
truncated afterwards at any. Only that ordering is tested, on the dimensions of a text encoder's vectors.

The baseline is what needs no special training: principal components, fitted on training texts, of an encoder that
was trained plainly for as many steps. Beside them: Matryoshka training, and plain vectors cut as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.mixture import Mixture
from claims.several_sizes import LEARNT, ROLES, FirstDims, learn, material, sized, study
from claims.study import Arm, Cell, outcome

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

NESTED, TURNED, PREFIXES, PLAIN = "nested dropout", "principal components", "Matryoshka", "plain"
TEXTS = 2_000
"""Of the train rows, for principal components."""


def run(context: Context) -> Outcome:
    """Train in every way, from every start, with every seed."""
    from accord.compression.elastic import Matryoshka, NestedDropout
    from accord.core.types import View

    scale, mix = material(context)
    dims = list(scale.dims)
    views = {f"{dim}": View(dim=dim) for dim in dims}
    methods = {NESTED: NestedDropout(dims), PREFIXES: Matryoshka(dims), PLAIN: None}

    def arm(name: str) -> Arm:
        return Arm(name=name, train=lambda model, cell: learn(model, mix, cell, scale.sizes.batch, methods[name]))

    def turned(model: TextEncoder, cell: Cell) -> tuple[dict[str, Any], Mapping[str, Any]]:
        facts = learn(model, mix, cell, scale.sizes.batch)
        whole = sized(model, {"whole": View()})["whole"]
        axes, mean = _axes(whole.encode(_texts(mix)))
        return {name: FirstDims(whole, dim, turn=axes, mean=mean) for name, dim in zip(views, dims)}, facts

    found = study(
        context,
        scale,
        mix,
        [*(arm(name) for name in methods), Arm(name=TURNED, make=turned), Arm(name="as it is")],
        lambda made: sized(made, views),
        dims=dims,
    ).run()
    return outcome(
        found,
        method=NESTED,
        baseline=TURNED,
        further=[(NESTED, PREFIXES), (NESTED, PLAIN), (PREFIXES, TURNED), (PREFIXES, PLAIN)],
        notes=[f"Cut to {', '.join(views)} dimensions; the mean over them counts."],
    )


def _texts(mix: Mixture) -> list[str]:
    """Some train texts of each task, the same in every run."""
    found: list[str] = []
    for name in LEARNT:
        signal = mix.train[name]
        found += [text for column in signal.text_columns for text in signal.column(column)[: TEXTS // 4]]
    return list(dict.fromkeys(found))


def _axes(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal directions as columns, those of most variance first, and the mean."""
    mean = vectors.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((vectors - mean).T.astype(np.float64)))
    return axes[:, ::-1].astype(np.float32), mean


CLAIM = Claim(
    name="nested_dropout",
    papers=(220,),
    statement="Vectors ordered by nested dropout lose less by truncation than principal components of plain ones.",
    method="in half of the steps, dimensions behind a random place are dropped",
    baseline="principal components of a plainly trained encoder",
    metric="nDCG@10 and Spearman's correlation, mean over four lengths, two tasks and two tests of other data",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("compression/elastic/nested_dropout.py",),
)
