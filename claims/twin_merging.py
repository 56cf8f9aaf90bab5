"""Twin-Merging: a shared model, and what each expert has beyond it added back by a router, text by text.

The paper merges experts into a shared model, keeps the rest of each as a matrix of low rank, and has a router add the
rests to the shared model for every input. It comes near the experts, where one merged model does not.

Here six encoders are merged into their mean, and the rests are kept at rank 16. The baseline is the mean alone. No task
is named: the router sends each text, queries and documents alike, to one expert. Tests of the six tasks and six tests
of other data decide together. Beside them: the same with the route given by the task, which asks no router, and each
task's own encoder; the router's accuracy, the energy that the rank keeps, and what the twins cost to store.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.mixture import LEARNT, ROLES, SCALES, Mixture, Sizes, experts, mixture, values
from claims.study import Arm, Cell, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

METHOD, BASELINE = "routed", "shared alone"
RANK = 16
TEXTS = 400
"""Of each task, for the router."""


def run(context: Context) -> Outcome:
    """Merge, route and judge, with every seed."""
    scale = SCALES[context.scale]
    mix, sizes = mixture(context, scale.sizes), scale.sizes

    def twin(model: TextEncoder, cell: Cell) -> tuple[Any, Mapping[str, Any]]:
        from accord.training.experts import TwinMerging

        texts = {name: _texts(mix, name) for name in mix.train}
        made = TwinMerging(rank=RANK).merge(_own(context, mix, sizes, model, cell), texts=texts, seed=cell.seed)
        energy = {name: round(part.energy, 4) for name, part in made.experts.items()}
        router = made.router
        told = {} if router is None else {"router_accuracy": router.accuracy, "largest_task": router.largest}
        return made, {"energy": energy, **told, "cost": asdict(made.cost())}

    def given(model: TextEncoder, cell: Cell) -> tuple[Any, Mapping[str, Any]]:
        made, _ = twin(model, cell)
        return {name: made.expert(name) for name in mix.train}, {}

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[
            Arm(name=METHOD, make=twin, grid=(1.0,)),
            Arm(name=BASELINE, train=lambda model, cell: _mean(context, mix, sizes, model, cell), grid=(1.0,)),
            Arm(name="route given", make=given, grid=(1.0,)),
            Arm(name="own encoder", make=lambda m, c: (_own(context, mix, sizes, m, c), {}), grid=(1.0,)),
            Arm(name="as it is"),
        ],
        dev=lambda *_: 0.0,
        test=lambda judged, _: _values(judged, mix),
        max_length=sizes.max_length,
        shared={"sizes": asdict(sizes), "rank": RANK, "texts": TEXTS, "data": mix.fingerprints()},
    )
    found = study.run()
    return outcome(
        found,
        method=METHOD,
        baseline=BASELINE,
        further=[(METHOD, "as it is"), (BASELINE, "as it is")],
        details={"means": {start: {n: _parts(of.values) for n, of in arms.items()} for start, arms in found.items()}},
        notes=["With a route given, and for each task's own encoder, only the six tasks themselves are measured."],
    )


def _own(context: Context, mix: Mixture, sizes: Sizes, model: TextEncoder, cell: Cell) -> dict[str, TextEncoder]:
    found = {}
    for name, weights in zip(mix.train, experts(context, mix, sizes, cell)):
        found[name] = deepcopy(model)
        found[name].load_state_dict(weights)
    return found


def _texts(mix: Mixture, name: str) -> list[str]:
    """Train texts of a task, of both sides."""
    signal = mix.train[name]
    sides = [signal.column(column) for column in signal.text_columns[:2]]
    texts = list(dict.fromkeys(text for both in zip(*sides) for text in both))
    return texts[:: max(1, len(texts) // TEXTS)][:TEXTS]


def _values(judged: Any, mix: Mixture) -> dict[str, list[float]]:
    """Tests of the tasks, by an encoder each where there are several; and of other data, by one encoder for all."""
    if isinstance(judged, dict):
        return {n: of for name, one in judged.items() for n, of in values(one, {name: mix.own[name]}).items()}
    return values(judged, {**mix.own, **mix.held_out})


def _mean(context: Context, mix: Mixture, sizes: Sizes, model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
    from accord.merging import Linear, merge_state_dicts

    model.load_state_dict(merge_state_dicts(Linear(), experts(context, mix, sizes, cell)))
    return {}


def _parts(found: Mapping[str, np.ndarray]) -> dict[str, float]:
    own = [of.mean() for name, of in found.items() if name in LEARNT]
    other = [of.mean() for name, of in found.items() if name not in LEARNT]
    return {"own": round(float(np.mean(own)), 4), **({"other": round(float(np.mean(other)), 4)} if other else {})}


CLAIM = Claim(
    name="twin_merging",
    papers=(174,),
    statement="A router that adds experts' low-rank rests to their mean, text by text, is better than the mean alone.",
    method="the mean of six encoders and a rest of rank 16, chosen by a router for each text",
    baseline="the mean of six encoders",
    metric="nDCG@10 and Spearman's correlation, mean of the six tasks and six tests of other data",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("training/experts/twin_merging.py", "training/experts/twin_encoder.py", "training/experts/router.py"),
)
