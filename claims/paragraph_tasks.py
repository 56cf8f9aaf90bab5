"""Pretraining tasks for two-tower retrieval: a sentence and its passage, a lead and its body.

The paper pretrains a retriever on pairs that any document gives: a sentence with the passage around it (ICT), a
sentence of the lead with a passage of the body (BFS). After fine-tuning on questions it beats BM25, which the same
model without such pretraining does not.

Here the method spends two thirds of its steps on ICT and BFS pairs of four corpora and the last third on questions of
two of them; the baseline spends all its steps on the questions. The starts have fresh weights. Two collections are
searched that no question was trained on. BM25 is reported beside.

Not tested: each kind of pair by itself, pairs of linked pages (WLP), as these documents have no links, and a start
pretrained on masked tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from claims.base import Claim, Context, Outcome, Role
from claims.data import corpus_of, judged, parts_of, searched, some_queries
from claims.judges import mean, search_values
from claims.lexical import beside_bm25
from claims.starts import Start
from claims.study import Arm, Cell, Regime, SearchScale, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Pairs, Unlabelled
    from accord.data.synthesis import Synthesis

__all__ = ["CLAIM"]

ROLES = {
    "evidence": Role(folder="scifact", shape="retrieval", what="claims and scientific abstracts"),
    "medicine": Role(folder="pubmedqa", shape="retrieval", what="questions and medical abstracts"),
    "aeronautics": Role(folder="cranfield", shape="retrieval", what="questions and abstracts, never trained on"),
    "library": Role(folder="cisi", shape="retrieval", what="requests and abstracts, never trained on"),
}
ASKED = ("evidence", "medicine")


SCALES = {
    "quick": SearchScale(
        regimes=(Regime(start=Start(name="untrained", layers=2, fresh=True), steps=60, rates=(4e-4, 1.6e-3)),),
        batch=32,
        documents=300,
        queries=60,
        max_length=96,
    ),
    "full": SearchScale(
        regimes=(Regime(start=Start(name="untrained", layers=2, fresh=True), steps=150, rates=(4e-4, 1.6e-3)),),
        batch=32,
        documents=500,
        queries=120,
        max_length=96,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Material:
    """What is trained on and judged by."""

    texts: Unlabelled
    asked: Mapping[str, Pairs]
    dev: Mapping[str, Pairs]
    tests: Mapping[str, Pairs]


def run(context: Context) -> Outcome:
    """Pretrain and fine-tune, or fine-tune alone, with every seed."""
    from accord.data.synthesis import BodyFirst, InverseCloze

    scale = SCALES[context.scale]
    material = _material(context, scale)
    cloze, body = InverseCloze(copies=2), BodyFirst(copies=2)
    arms: dict[str, Sequence[Synthesis]] = {
        "ICT and BFS, then questions": (cloze, body),
        "questions alone": (),
    }

    def arm(name: str, makers: Sequence[Synthesis]) -> Arm:
        return Arm(name=name, train=lambda model, cell: _train(model, material, makers, cell, scale.batch))

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[arm(name, makers) for name, makers in arms.items()],
        dev=lambda model, _: mean(search_values(model, material.dev)),
        test=lambda model, _: search_values(model, material.tests),
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "data": {
                "texts": material.texts.fingerprint(),
                **{f"asked {n}": of.fingerprint() for n, of in material.asked.items()},
                **{n: of.fingerprint() for n, of in material.tests.items()},
            },
        },
    )
    found = study.run()
    names = list(arms)
    sides = {f"{start}, {n}": of[n].values for start, of in found.items() for n in (names[0], names[-1])}
    return outcome(
        found,
        method=names[0],
        baseline=names[-1],
        details={"against BM25": beside_bm25(material.tests, sides)},
        notes=["The documents have no links, so the paper's third task (linked pages) is not tested."],
    )


def _material(context: Context, scale: SearchScale) -> Material:
    from accord.data import Unlabelled, find_leaks

    parts = {name: parts_of(context.data[name], ROLES[name]) for name in ASKED}
    leaks = find_leaks(parts)
    tests = {name: searched(some_queries(parts[name]["test"], scale.queries), scale.documents) for name in ASKED}
    for name in ROLES:
        if name not in ASKED:
            tests[name] = judged(context.data[name], None, queries=scale.queries, documents=scale.documents)
    found = [text for name in ROLES for text in corpus_of(context.data[name]).column("text")]
    return Material(
        texts=Unlabelled({"text": list(dict.fromkeys(found))}),
        asked={name: parts[name]["train"].take(leaks.keep[name]) for name in ASKED},
        dev={
            name: searched(some_queries(parts[name]["dev"], scale.queries // 2), scale.documents // 2) for name in ASKED
        },
        tests=tests,
    )


def _train(
    model: TextEncoder, material: Material, makers: Sequence[Synthesis], cell: Cell, batch: int
) -> Mapping[str, Any]:
    """Pairs of texts first, where there are makers, then questions; a schedule of its own for each stage."""
    from accord import InfoNCE
    from accord.training import AdamW, Settings, TrainingTask, train

    def task(name: str, pairs: Pairs) -> TrainingTask:
        return TrainingTask(name=name, signal=pairs, objective=InfoNCE(mask=("text", "label")), weight=1 / len(pairs))

    last = cell.regime.steps // 3 if makers else cell.regime.steps
    stages = [(last, [task(name, pairs) for name, pairs in material.asked.items()])]
    if makers:
        made = [task(type(m).__name__, m.pairs(material.texts, seed=cell.seed)) for m in makers]
        stages.insert(0, (cell.regime.steps - last, made))
    steps = tokens = 0
    for count, tasks in stages:
        settings = Settings(steps=count, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
        result = train(model, tasks, settings)
        steps, tokens = steps + result.steps, tokens + sum(result.tokens.values())
    return {"steps": steps, "tokens": tokens}


CLAIM = Claim(
    name="paragraph_tasks",
    papers=(67,),
    statement=(
        "A two-tower retriever that is pretrained on sentence-passage and lead-body pairs before it is fine-tuned "
        "retrieves better than one fine-tuned for all of the steps."
    ),
    method="two thirds of the steps on ICT and BFS pairs, then questions",
    baseline="all steps on questions",
    metric="nDCG@10, mean of four collections, two of them without training questions",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("data/synthesis/inverse_cloze.py", "data/synthesis/body_first.py"),
)
