"""Contriever: a retriever learnt from texts alone, two random crops of a document being a pair.

The paper trains without a single label: crops of one document belong together, all other crops of the batch are
negatives. It finds crops better than the inverse cloze task, and better than BM25 on most collections at Recall@100.

Here four corpora are trained on, and their own queries judge; no query is trained on. Both makers of pairs get the same
documents, steps and batches, and choose their rate on the train queries of two of the collections. BM25 is reported
beside them. The starts are an encoder with fresh weights and the packaged one cut to two layers.

Not tested: the queue of negatives of a momentum encoder, and millions of documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from claims.base import Claim, Context, Outcome, Role
from claims.data import corpus_of, judged
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
    "aeronautics": Role(folder="cranfield", shape="retrieval", what="questions and abstracts of one field"),
    "library": Role(folder="cisi", shape="retrieval", what="requests and abstracts of library science"),
}
TUNED_ON = ("evidence", "medicine")


def _regimes(steps: int) -> tuple[Regime, ...]:
    return (
        Regime(start=Start(name="two layers", layers=2), steps=steps, rates=(1e-4, 4e-4)),
        Regime(start=Start(name="untrained", layers=2, fresh=True), steps=steps, rates=(4e-4, 1.6e-3)),
    )


SCALES = {
    "quick": SearchScale(regimes=_regimes(40)[1:], batch=32, documents=300, queries=60, max_length=96),
    "full": SearchScale(regimes=_regimes(100), batch=32, documents=500, queries=120, max_length=96),
}


def run(context: Context) -> Outcome:
    """Train on crops and on cloze pairs from every start, with every seed."""
    from accord.data.synthesis import InverseCloze, RandomCrops

    scale = SCALES[context.scale]
    texts = _texts(context)
    tests = {n: _test(context, n, "test", scale) for n in ROLES}
    dev = {n: _test(context, n, "train", scale) for n in TUNED_ON}
    makers: dict[str, Synthesis] = {"random crops": RandomCrops(copies=2), "inverse cloze": InverseCloze(copies=2)}

    def arm(name: str, maker: Synthesis) -> Arm:
        return Arm(name=name, train=lambda model, cell: _train(model, texts, maker, cell, scale.batch))

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[*(arm(name, maker) for name, maker in makers.items()), Arm(name="as it is", train=None)],
        dev=lambda model, _: mean(search_values(model, dev)),
        test=lambda model, _: search_values(model, tests),
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "data": {"texts": texts.fingerprint(), **{n: of.fingerprint() for n, of in tests.items()}},
        },
    )
    found = study.run()
    return outcome(
        found,
        method="random crops",
        baseline="inverse cloze",
        further=[("random crops", "as it is"), ("inverse cloze", "as it is")],
        details={
            "crops against BM25": beside_bm25(tests, {s: arms["random crops"].values for s, arms in found.items()})
        },
        notes=[
            f"Trained on {len(texts)} documents, where the paper has millions; negatives come from the batch alone."
        ],
    )


def _texts(context: Context) -> Unlabelled:
    from accord.data import Unlabelled

    found = [text for name in ROLES for text in corpus_of(context.data[name]).column("text")]
    return Unlabelled({"text": list(dict.fromkeys(found))})


def _test(context: Context, name: str, split: str, scale: SearchScale) -> Pairs:
    folder = context.data[name]
    half = 1 if split == "test" else 2
    there = split if (folder / f"qrels.{split}.tsv").is_file() else None
    return judged(folder, there, queries=scale.queries // half, documents=scale.documents // half)


def _train(model: TextEncoder, texts: Unlabelled, maker: Synthesis, cell: Cell, batch: int) -> Mapping[str, Any]:
    from accord import InfoNCE
    from accord.training import AdamW, Settings, TrainingTask, train

    pairs = maker.pairs(texts, seed=cell.seed)
    task = TrainingTask(name="texts", signal=pairs, objective=InfoNCE(mask=("text", "label")))
    settings = Settings(steps=cell.regime.steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
    result = train(model, [task], settings)
    return {"steps": result.steps, "tokens": sum(result.tokens.values()), "pairs": len(pairs)}


CLAIM = Claim(
    name="random_crops",
    papers=(126,),
    statement=(
        "Without labels, an encoder trained on two random crops of each document retrieves better than one trained on "
        "a sentence and its passage."
    ),
    method="random crops of one document as pairs",
    baseline="inverse cloze pairs",
    metric="nDCG@10, mean of four collections",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("data/synthesis/random_crops.py", "data/synthesis/inverse_cloze.py"),
)
