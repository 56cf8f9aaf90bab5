"""Aspect-specific vectors: an encoder for each aspect of a paper, beside one encoder for all of them.

The paper keeps a vector for each aspect of a document (its task, its method, its data), each from an encoder that was
trained on pairs of documents that share that aspect, and finds what shares an aspect better than by generic vectors.

Here papers are the beginnings of 306 papers. Their tasks and data sets are those of their results, their methods are
the names that they mention often and that few others mention. An encoder is trained for each aspect, at the small
scale a linear map of a frozen encoder's vectors; the baseline is one that sees the pairs of all aspects, for as many
steps as the others take together. Test papers search among test papers. Since the paper's generic vectors are not
trained on aspects, the claim holds only where the vectors of aspects are better than the untrained ones, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.paired import compare
from claims.starts import Start
from claims.study import Arm, Cell, Regime, Study, outcome, together

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Pairs

__all__ = ["CLAIM"]

ASPECTS = ("task", "method", "data")
SPECIAL, GENERIC, PLAIN = "a vector an aspect", "one vector, all aspects", "as it is"
SENTENCES, MENTIONS, RARE = 8, 3, 0.1
"""Sentences kept of a paper, how often it must mention a method, and the share of papers that may do so."""
DEV = 0.3


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Args:
        start: of every encoder.
        frozen: train a linear map of the start's vectors, and not the encoder itself.
        steps: of the encoder of one aspect.
        batch: pairs a step.
        rates: of learning.
        max_length: tokens kept of a paper.
    """

    start: Start
    frozen: bool
    steps: int
    batch: int
    rates: tuple[float, ...]
    max_length: int


SCALES = {
    "quick": Scale(Start(name="frozen"), frozen=True, steps=150, batch=32, rates=(1e-4, 3e-4, 1e-3), max_length=128),
    "full": Scale(Start(name="whole"), frozen=False, steps=120, batch=24, rates=(2e-5, 6e-5, 2e-4), max_length=192),
}

Papers = dict[str, dict[str, list[str]]]
"""By text, what each aspect of the paper is."""


def run(context: Context) -> Outcome:
    """Train an encoder for each aspect, and one for all."""
    from accord.core.random import unit_hash
    from accord.core.storage import hash_json

    scale = SCALES[context.scale]
    whole, test = (_papers(context.data["papers"], part) for part in ("train", "test"))
    whole = {text: of for text, of in whole.items() if text not in test}
    dev = {text: of for text, of in whole.items() if unit_hash(0, "dev", text) < DEV}
    pairs = {name: _pairs({text: of for text, of in whole.items() if text not in dev}, name) for name in ASPECTS}

    def train(model: TextEncoder, cell: Cell, names: Sequence[str]) -> Mapping[str, Any]:
        from accord import InfoNCE
        from accord.training import AdamW, Settings, TrainingTask
        from accord.training import train as learn

        tasks = [
            TrainingTask(name=name, signal=pairs[name], objective=InfoNCE(mask=("text", "label"))) for name in names
        ]
        steps = cell.regime.steps * len(names)
        settings = Settings(steps=steps, batch=scale.batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
        return {"steps": learn(model, tasks, settings).steps}

    known: dict[str, np.ndarray] = {}

    def make(model: TextEncoder, cell: Cell, names: Sequence[str]) -> tuple[Any, Mapping[str, Any]]:
        if not scale.frozen:
            facts = train(model, cell, names)
            return model, facts
        if not known:
            texts = [*whole, *test]
            known.update(zip(texts, model.encode(texts)))
        return Mapped.learnt(known, [pairs[name] for name in names], cell, scale.batch), {
            "steps": cell.regime.steps * len(names)
        }

    def arm(name: str, names: Sequence[str]) -> Arm:
        options = {"aspect": name} if name in ASPECTS else {}
        return Arm(name=name, make=lambda model, cell: make(model, cell, names), options=options)

    def values(model: Any, papers: Papers, arm: Arm) -> dict[str, list[float]]:
        names = [arm.options["aspect"]] if arm.options else ASPECTS
        return {name: _precision(model.encode(list(papers)), list(papers.values()), name) for name in names}

    found = Study(
        context=context,
        regimes=[Regime(start=scale.start, steps=scale.steps, rates=scale.rates)],
        arms=[
            *(arm(name, [name]) for name in ASPECTS),
            arm(GENERIC, ASPECTS),
            Arm(name=PLAIN),
        ],
        dev=lambda model, arm: float(np.mean([np.mean(of) for of in values(model, dev, arm).values()])),
        test=lambda model, arm: values(model, test, arm),
        max_length=scale.max_length,
        shared={"papers": hash_json([whole, dev, test]), "batch": scale.batch},
    ).run()
    sides = {
        begun: {
            SPECIAL: together(SPECIAL, {name: (arms[name], name) for name in ASPECTS}),
            GENERIC: arms[GENERIC],
            PLAIN: arms[PLAIN],
        }
        for begun, arms in found.items()
    }
    judged = outcome(
        sides,
        method=SPECIAL,
        baseline=GENERIC,
        further=[(SPECIAL, PLAIN), (GENERIC, PLAIN)],
        details={
            "papers": {"train": len(whole) - len(dev), "dev": len(dev), "test": len(test)},
            "pairs": {name: len(of) for name, of in pairs.items()},
            "rates": {name: arms[name].rate for arms in found.values() for name in ASPECTS},
        },
        notes=[
            "306 papers with their results' tasks and data sets, where the paper has 157,606; methods are mentions.",
            "The paper's generic vectors are not trained on the aspects; here one encoder learns all three, and the "
            "untrained one stands beside it.",
        ],
    )
    untrained = [
        compare(arms[SPECIAL].values, {name: arms[PLAIN].values[name] for name in ASPECTS}) for arms in sides.values()
    ]
    if judged.paired.verdict != "holds" or all(one.verdict == "holds" for one in untrained):
        return judged
    said = "Better than one vector trained on all aspects, and not than the untrained one: nothing is concluded."
    return replace(judged, verdict="inconclusive", notes=[*judged.notes, said])


class Mapped:
    """A linear map of known vectors.

    Args:
        known: vectors by text.
        weight: (dim, dim) of the map.
    """

    def __init__(self, known: Mapping[str, np.ndarray], weight: np.ndarray) -> None:
        self.known, self.weight = known, weight

    @classmethod
    def learnt(cls, known: Mapping[str, np.ndarray], tables: Sequence[Pairs], cell: Cell, batch: int) -> Mapped:
        """Draw what is paired together, table by table in turn; other texts of its label are no negatives."""
        import torch
        import torch.nn.functional as F

        from accord.core.random import numpy_generator
        from accord.encoders.heads import Dense
        from accord.maths.descent import adam_descent
        from accord.objectives import InfoNCE

        texts = list(known)
        place = {text: row for row, text in enumerate(texts)}
        vectors = F.normalize(torch.from_numpy(np.array([known[text] for text in texts])), dim=1)
        head, objective = Dense.identity(vectors.shape[1], vectors.shape[1]), InfoNCE()
        sides = [
            [np.array([place[text] for text in table.column(side)]) for side in ("anchor", "positive")]
            for table in tables
        ]
        together = [set(zip(*map(np.ndarray.tolist, of))) for of in sides]
        generator = numpy_generator(cell.seed, "aspects", len(tables))

        def loss(step: int) -> torch.Tensor:
            anchors, positives = sides[step % len(sides)]
            rows = generator.choice(len(anchors), min(batch, len(anchors)), replace=False)
            left, right = anchors[rows], positives[rows]
            pairs = together[step % len(sides)]
            ignore = torch.tensor([[(a, b) in pairs or a == b for b in right.tolist()] for a in left.tolist()])
            scores = F.normalize(head(vectors[left]), dim=1) @ F.normalize(head(vectors[right]), dim=1).T
            return objective(scores, ignore=ignore & ~torch.eye(len(rows), dtype=torch.bool))

        adam_descent(list(head.parameters()), loss, steps=cell.regime.steps * len(tables), learning_rate=cell.rate)
        return cls(known, head.linear.weight.detach().numpy())

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(n, dim) mapped vectors."""
        return np.array([self.known[text] for text in texts]) @ self.weight.T


def _papers(folder: Path, part: str) -> Papers:
    """The beginning of each paper, and its aspects."""
    from accord.data.formats import read_table

    file = next(file for file in sorted(folder.glob(f"{part}.jsonl*")))
    rows = read_table(file).to_pylist()
    mentioned = [
        {_name(name) for name, times in (row["mentions"].get("Method") or {}).items() if (times or 0) >= MENTIONS}
        for row in rows
    ]
    often = Counter(name for names in mentioned for name in names)
    found: Papers = {}
    for row, names in zip(rows, mentioned):
        salient = {kind: {_name(name) for name in row["salient"].get(kind) or []} for kind in ("Task", "Material")}
        found[" ".join(row["sentences"][:SENTENCES])] = {
            "task": sorted(salient["Task"]),
            "method": sorted(name for name in names if often[name] <= max(2, RARE * len(rows))),
            "data": sorted(salient["Material"]),
        }
    return found


def _name(name: str) -> str:
    return " ".join(name.lower().replace("-", " ").split())


def _pairs(papers: Papers, aspect: str) -> Pairs:
    """Every paper with every other one that shares something of the aspect, labelled by it."""
    from accord.data import Pairs

    rows = [
        {"anchor": a, "positive": b, "label": sorted(shared)[0]}
        for a, of_a in papers.items()
        for b, of_b in papers.items()
        if a != b and (shared := set(of_a[aspect]) & set(of_b[aspect]))
    ]
    return Pairs.of(rows)


def _precision(vectors: np.ndarray, papers: Sequence[Mapping[str, Sequence[str]]], aspect: str) -> list[float]:
    """Average precision of each paper that shares the aspect with another, among all others."""
    units = vectors.astype(np.float64) / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = units @ units.T
    np.fill_diagonal(scores, -np.inf)
    sets = [set(paper[aspect]) for paper in papers]
    found = []
    for row, own in enumerate(sets):
        order = np.argsort(-scores[row], kind="stable")[:-1]
        hits = np.array([bool(own & sets[n]) for n in order])
        if hits.any():
            precise = np.cumsum(hits) / np.arange(1, len(hits) + 1)
            found.append(float((precise * hits).sum() / hits.sum()))
    return found


CLAIM = Claim(
    name="aspects",
    papers=(13,),
    statement="An encoder for each aspect finds the papers that share it better than one encoder for all aspects.",
    method="an encoder for tasks, one for methods and one for data sets",
    baseline="one encoder trained on the pairs of all three, for as many steps as the three together",
    metric="average precision, mean of three aspects",
    roles={"papers": Role(folder="scirex", shape="aspects", what="papers with their tasks, methods and data sets")},
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("retrieval/choices/aspects.py",),
)
