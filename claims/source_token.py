"""CoNeTTE: a learned token that names the source, so that one model can serve several sources in the manner of each.

The paper captions sounds from several data sets with one model. Mixed plainly, it falls behind models of one set each;
a token that names the set, learned with the model, makes up for part of that.

Here one encoder learns four retrieval sources. The method puts a learned token of the source before every text, in
training and in search; the baseline does not; both get the same rows in the same batches. Beside them: an encoder for
each source alone, on the steps that the joint encoders spend on it.

Not tested: audio and captions; an encoder searches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.data import cut_down, parts_of
from claims.judges import mean, search_values
from claims.paired import compare
from claims.starts import Start
from claims.study import Arm, Cell, Found, Regime, SearchScale, Study, outcome, row

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
        return _values(model, {n: parts[n][part] for n in arm.options["sources"]}, told=arm.name == TOKEN)

    def arm(name: str, sources: Sequence[str]) -> Arm:
        return Arm(
            name=name,
            train=lambda model, cell: _train(model, parts, cell, scale.batch, sources=sources, told=name == TOKEN),
            options={"sources": list(sources)},
        )

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[arm(TOKEN, list(ROLES)), arm(PLAIN, list(ROLES)), *(arm(f"{name} alone", [name]) for name in ROLES)],
        dev=lambda model, arm: mean(judge(model, arm, "dev")),
        test=lambda model, arm: judge(model, arm, "test"),
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "data": {f"{n} {p}": pairs.fingerprint() for n, of in parts.items() for p, pairs in of.items()},
        },
    )
    found = study.run()
    return outcome(
        found,
        method=TOKEN,
        baseline=PLAIN,
        details={"against each source alone": _alone(found), "dropped": dropped},
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
    sources: Sequence[str],
    told: bool,
) -> Mapping[str, Any]:
    """All sources in turn, or one alone on as many steps as it has among all."""
    from accord import InfoNCE
    from accord.training import AdamW, Settings, TrainingTask, train

    prompts = model.add_task_tokens(list(sources)) if told else dict.fromkeys(sources, "")
    tasks = [
        TrainingTask(
            name=name,
            signal=parts[name]["train"],
            objective=InfoNCE(mask=("text", "label")),
            weight=1 / len(parts[name]["train"]),
            query_prompt=prompts[name],
            document_prompt=prompts[name],
        )
        for name in sources
    ]
    steps = cell.regime.steps * len(sources) // len(ROLES)
    result = train(model, tasks, Settings(steps=steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed))
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


def _alone(found: Mapping[str, Mapping[str, Found]]) -> Mapping[str, Any]:
    """Both joint encoders against an encoder for each source."""

    def side(names: Mapping[str, str]) -> dict[str, np.ndarray]:
        return {n: np.mean([arms[a].values[n] for arms in found.values()], axis=0) for n, a in names.items()}

    alone = side({name: f"{name} alone" for name in ROLES})
    return {arm: row(compare(side(dict.fromkeys(ROLES, arm)), alone)) for arm in (TOKEN, PLAIN)}


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
