"""Dynamic logits fusion, carried over to search: small tuned encoders shift the scores of a large untuned one.

The paper adds to a large language model what tuning changed in the outputs of small ones, with weights that are solved
anew at every step so that the large model moves as far as the small ones did. It comes near to tuning the large model,
and beats weights that stay the same.

Here the candidates of a query stand in for tokens. The packaged encoder is the large one; its first two layers, tuned
on five tasks one by one, are the small ones. The method solves the weights for each query; the baseline adds the mean
shift times a scale that is chosen on dev. Beside them: the large encoder as it is, and each task's own small encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.judges import mean
from claims.mixture import ROLES, SCALES, Sizes, experts, mixture, values
from claims.starts import Start
from claims.study import Arm, Cell, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Pairs

__all__ = ["CLAIM", "Shifted"]

TASKS = ("intents", "evidence", "code", "paraphrase", "translation")
METHOD, BASELINE = "weights of each query", "one scale"
GRID = (0.5, 1.0, 2.0)
TEMPERATURE = 0.05

Weigh = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(queries, docs) scores of the large encoder, (experts, queries, docs) of tuned and untuned small ones -> weights."""


@dataclass(frozen=True)
class Fusion:
    """A large encoder and the shifts of small ones.

    Args:
        large: not tuned.
        small: the small encoder before tuning.
        tuned: the same after it, one a task.
        weigh: gives (queries, experts) weights.
    """

    large: TextEncoder
    small: TextEncoder
    tuned: Sequence[TextEncoder]
    weigh: Weigh

    def over(self, test: Pairs) -> Shifted:
        """For the documents of one test."""
        further = [] if test.corpus is None else test.corpus.column("text").to_pylist()
        return Shifted(self, list(dict.fromkeys([*test.column("positive"), *further])))


class Shifted:
    """The fusion over some documents, as vectors whose dot product is the fused score.

    Args:
        fusion: of encoders.
        documents: that are searched.
    """

    similarity_name = "dot"

    def __init__(self, fusion: Fusion, documents: Sequence[str]) -> None:
        self.encoders = [fusion.large, fusion.small, *fusion.tuned]
        self.weigh = fusion.weigh
        self.documents = [_unit(encoder.encode_document(list(documents))) for encoder in self.encoders]
        self.place = {text: number for number, text in enumerate(documents)}

    def encode_document(self, texts: Sequence[str], **_: object) -> np.ndarray:
        """Vectors of all encoders side by side, (n, dims)."""
        rows = [self.place[text] for text in texts]
        return np.concatenate([vectors[rows] for vectors in self.documents], axis=1)

    def encode_query(self, texts: Sequence[str], **_: object) -> np.ndarray:
        """Vectors of all encoders side by side, each times its weight for the query, (n, dims)."""
        large, small, *tuned = (_unit(encoder.encode_query(list(texts))) for encoder in self.encoders)
        scores = [q @ d.T for q, d in zip((large, small, *tuned), self.documents)]
        untuned = np.repeat(scores[1][None], len(tuned), axis=0)
        weights = self.weigh(scores[0], np.stack(scores[2:]), untuned).astype(np.float32)
        shifts = [weights[:, [k]] * vectors for k, vectors in enumerate(tuned)]
        return np.concatenate([large, -weights.sum(axis=1, keepdims=True) * small, *shifts], axis=1)


def run(context: Context) -> Outcome:
    """Fuse with weights of both kinds, with every seed."""
    scale = SCALES[context.scale]
    mix, sizes = mixture(context, scale.sizes, learnt=TASKS), scale.sizes

    def fuse(model: TextEncoder, cell: Cell, weigh: Weigh) -> tuple[Fusion, Mapping[str, Any]]:
        tuned = [_with(model, weights) for weights in experts(context, mix, sizes, cell, TASKS)]
        return Fusion(_large(context, sizes), model, tuned, weigh), {}

    def small(model: TextEncoder, cell: Cell) -> tuple[dict[str, TextEncoder], Mapping[str, Any]]:
        own = zip(TASKS, experts(context, mix, sizes, cell, TASKS))
        return {name: _with(model, weights) for name, weights in own}, {}

    study = Study(
        context=context,
        regimes=[replace(scale.regimes[0], start=Start(name="two layers", layers=2))],
        arms=[
            Arm(name=METHOD, make=lambda model, cell: fuse(model, cell, _solved), grid=(1.0,)),
            Arm(name=BASELINE, make=lambda model, cell: fuse(model, cell, partial(_alike, cell.rate)), grid=GRID),
            Arm(name="own small encoder", make=small, grid=(1.0,)),
            Arm(name="large as it is", make=lambda *_: (_large(context, sizes), {}), grid=(1.0,)),
        ],
        dev=lambda judged, _: mean(_values(judged, mix.dev)),
        test=lambda judged, _: _values(judged, mix.own),
        max_length=sizes.max_length,
        shared={"sizes": asdict(sizes), "temperature": TEMPERATURE, "data": mix.fingerprints()},
    )
    return outcome(
        study.run(),
        method=METHOD,
        baseline=BASELINE,
        further=[(METHOD, "large as it is"), (METHOD, "own small encoder"), (BASELINE, "large as it is")],
        notes=["Candidates of a query stand in for tokens of a decoding step; the large encoder is never tuned."],
    )


def _values(judged: Any, tests: Mapping[str, Any]) -> dict[str, list[float]]:
    """Of a fusion, of an encoder a task, or of one for all."""
    found = {}
    for name, test in tests.items():
        one = judged.over(test) if isinstance(judged, Fusion) else judged
        found |= values(one[name] if isinstance(one, dict) else one, {name: test})
    return found


def _solved(base: np.ndarray, tuned: np.ndarray, untuned: np.ndarray) -> np.ndarray:
    from accord.retrieval.fusion import dynamic_weights

    return dynamic_weights(base, tuned, untuned, temperature=TEMPERATURE)


def _alike(scale: float, base: np.ndarray, tuned: np.ndarray, untuned: np.ndarray) -> np.ndarray:
    """The scale shared equally, for every query."""
    del untuned
    return np.full((len(base), len(tuned)), scale / len(tuned))


def _large(context: Context, sizes: Sizes) -> TextEncoder:
    whole = Start(name="packaged")
    return whole.load(context.model, context.cache, device=context.device, max_length=sizes.max_length)


def _with(model: TextEncoder, weights: Mapping[str, Any]) -> TextEncoder:
    changed = deepcopy(model)
    changed.load_state_dict(dict(weights))
    return changed


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)


CLAIM = Claim(
    name="weak_to_strong",
    papers=(169,),
    statement=(
        "Score shifts of small tuned encoders help a large untuned one more with weights solved for each query than "
        "with one scale for all."
    ),
    method="shifts with weights solved for each query",
    baseline="the mean shift times a scale chosen on dev",
    metric="nDCG@10, mean of five tasks",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("retrieval/fusion/dynamic_shift.py", "maths/score_shifts.py"),
)
