"""`strategy: auto`, held against the strategies that it chooses from.

For each of six mixtures of three tasks a recipe with `strategy: auto` measures the conflict, tries what may help and
chooses by the dev parts; joint training, balancing and merging are all trained and tested beside it. The claim is that
the chosen one is in no mixture distinguishably worse than the best of the three, where the best is told by the test: an
opponent with hindsight. "Distinguishably" is p < 0.05 after Holm over the mixtures, and an interval below zero. How
often auto chose what, what that saved, and how it does against always training jointly, is reported.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.mixture import ROLES, SCALES, Mixture, Sizes, mixture, values
from claims.paired import Paired, compare
from claims.starts import Start
from claims.study import row

if TYPE_CHECKING:
    from accord import Recipe

__all__ = ["CLAIM"]

MIXTURES = (
    ("similarity", "intents", "code"),
    ("similarity", "evidence", "translation"),
    ("similarity", "paraphrase", "translation"),
    ("intents", "evidence", "paraphrase"),
    ("intents", "code", "translation"),
    ("evidence", "code", "paraphrase"),
)
STRATEGIES = ("joint", "merged", "balanced")


def run(context: Context) -> Outcome:
    """Fit every mixture with every seed, and hold the choice against all strategies."""
    scale = SCALES[context.scale]
    mix, sizes = mixture(context, scale.sizes), scale.sizes
    start = scale.regimes[0].start
    runs = {tasks: [_fitted(context, mix, sizes, start, tasks, seed) for seed in context.seeds] for tasks in MIXTURES}
    against, joint, best = {}, {}, {}
    for tasks, of in runs.items():
        sides = {name: _side(of, tasks, [name] * len(of)) for name in STRATEGIES}
        best[tasks] = max(STRATEGIES, key=lambda name: np.mean([v.mean() for v in sides[name].values()]))
        chosen = _side(of, tasks, [one["chosen"] for one in of])
        against[tasks] = (chosen, sides[best[tasks]])
        joint[tasks] = (chosen, sides["joint"])
    found = {tasks: compare(*pair) for tasks, pair in against.items()}
    worse = [tasks for tasks, p in zip(found, _holm([one.p for one in found.values()])) if _is_worse(found[tasks], p)]
    return Outcome(
        paired=_together(against),
        verdict="fails" if worse else "holds",
        seconds=sum(one["seconds"] for of in runs.values() for one in of),
        tasks=[row(one, task=", ".join(tasks)) for tasks, one in found.items()],
        details={
            "against joint training": row(_together(joint)),
            "mixtures": [
                {
                    "tasks": list(tasks),
                    "conflict": [one["conflict"] for one in of],
                    "chosen": [one["chosen"] for one in of],
                    "best on test": best[tasks],
                    "test": {
                        n: round(float(np.mean([np.mean(one["values"][n][t]) for one in of for t in tasks])), 4)
                        for n in STRATEGIES
                    },
                }
                for tasks, of in runs.items()
            ],
        },
        notes=[
            "The verdict is about each mixture. The effect is the mean over mixtures; it is hardly above zero, as the "
            "opponent is chosen by the test.",
        ],
    )


def _is_worse(paired: Paired, p: float) -> bool:
    return p < 0.05 and paired.ci[1] < 0


def _holm(p: list[float]) -> list[float]:
    from accord.evaluation.statistics import holm

    return [float(v) for v in holm(p)]


def _side(of: list[dict[str, Any]], tasks: tuple[str, ...], names: list[str]) -> dict[str, np.ndarray]:
    """Values by task, the strategy named for each seed."""
    return {t: np.array([one["values"][name][t] for one, name in zip(of, names)]) for t in tasks}


def _together(pairs: Mapping[tuple[str, ...], tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]) -> Paired:
    """All mixtures as one comparison."""
    left = {f"{t} in {', '.join(tasks)}": v for tasks, (a, _) in pairs.items() for t, v in a.items()}
    right = {f"{t} in {', '.join(tasks)}": v for tasks, (_, b) in pairs.items() for t, v in b.items()}
    return compare(left, right)


def _fitted(
    context: Context, mix: Mixture, sizes: Sizes, start: Start, tasks: tuple[str, ...], seed: int
) -> dict[str, Any]:
    """Test values of every strategy, and what auto chose."""
    folder = start.folder(context.model, context.cache, seed=seed)

    def make() -> dict[str, Any]:
        import accord

        begun = time.perf_counter()
        place = context.cache / "runs" / f"{'-'.join(tasks)}-{seed}"
        recipe = _recipe(context, mix, sizes, folder, tasks, seed)
        run = accord.fit(recipe, out=place, resume=place.is_dir())
        decided = run.results.details["strategy"]
        tests = {name: mix.own[name] for name in tasks}
        measured = {name: values(accord.load(str(run.models[name])), tests) for name in STRATEGIES}
        shutil.rmtree(place)
        return {
            "values": measured,
            "chosen": decided["chosen"],
            "conflict": decided["conflict"]["verdict"],
            "seconds": time.perf_counter() - begun,
        }

    key = {"tasks": list(tasks), "seed": seed, "sizes": asdict(sizes), "data": mix.fingerprints(), "start": folder}
    key["start"] = asdict(start) | {"model": context.model}
    found = context.cached(key, make)
    means = {n: round(float(np.mean([np.mean(of) for of in v.values()])), 4) for n, v in found["values"].items()}
    context.say(f"{', '.join(tasks)}, seed {seed}: {found['conflict']}, chose {found['chosen']}; test {means}")
    return found


def _recipe(context: Context, mix: Mixture, sizes: Sizes, folder: str, tasks: tuple[str, ...], seed: int) -> Recipe:
    import pyarrow.parquet as pq

    from accord import Recipe
    from accord.data import Scored

    shelf = context.cache / "rows"
    shelf.mkdir(parents=True, exist_ok=True)
    sources, parts = {}, {}
    for name in tasks:
        for part, signal in (("train", mix.train[name]), ("dev", mix.dev[name]), ("test", mix.own[name])):
            file = shelf / f"{name}-{part}-{signal.fingerprint()[:12]}.parquet"
            if not file.is_file():
                pq.write_table(signal.table, file)
            sources[f"{name}-{part}"] = {"File": {"path": str(file)}}
        similar = isinstance(mix.train[name], Scored)
        parts[name] = {
            "source": f"{name}-train",
            "dev_source": f"{name}-dev",
            "test_source": f"{name}-test",
            "signal": "Scored" if similar else "Pairs",
            "objective": "CoSENT" if similar else {"InfoNCE": {"mask": ["text"]}},
            "evaluate": {"Similarity": {}}
            if similar
            else {"Retrieval": {"metrics": ["nDCG@10"], "primary": "nDCG@10"}},
            "weight": 1 / len(mix.train[name]),
        }
    return Recipe(
        {
            "format": "accord-recipe/1",
            "seeds": [seed],
            "encoder": {"model": folder, "max_length": sizes.max_length},
            "sources": sources,
            "tasks": parts,
            "train": {
                "strategy": "auto",
                "batches": "mixed",
                "batch": sizes.batch,
                "steps": sizes.steps * len(tasks),
                "optimizer": {"AdamW": {"lr": 2e-4}},
            },
            "evaluate": {"baselines": list(STRATEGIES), "resamples": 200},
        }
    )


CLAIM = Claim(
    name="auto_choice",
    papers=(),
    statement="What `strategy: auto` chooses is in no mixture of tasks distinguishably worse than the best strategy.",
    method="joint, balanced or merged, chosen by conflict and dev parts",
    baseline="the best of the three by the test",
    metric="nDCG@10 and Spearman's correlation, mean of the tasks of each mixture",
    roles=ROLES,
    run=run,
    seeds={"quick": 1, "full": 2},
    method_files=("recipes/strategies/auto.py", "recipes/strategies/dev_choice.py"),
)
