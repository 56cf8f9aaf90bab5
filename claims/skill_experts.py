"""SELMA and SPHINX: a low-rank expert for each kind of data, merged by averaging, in place of one trained on all.

SELMA makes data for several skills of a text-to-image model, trains a low-rank expert on each, and averages the
experts; trained on all data together, the model suffers from their conflict. SPHINX averages the weights of models
trained on real and on synthetic data.

Here the skills are six kinds of task. Each has an adapter of rank 8 of its own; the even average of the six changes,
merged exactly, is held against one adapter of that rank trained on all six for as many steps. Tests of the six tasks
decide; six tests of other data are reported, and an adapter of rank 48 trained on all, which has as many numbers as the
six together.

Not tested: data written by language models, and pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.mixture import LEARNT, ROLES, SCALES, Mixture, Sizes, mixture, train_on, values
from claims.paired import compare
from claims.study import Arm, Cell, Found, Study, outcome, row

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

METHOD, BASELINE, WIDE, SUM = "averaged experts", "joint adapter", "joint adapter, six times the rank", "summed experts"
RANK = 8
RATES = (1e-3, 4e-3)


def run(context: Context) -> Outcome:
    """Train and merge, with every seed."""
    scale = SCALES[context.scale]
    mix, sizes = mixture(context, scale.sizes), scale.sizes

    def joint(model: TextEncoder, cell: Cell, rank: int) -> Mapping[str, Any]:
        from accord.training.adapters import LoRA

        adapter = LoRA(rank=rank, alpha=2 * rank).attach(model, seed=cell.seed)
        result = train_on(model, mix, list(mix.train), cell, sizes.batch)
        adapter.fold()
        return {"steps": result.steps, "tokens": sum(result.tokens.values())}

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[
            Arm(name=METHOD, train=lambda m, c: _merged(context, mix, sizes, m, c, 1 / len(LEARNT)), grid=(1.0,)),
            Arm(name=SUM, train=lambda m, c: _merged(context, mix, sizes, m, c, c.rate), grid=(0.3, 0.6)),
            Arm(name=BASELINE, train=lambda model, cell: joint(model, cell, RANK), grid=RATES),
            Arm(name=WIDE, train=lambda model, cell: joint(model, cell, RANK * len(LEARNT)), grid=RATES),
            Arm(name="as it is"),
        ],
        dev=lambda model, _: mix.score(model),
        test=lambda model, _: values(model, {**mix.own, **mix.held_out}),
        max_length=sizes.max_length,
        shared={"sizes": asdict(sizes), "rank": RANK, "rates": RATES, "data": mix.fingerprints()},
    )
    found = study.run()
    others = (BASELINE, WIDE, SUM, "as it is")
    return outcome(
        found,
        method=METHOD,
        baseline=BASELINE,
        tasks=list(mix.own),
        further=[(METHOD, other) for other in others[1:]],
        details={"other data": {other: _elsewhere(found, other, list(mix.held_out)) for other in others}},
        notes=["Skills are kinds of task, each with real data; nothing is generated."],
    )


def _elsewhere(found: Mapping[str, Mapping[str, Found]], other: str, tests: list[str]) -> Mapping[str, Any]:
    """The averaged experts against another arm, on other data."""

    def side(name: str) -> dict[str, np.ndarray]:
        return {t: np.mean([arms[name].values[t] for arms in found.values()], axis=0) for t in tests}

    return row(compare(side(METHOD), side(other)))


def _merged(
    context: Context, mix: Mixture, sizes: Sizes, model: TextEncoder, cell: Cell, weight: float
) -> Mapping[str, Any]:
    """The changes of all experts, each times a weight, folded into the model."""
    from accord.encoders.adapters import load_adapter
    from accord.merging import Linear
    from accord.merging.low_rank import merge_adapters

    folders = [_expert(context, mix, sizes, name, cell) for name in mix.train]
    out = context.cache / "merged" / f"{model.fingerprint()[:16]}-{cell.seed}-{weight:g}"
    if not out.is_dir():
        merge_adapters(Linear([weight] * len(folders), normalize=False), folders, out=out)
    load_adapter(model, out).fold()
    return {"weight": round(weight, 4)}


def _expert(context: Context, mix: Mixture, sizes: Sizes, name: str, cell: Cell) -> Path:
    """The adapter of one task, at the rate that is best by its own dev set with the first seed."""
    scores = {rate: _made(context, mix, sizes, name, cell, rate, context.seeds[0])[1] for rate in RATES}
    best = max(scores, key=lambda rate: scores[rate])
    return _made(context, mix, sizes, name, cell, best, cell.seed)[0]


def _made(
    context: Context, mix: Mixture, sizes: Sizes, name: str, cell: Cell, rate: float, seed: int
) -> tuple[Path, float]:
    """Folder and dev score of an adapter."""
    from accord.core.storage import hash_json
    from accord.encoders.adapters import save_adapter
    from accord.training.adapters import LoRA

    model = cell.regime.start.load(
        context.model, context.cache, seed=seed, device=context.device, max_length=sizes.max_length
    )
    plain = {k: v for k, v in asdict(sizes).items() if k in {"batch", "steps", "max_length"}}
    key = {"adapter of": name, "start": model.fingerprint(), "sizes": plain, "rate": rate, "seed": seed, "rank": RANK}
    key |= {"data": [mix.train[name].fingerprint(), mix.dev[name].fingerprint()]}
    folder = context.cache / "adapters" / hash_json(key)[:24]

    def make() -> float:
        adapter = LoRA(rank=RANK, alpha=2 * RANK).attach(model, seed=seed)
        train_on(model, mix, [name], Cell(regime=cell.regime, rate=rate, seed=seed), sizes.batch, steps=sizes.steps)
        save_adapter(adapter, folder)
        score = mix.score(model, [name])
        context.say(f"adapter of {name}, rate {rate:g}, seed {seed}: dev {score:.4f}")
        return score

    return folder, float(context.cached(key, make))


CLAIM = Claim(
    name="skill_experts",
    papers=(20, 242),
    statement="Low-rank experts of six tasks, averaged, serve them better than one adapter trained on all.",
    method="the exact average of six adapters of rank 8, one a task",
    baseline="one adapter of rank 8, trained on all tasks for as many steps",
    metric="nDCG@10 and Spearman's correlation, mean of the six tasks",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("merging/low_rank/combining.py", "merging/methods/linear.py"),
)
