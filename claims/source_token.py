"""CoNeTTE: a learned token that names the source, so that one model can serve several sources in the manner of each.

The paper captions sounds from several data sets with one model. Mixed plainly, it falls behind models of one set each;
a token that names the set, learned with the model, makes up for part of that.

Here one encoder learns four retrieval sources. The method puts a learned token of the source before every text, in
training and in search; the baseline does not; both get the same rows in the same batches.

Not tested: audio and captions, as an encoder searches; and encoders of one source each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from claims.base import Claim, Context, Outcome, Role
from claims.data import cut_down, parts_of
from claims.judges import mean, search_values
from claims.starts import Start
from claims.study import Arm, Cell, Regime, SearchScale, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Pairs

__all__ = ["CLAIM"]

ROLES = {
    "evidence": Role(folder="scifact", shape="retrieval", what="claims and scientific abstracts"),
    "code": Role(folder="cosqa", shape="retrieval", what="web queries and functions"),
    "table": Role(folder="fetaqa_tables", shape="retrieval", what="questions and tables"),
    "example": Role(folder="banking77", shape="labelled", what="utterances, and others of the same intent"),
}
TOKEN, PLAIN = "source token", "no token"


SCALES = {
    "quick": SearchScale(
        regimes=(Regime(start=Start(name="two layers", layers=2), steps=48, rates=(1e-4, 4e-4)),),
        batch=24,
        queries=60,
        documents=200,
        max_length=64,
    ),
    "full": SearchScale(
        regimes=(Regime(start=Start(name="two layers", layers=2), steps=100, rates=(1e-4, 4e-4)),),
        batch=32,
        queries=150,
        documents=400,
        max_length=64,
    ),
}


def run(context: Context) -> Outcome:
    """Train with and without source tokens, and each source alone, from every start, with every seed."""
    scale = SCALES[context.scale]
    parts, dropped = _parts(context, scale)

    def judge(model: TextEncoder, arm: Arm, part: str) -> dict[str, list[float]]:
        return _values(model, {n: of[part] for n, of in parts.items()}, told=arm.name == TOKEN)

    def arm(name: str) -> Arm:
        return Arm(name=name, train=lambda model, cell: _train(model, parts, cell, scale.batch, told=name == TOKEN))

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[arm(TOKEN), arm(PLAIN), Arm(name="as it is")],
        dev=lambda model, arm: mean(judge(model, arm, "dev")),
        test=lambda model, arm: judge(model, arm, "test"),
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "data": {f"{n} {p}": pairs.fingerprint() for n, of in parts.items() for p, pairs in of.items()},
        },
    )
    return outcome(
        study.run(),
        method=TOKEN,
        baseline=PLAIN,
        further=[(TOKEN, "as it is"), (PLAIN, "as it is")],
        details={"dropped": dropped},
        notes=["Texts are searched, where the paper captions sounds."],
    )


def _parts(context: Context, scale: SearchScale) -> tuple[dict[str, dict[str, Pairs]], Mapping[str, int]]:
    """Train, dev and test of every source, without leaks, cut to the scale."""
    from accord.data import find_leaks

    parts = {name: parts_of(context.data[name], role) for name, role in ROLES.items()}
    leaks = find_leaks(parts)
    found = {
        name: cut_down(of, leaks.keep[name], queries=scale.queries, documents=scale.documents)
        for name, of in parts.items()
    }
    return found, dict(leaks.dropped)


def _train(
    model: TextEncoder,
    parts: Mapping[str, Mapping[str, Pairs]],
    cell: Cell,
    batch: int,
    *,
    told: bool,
) -> Mapping[str, Any]:
    """All sources in turn."""
    from accord import InfoNCE
    from accord.training import AdamW, Settings, TrainingTask, train

    prompts = model.add_task_tokens(list(parts)) if told else dict.fromkeys(parts, "")
    tasks = [
        TrainingTask(
            name=name,
            signal=parts[name]["train"],
            objective=InfoNCE(mask=("text", "label")),
            weight=1 / len(parts[name]["train"]),
            query_prompt=prompts[name],
            document_prompt=prompts[name],
        )
        for name in parts
    ]
    settings = Settings(steps=cell.regime.steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
    result = train(model, tasks, settings)
    return {"steps": result.steps, "tokens": sum(result.tokens.values())}


def _values(model: TextEncoder, tests: Mapping[str, Pairs], *, told: bool) -> dict[str, list[float]]:
    """nDCG@10 of each query, each source with its token before every text or with none."""
    from accord import Retrieval

    search = Retrieval(metrics=["nDCG@10"], primary="nDCG@10")
    found = {}
    for name, test in tests.items():
        prompts = (name, name) if told else None
        found[name] = search.evaluate(model, test=test, prompts=prompts)[0].columns["value"].tolist()
    return found if told else search_values(model, tests)


CLAIM = Claim(
    name="source_token",
    papers=(0,),
    statement="A learned token of the source before every text makes one encoder of several sources better.",
    method="a learned token before every text, one a source",
    baseline="the same texts without a token",
    metric="nDCG@10, mean of four sources",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("encoders/text/task_tokens.py",),
)
