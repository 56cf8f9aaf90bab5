"""One model trained at several sizes on two tasks, and each of its sizes judged.

Claims about elastic models share the tasks, the training and the tests: similarity and code search are learned, and
relatedness and medical search are tests of other data. A size counts as much as any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Context
from claims.mixture import ROLES, Mixture, Sizes, mixture, training_task, values
from claims.starts import Start
from claims.study import Arm, Cell, Regime, Study

if TYPE_CHECKING:
    from collections.abc import Callable

    from accord import TextEncoder
    from accord.compression.elastic import Elastic
    from accord.core.types import Encodes, View

__all__ = ["HELD_OUT", "LEARNT", "ROLES", "SCALES", "FirstDims", "Scale", "learn", "material", "sized", "study"]

LEARNT = ("similarity", "code")
HELD_OUT = ("relatedness", "medicine")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything.

    Args:
        regimes: steps of one task, and the learning rates.
        pairs: (layers, dimensions) of the sizes, from large to small.
        dims: prefixes of vectors, from large to small.
        widths: inner units of feed-forward parts, from large to small.
    """

    regimes: tuple[Regime, ...]
    sizes: Sizes
    pairs: tuple[tuple[int, int], ...]
    dims: tuple[int, ...] = (256, 128, 64, 32)
    widths: tuple[int, ...] = (1024, 512, 256)


_WHOLE = Sizes(batch=32, steps=30, queries=150, documents=400, pairs=1_000, rates=(5e-5, 2e-4, 8e-4), max_length=64)
SCALES = {
    "quick": Scale(
        regimes=(Regime(start=Start(name="four layers", layers=4), steps=15, rates=(1e-4, 4e-4)),),
        sizes=replace(_WHOLE, steps=15, queries=60, documents=200, pairs=400),
        pairs=((3, 256), (2, 128), (1, 64)),
    ),
    "full": Scale(
        regimes=(Regime(start=Start(name="packaged"), steps=40, rates=(1e-4, 4e-4)),),
        sizes=replace(_WHOLE, steps=40),
        pairs=((5, 320), (4, 256), (3, 128), (2, 64)),
    ),
}


class FirstDims:
    """The first dimensions of another encoder's vectors, with unit length again.

    Args:
        model: that encodes.
        dim: how many.
        turn: (whole, whole) applied before the cut; none when not given.
        mean: (whole,) taken off before that.
    """

    def __init__(
        self, model: Encodes, dim: int, *, turn: np.ndarray | None = None, mean: np.ndarray | None = None
    ) -> None:
        self.model = model
        self.dim = dim
        self.turn = turn
        self.mean = mean

    def encode_query(self, texts: Sequence[str], **options: Any) -> np.ndarray:
        """Rows for queries."""
        return self._first(self.model.encode_query(texts, **options))

    def encode_document(self, texts: Sequence[str], **options: Any) -> np.ndarray:
        """Rows for documents."""
        return self._first(self.model.encode_document(texts, **options))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Rows for texts in no role."""
        return self.encode_query(texts)

    def _first(self, vectors: np.ndarray) -> np.ndarray:
        if self.mean is not None:
            vectors = vectors - self.mean
        found = (vectors if self.turn is None else vectors @ self.turn)[:, : self.dim]
        return (found / np.linalg.norm(found, axis=1, keepdims=True).clip(1e-12)).astype(np.float32)


def material(context: Context) -> tuple[Scale, Mixture]:
    """The scale, and the tasks of it."""
    scale = SCALES[context.scale]
    return scale, mixture(context, scale.sizes, learnt=LEARNT, held_out=HELD_OUT)


def learn(model: TextEncoder, mix: Mixture, cell: Cell, batch: int, method: Elastic | None = None) -> Mapping[str, Any]:
    """Train in place on both tasks, `cell.regime.steps` steps for each, at the sizes of `method` or as a whole."""
    from accord.training import AdamW, Settings, train

    tasks = [training_task(mix, name) for name in LEARNT]
    if method is not None:
        tasks = [replace(task, objective=method.of(task.objective)) for task in tasks]
    steps = cell.regime.steps * len(tasks)
    result = train(model, tasks, Settings(steps=steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed))
    return {"steps": result.steps, "tokens": sum(result.tokens.values())}


def sized(model: Any, views: Mapping[str, View]) -> dict[str, Any]:
    """The sizes of a model, by name, each text encoded once for all that differ in dimensions alone.

    Args:
        model: trained; or models by the names of the sizes, which are given back.
        views: sizes by name.
    """
    if isinstance(model, Mapping):
        return dict(model)
    from accord.evaluation.encoding import CachedEncoder
    from accord.recipes.evaluate import AtPrecision

    whole: dict[Any, Any] = {}
    found = {}
    for name, view in views.items():
        depth = replace(view, dim=None)
        if depth not in whole:
            whole[depth] = CachedEncoder(AtPrecision(model.cut(depth), "auto"))
        found[name] = whole[depth] if view.dim is None else FirstDims(whole[depth], view.dim)
    return found


def study(
    context: Context,
    scale: Scale,
    mix: Mixture,
    arms: Sequence[Arm],
    sizes: Callable[[Any], Mapping[str, Any]],
    **shared: Any,
) -> Study:
    """A study of which every size counts alike.

    Args:
        context: of the claim.
        scale: how much.
        mix: the tasks.
        arms: sides.
        sizes: from what an arm made to what is judged, by name.
        shared: further plain values that decide the results.
    """

    def judged(made: Any, tests: Mapping[str, Any]) -> dict[str, list[float]]:
        every = {size: values(model, tests) for size, model in sizes(made).items()}
        return {f"{task} at {size}": of[task] for size, of in every.items() for task in of}

    return Study(
        context=context,
        regimes=scale.regimes,
        arms=arms,
        dev=lambda made, _: float(np.mean([np.mean(of) for of in judged(made, mix.dev).values()])),
        test=lambda made, _: judged(made, {**mix.own, **mix.held_out}),
        max_length=scale.sizes.max_length,
        shared={"sizes": asdict(scale.sizes), "data": mix.fingerprints(), **shared},
    )
