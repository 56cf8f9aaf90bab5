"""Trans-Encoder: an encoder and a cross-encoder that label pairs for each other, beside one more contrastive training.

The paper starts from an encoder that was trained without labels, lets it label pairs for a cross-encoder of the same
weights, lets that label them for the encoder, and so on, and finds both better than the encoder that they came from.

Here the start is the packaged encoder's first layers, tuned by twins of unlabelled sentences (SimCSE). Then, on the
same unlabelled pairs: cycles of the two forms; or as many more steps of twins. A control learns from labels that were
dealt out anew at random. The encoder is judged, on two scored sets.

The quick scale has some 35 steps a turn, where the paper passes over tens of thousands of pairs: its control shows that
such labels carry nothing yet, so its verdict is about short trainings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.judges import mean
from claims.mixture import ROLES as EVERY
from claims.mixture import SCALES as MIXTURES
from claims.mixture import mixture, values
from claims.starts import Start
from claims.study import Arm, Cell, Regime, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

ROLES = EVERY
TURNS, TWINS, SHUFFLED, BEFORE = "by turns", "more twins", "shuffled labels", "twins alone"


FIRST_RATE = 3e-5


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything: unlabelled pairs, steps of the start, and of each form in each cycle."""

    regimes: tuple[Regime, ...]
    pairs: int
    first: int
    cross: int
    cycles: int
    batch: int


def _regimes(steps: int) -> tuple[Regime, ...]:
    return (Regime(start=Start(name="four layers", layers=4), steps=steps, rates=(3e-5, 1e-4)),)


SCALES = {
    "quick": Scale(regimes=_regimes(40), pairs=800, first=30, cross=30, cycles=2, batch=32),
    "full": Scale(regimes=_regimes(150), pairs=4_000, first=100, cross=125, cycles=3, batch=32),
}


def run(context: Context) -> Outcome:
    """Tune by twins, then go on in every way."""
    scale, sizes = SCALES[context.scale], MIXTURES[context.scale].sizes
    mix = mixture(context, sizes, learnt=("similarity",), held_out=("relatedness",))
    rows = mix.train["similarity"]
    order = np.random.default_rng(0).permutation(len(rows))[: scale.pairs]
    left, right = rows.column("text1"), rows.column("text2")
    couples = [(left[place], right[place]) for place in order]
    texts = list(dict.fromkeys(text for couple in couples for text in couple))

    def twins(model: TextEncoder, cell: Cell, steps: int, rate: float = FIRST_RATE) -> None:
        from accord import InfoNCE
        from accord.data import Unlabelled
        from accord.training import AdamW, Settings, TrainingTask, train

        task = TrainingTask(name="twins", signal=Unlabelled.of({"text": texts}), objective=InfoNCE())
        train(model, [task], Settings(steps=steps, batch=scale.batch, optimizer=AdamW(lr=rate), seed=cell.seed))

    def before(model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
        twins(model, cell, scale.first)
        return {"steps": scale.first}

    def more(model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
        steps = scale.cycles * (scale.cross + cell.regime.steps)
        twins(model, cell, scale.first)
        twins(model, cell, steps, cell.rate)
        return {"steps": scale.first + steps}

    def turns(model: TextEncoder, cell: Cell, *, shuffled: bool) -> tuple[TextEncoder, Mapping[str, Any]]:
        from accord.recipes.distil.trans_encoder import Alternation, trans_encoder
        from accord.training import AdamW, Settings

        twins(model, cell, scale.first)
        optimizer = AdamW(lr=cell.rate)
        rules = Alternation(
            cycles=scale.cycles,
            cross=Settings(steps=scale.cross, batch=scale.batch, optimizer=optimizer),
            bi=Settings(steps=cell.regime.steps, batch=scale.batch, optimizer=optimizer),
            pair_length=2 * sizes.max_length,
            seed=cell.seed,
        )
        dealt = np.random.default_rng(cell.seed).permutation(len(couples))
        found = trans_encoder([model], couples, rules, relabel=(lambda labels: labels[dealt]) if shuffled else None)
        return found.bi[0], {"stages": [asdict(stage) for stage in found.stages]}

    found = Study(
        context=context,
        regimes=scale.regimes,
        arms=[
            Arm(name=TURNS, make=lambda model, cell: turns(model, cell, shuffled=False)),
            Arm(name=TWINS, train=more),
            Arm(name=SHUFFLED, make=lambda model, cell: turns(model, cell, shuffled=True)),
            Arm(name=BEFORE, train=before, grid=(FIRST_RATE,)),
        ],
        dev=lambda model, _: mean(values(model, mix.dev)),
        test=lambda model, _: values(model, {**mix.own, **mix.held_out}),
        max_length=sizes.max_length,
        shared={"scale": {**asdict(scale), "regimes": None}, "data": mix.fingerprints()},
    ).run()
    return outcome(
        found,
        method=TURNS,
        baseline=TWINS,
        further=[(TURNS, BEFORE), (TURNS, SHUFFLED), (TWINS, BEFORE)],
        notes=[f"{len(couples)} unlabelled pairs; rates are chosen by labelled dev rows, for every way alike."],
    )


CLAIM = Claim(
    name="trans_encoder",
    papers=(162,),
    statement="Turns of encoder and cross-encoder on unlabelled pairs beat as many more steps of contrastive twins.",
    method="each form labels pairs for the other, in cycles",
    baseline="twins of the same sentences for as many steps",
    metric="Spearman's correlation, mean of two sets",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("recipes/distil/trans_encoder.py",),
)
