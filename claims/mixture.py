"""Tasks of several kinds to learn, an expert for each, and tests of data that none of them has seen.

Claims about conflict, balancing and merging share these tasks and, by way of the cache, the experts: encoders that were
trained on one task alone. What a claim compares is decided by the tests held out, never by data that chose anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Context, Role
from claims.data import cut_down, parts_of, scored
from claims.judges import mean, search_values, similarity_values
from claims.starts import Start
from claims.study import Cell, Regime

if TYPE_CHECKING:
    from torch import Tensor

    from accord import TextEncoder
    from accord.data import Pairs, Scored
    from accord.training import TrainingResult, TrainingTask

__all__ = [
    "HELD_OUT",
    "LEARNT",
    "ROLES",
    "SCALES",
    "Mixture",
    "Scale",
    "Sizes",
    "expert",
    "experts",
    "mixture",
    "train_on",
    "training_task",
    "values",
]

LEARNT = {
    "similarity": Role(folder="stsb", shape="scored", what="sentence pairs with similarity scores"),
    "intents": Role(folder="banking77", shape="labelled", what="utterances, and others of the same intent"),
    "evidence": Role(folder="scifact", shape="retrieval", what="claims and scientific abstracts"),
    "code": Role(folder="cosqa", shape="retrieval", what="web queries and functions"),
    "paraphrase": Role(folder="wikisplit", shape="pairs", what="sentences and the same as two"),
    "translation": Role(
        folder="tatoeba",
        shape="pairs",
        what="sentences and their English translations",
        files=("deu-eng", "fra-eng", "ita-eng", "nld-eng", "por-eng", "spa-eng"),
    ),
}
"""What experts and joint encoders learn."""

HELD_OUT = {
    "relatedness": Role(folder="sick", shape="scored", what="sentence pairs with relatedness scores"),
    "commands": Role(folder="clinc150", shape="labelled", what="commands, and others of the same intent"),
    "medicine": Role(folder="pubmedqa", shape="retrieval", what="questions and medical abstracts"),
    "functions": Role(folder="java_csharp", shape="pairs", what="functions in Java and the same in C#"),
    "simple": Role(folder="asset", shape="pairs", what="sentences and simpler ones"),
    "other languages": Role(
        folder="tatoeba",
        shape="pairs",
        what="sentences of further languages and their English translations",
        files=("ind-eng", "pol-eng", "tur-eng", "vie-eng"),
    ),
}
"""The same kinds of task on data that nothing is trained or tuned on."""
ROLES = LEARNT | HELD_OUT


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of everything.

    Args:
        batch: examples a step.
        steps: of an expert; a joint encoder gets as many for each of its tasks.
        queries: at most so many a test (dev: half).
        documents: searched for each test (dev: half); relevant ones always stay.
        pairs: of a scored test (dev: half).
        rates: learning rates that an expert chooses from by its own dev score.
        max_length: tokens kept of a text.
    """

    batch: int
    steps: int
    queries: int
    documents: int
    pairs: int
    rates: tuple[float, ...]
    max_length: int


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything, and the starts.

    Args:
        regimes: steps of one task, and the learning rates of encoders that are trained on several.
    """

    regimes: tuple[Regime, ...]
    sizes: Sizes


_WHOLE = Sizes(batch=32, steps=30, queries=150, documents=400, pairs=1_000, rates=(5e-5, 2e-4, 8e-4), max_length=64)
SCALES = {
    "quick": Scale(
        regimes=(Regime(start=Start(name="two layers", layers=2), steps=20, rates=(1e-4, 4e-4)),),
        sizes=replace(_WHOLE, steps=20, queries=60, documents=200, pairs=400),
    ),
    "full": Scale(
        regimes=(Regime(start=Start(name="packaged"), steps=30, rates=(1e-4, 4e-4)),),
        sizes=_WHOLE,
    ),
}
"""Shared, so that claims share their experts as well."""


@dataclass(frozen=True)
class Mixture:
    """Tasks to learn, and what judges an encoder.

    Args:
        train: rows to train on, by task; they hold no text of any dev or test.
        dev: of the tasks that are learnt, to choose by.
        own: their tests.
        held_out: tests of data that nothing is trained on.
        dropped: rows of each task that would have leaked.
    """

    train: Mapping[str, Pairs | Scored]
    dev: Mapping[str, Pairs | Scored]
    own: Mapping[str, Pairs | Scored]
    held_out: Mapping[str, Pairs | Scored]
    dropped: Mapping[str, int]

    def score(self, model: TextEncoder, tasks: Sequence[str] = ()) -> float:
        """Mean over the dev sets of some tasks; of all when none is named."""
        return mean(values(model, {name: self.dev[name] for name in tasks or self.dev}))

    def fingerprints(self) -> dict[str, str]:
        """Of all parts, by name."""
        parts = {"train": self.train, "dev": self.dev, "own": self.own, "held out": self.held_out}
        return {f"{part} {name}": signal.fingerprint() for part, of in parts.items() for name, signal in of.items()}


def mixture(context: Context, sizes: Sizes, *, learnt: Sequence[str] = (), held_out: Sequence[str] = ()) -> Mixture:
    """Read tasks, drop what leaks, and cut them down.

    What leaks is told over all tasks, whichever are wanted, so that a task has the same train rows in every claim.

    Args:
        context: of the claim, whose roles are :data:`ROLES`.
        sizes: how much.
        learnt: names out of :data:`LEARNT`; all when empty.
        held_out: names out of :data:`HELD_OUT`; all when empty.
    """
    from accord.data import find_leaks

    own = {name: _parts(context, name, role) for name, role in LEARNT.items()}
    other = {name: _parts(context, name, role) for name, role in HELD_OUT.items()}
    judged = {name: {part: of[part] for part in ("dev", "test")} for name, of in other.items()}
    leaks = find_leaks({**own, **judged})
    mine = {name: _cut(own[name], leaks.keep[name], sizes) for name in learnt or LEARNT}
    return Mixture(
        train={name: of["train"] for name, of in mine.items()},
        dev={name: of["dev"] for name, of in mine.items()},
        own={name: of["test"] for name, of in mine.items()},
        held_out={name: _cut(other[name], None, sizes)["test"] for name in held_out or HELD_OUT},
        dropped=dict(leaks.dropped),
    )


def values(model: Any, tests: Mapping[str, Pairs | Scored]) -> dict[str, list[float]]:
    """One value an example: nDCG@10 of a query, or what a pair adds to Spearman's correlation."""
    from accord.data import Scored

    similar = {name: test for name, test in tests.items() if isinstance(test, Scored)}
    found = {**similarity_values(model, similar), **search_values(model, _searches(tests))}
    return {name: found[name] for name in tests}


def training_task(mix: Mixture, name: str, *, equal: bool = True) -> TrainingTask:
    """A task with the objective of its kind: CoSENT for scores, InfoNCE for pairs.

    Args:
        mix: whose train rows.
        name: of the task.
        equal: give all tasks equal shares of the steps, and not shares by their sizes.
    """
    from accord import InfoNCE
    from accord.data import Scored
    from accord.objectives import CoSENT
    from accord.training import TrainingTask

    signal = mix.train[name]
    objective = CoSENT() if isinstance(signal, Scored) else InfoNCE(mask=("text", "label"))
    return TrainingTask(name=name, signal=signal, objective=objective, weight=1 / len(signal) if equal else 1.0)


def train_on(
    model: TextEncoder,
    mix: Mixture,
    tasks: Sequence[str],
    cell: Cell,
    batch: int,
    *,
    equal: bool = True,
    **settings: Any,
) -> TrainingResult:
    """Train in place on some tasks, `cell.regime.steps` steps for each of them.

    Args:
        model: changed in place.
        mix: whose train rows.
        tasks: names.
        cell: start, rate and seed.
        batch: examples a step.
        equal: as in :func:`training_task`.
        settings: further fields of :class:`~accord.training.Settings`, or others for those named here.
    """
    from accord.training import AdamW, Settings, train

    wanted = {"steps": cell.regime.steps * len(tasks), "batch": batch, "optimizer": AdamW(lr=cell.rate), **settings}
    return train(model, [training_task(mix, name, equal=equal) for name in tasks], Settings(seed=cell.seed, **wanted))


def experts(
    context: Context, mix: Mixture, sizes: Sizes, cell: Cell, tasks: Sequence[str] = ()
) -> list[dict[str, Tensor]]:
    """The experts of some tasks; of all that are learnt when none is named."""
    return [expert(context, mix, sizes, name, cell) for name in tasks or mix.train]


def expert(context: Context, mix: Mixture, sizes: Sizes, name: str, cell: Cell) -> dict[str, Tensor]:
    """The weights of an encoder trained on one task alone; made once for all claims, seeds apart.

    Its learning rate is the best of `sizes.rates` by its own dev set with the first seed.
    """
    scores = {rate: _made(context, mix, sizes, name, cell, rate, context.seeds[0])[1] for rate in sizes.rates}
    rate = max(scores, key=lambda r: scores[r])
    return _weights(_made(context, mix, sizes, name, cell, rate, cell.seed)[0])


def _made(
    context: Context, mix: Mixture, sizes: Sizes, name: str, cell: Cell, rate: float, seed: int
) -> tuple[Path, float]:
    """Folder and dev score of an expert."""
    from accord import load
    from accord.core.storage import hash_json, read_json, write_json

    start = cell.regime.start
    shelf = context.cache.parent / "experts"
    folder = start.folder(context.model, shelf, seed=seed)
    key = {
        "start": load(folder).fingerprint(),
        "train": mix.train[name].fingerprint(),
        "dev": mix.dev[name].fingerprint(),
        "sizes": {k: v for k, v in asdict(sizes).items() if k not in {"queries", "documents", "pairs", "rates"}},
        "rate": rate,
        "seed": seed,
    }
    made = shelf / hash_json(key)[:24]
    note = made.with_suffix(".json")
    if not note.is_file():
        model = start.load(context.model, shelf, seed=seed, device=context.device, max_length=sizes.max_length)
        one = Cell(regime=cell.regime, rate=rate, seed=seed)
        train_on(model, mix, [name], one, sizes.batch, steps=sizes.steps)
        model.save(made)
        write_json(note, {"key": key, "task": name, "dev": mix.score(model, [name])})
        context.say(f"expert of {name}, {start.name}, rate {rate:g}, seed {seed}: dev {read_json(note)['dev']:.4f}")
    return made, float(read_json(note)["dev"])


def _weights(folder: Path) -> dict[str, Tensor]:
    from accord import load

    return {name: tensor.detach().cpu() for name, tensor in load(str(folder)).state_dict().items()}


def _parts(context: Context, name: str, role: Role) -> dict[str, Any]:
    if role.shape == "scored":
        return {part: scored(context.data[name], part) for part in ("train", "dev", "test")}
    return parts_of(context.data[name], role)


def _cut(of: Mapping[str, Any], keep: np.ndarray | None, sizes: Sizes) -> dict[str, Any]:
    from accord.core.random import numpy_generator
    from accord.data import Scored

    if not isinstance(of["test"], Scored):
        return cut_down(of, keep, queries=sizes.queries, documents=sizes.documents)

    def some(part: str, most: int) -> Scored:
        return of[part].take(np.sort(numpy_generator(0, "rows", part).permutation(len(of[part]))[:most]))

    found = {"dev": some("dev", sizes.pairs // 2), "test": some("test", sizes.pairs)}
    return found if keep is None else {"train": of["train"].take(keep), **found}


def _searches(tests: Mapping[str, Pairs | Scored]) -> dict[str, Pairs]:
    from accord.data import Pairs

    return {name: test for name, test in tests.items() if isinstance(test, Pairs)}
