"""DefSent+: definitions drawn to the vectors of what they define.

The paper trains an encoder to map the definition of a dictionary entry to the entry's own vector, among those of all
entries. Entry vectors are no word table but encodings of the entries, so that any number of words may be one entry,
and they are made isotropic first; both are built anew as the encoder learns.

Here entries and definitions are WordNet's. The method draws definitions to whitened entry vectors, built twice in the
course of the training; the baseline to the same vectors as they are (not isotropic). Beside them: whitened vectors with
the definitions shuffled, the same definitions as their own twins (unsupervised SimCSE), and the start as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.data import scored
from claims.judges import mean, similarity_values
from claims.starts import Start
from claims.study import Arm, Cell, Regime, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Labelled, Scored

__all__ = ["CLAIM"]

ROLES = {
    "entries": Role(folder="wn18rr", shape="entities", what="words and their definitions (entity2text.tsv)"),
    "sts": Role(folder="stsb", shape="scored", what="sentence pairs with similarity scores"),
    "relatedness": Role(folder="sick", shape="scored", what="sentence pairs with relatedness scores"),
}
ROUNDS = 2
"""How often entry vectors are built from the encoder as it is by then."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything; at most `pairs` of a test (dev: half)."""

    regimes: tuple[Regime, ...]
    batch: int
    entries: int
    pairs: int
    max_length: int


def _regimes(steps: int) -> tuple[Regime, ...]:
    return (Regime(start=Start(name="two layers", layers=2), steps=steps, rates=(1e-4, 4e-4)),)


SCALES = {
    "quick": Scale(regimes=_regimes(60), batch=64, entries=3_000, pairs=600, max_length=40),
    "full": Scale(regimes=_regimes(120), batch=64, entries=8_000, pairs=1_400, max_length=40),
}


def run(context: Context) -> Outcome:
    """Train towards entries of each kind, from every start, with every seed."""
    scale = SCALES[context.scale]
    tests = {name: _pairs(context.data[name], "test", scale.pairs) for name in ("sts", "relatedness")}
    dev = {name: _pairs(context.data[name], "dev", scale.pairs // 2) for name in ("sts", "relatedness")}
    definitions = _definitions(context.data["entries"], scale.entries)
    kinds = {
        "isotropic entries": {"isotropic": True},
        "entries as they are": {"isotropic": False},
        "isotropic entries, definitions shuffled": {"isotropic": True, "shuffled": True},
    }

    def arm(name: str, options: Mapping[str, bool]) -> Arm:
        return Arm(
            name=name,
            train=lambda model, cell: _train(model, definitions, cell, scale.batch, **options),
            options=options,
        )

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[
            *(arm(name, options) for name, options in kinds.items()),
            Arm(name="twins", train=lambda model, cell: _twins(model, definitions, cell, scale.batch)),
            Arm(name="as it is", train=None),
        ],
        dev=lambda model, _: mean(similarity_values(model, dev)),
        test=lambda model, _: similarity_values(model, tests),
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "rounds": ROUNDS,
            "data": {"definitions": definitions.fingerprint(), **{n: of.fingerprint() for n, of in tests.items()}},
        },
    )
    first, second, third = kinds
    return outcome(
        study.run(),
        method=first,
        baseline=second,
        further=[(first, third), (first, "twins"), (first, "as it is"), (second, "as it is")],
        notes=["The starts know similarity from supervised training already, unlike the paper's masked-token models."],
    )


def _definitions(folder: Path, most: int) -> Labelled:
    """Definitions (text) and what they define (label); examples and further senses are left out."""
    from accord.core.random import numpy_generator
    from accord.data import Labelled
    from accord.data.lines import open_text

    file = next(f for ending in ("tsv.gz", "tsv") if (f := folder / f"entity2text.{ending}").is_file())
    rows: dict[str, str] = {}
    with open_text(file) as lines:
        for line in lines:
            entry, _, gloss = line.rstrip("\n").partition("\t")[2].partition(", ")
            gloss = re.split(r"   |; \"", gloss)[0].strip()
            if entry and len(gloss.split()) > 2:
                rows.setdefault(gloss, entry)
    kept = numpy_generator(0, "definitions").permutation(len(rows))[:most]
    items = list(rows.items())
    return Labelled({"text": [items[k][0] for k in kept], "label": [items[k][1] for k in kept]})


def _pairs(folder: Path, part: str, most: int) -> Scored:
    from accord.core.random import numpy_generator

    whole = scored(folder, part)
    return whole.take(np.sort(numpy_generator(0, "pairs", folder.name).permutation(len(whole))[:most]))


def _train(
    model: TextEncoder, definitions: Labelled, cell: Cell, batch: int, *, isotropic: bool, shuffled: bool = False
) -> Mapping[str, Any]:
    """Rounds of: build entry vectors by the encoder as it is, then draw definitions to them."""
    from accord.core.random import numpy_generator
    from accord.data import Labelled
    from accord.maths.whitening import whitening
    from accord.objectives import FixedTargets
    from accord.training import AdamW, Settings, TrainingTask, train

    signal = definitions
    if shuffled:
        order = numpy_generator(cell.seed, "shuffled").permutation(len(definitions))
        labels = definitions.column("label")
        signal = Labelled({"text": definitions.column("text"), "label": [labels[k] for k in order]})
    entries = np.unique(np.asarray(signal.column("label"))).tolist()
    steps = tokens = 0
    for number in range(ROUNDS):
        vectors = model.encode(entries).astype(np.float64)
        table = whitening(vectors, symmetric=True, shrinkage=0.05)(vectors) if isotropic else vectors
        task = TrainingTask(name="definitions", signal=signal, objective=FixedTargets(table, temperature=0.05))
        settings = Settings(
            steps=cell.regime.steps // ROUNDS,
            batch=batch,
            optimizer=AdamW(lr=cell.rate),
            seed=cell.seed + 1000 * number,
        )
        result = train(model, [task], settings)
        steps, tokens = steps + result.steps, tokens + sum(result.tokens.values())
    return {"steps": steps, "tokens": tokens, "entries": len(entries)}


def _twins(model: TextEncoder, definitions: Labelled, cell: Cell, batch: int) -> Mapping[str, Any]:
    """The definitions and themselves under another dropout."""
    from accord import InfoNCE
    from accord.data import Unlabelled
    from accord.data.synthesis import Twins
    from accord.training import AdamW, Settings, TrainingTask, train

    pairs = Twins().pairs(Unlabelled({"text": definitions.column("text")}))
    task = TrainingTask(name="twins", signal=pairs, objective=InfoNCE())
    settings = Settings(steps=cell.regime.steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
    result = train(model, [task], settings)
    return {"steps": result.steps, "tokens": sum(result.tokens.values())}


CLAIM = Claim(
    name="definitions",
    papers=(17,),
    statement="Definitions drawn to isotropic vectors of their entries teach similarity better than to raw ones.",
    method="whitened entry vectors, built anew in each of two rounds",
    baseline="the same entry vectors as they are",
    metric="Spearman's correlation, mean of two sets",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("objectives/proxies/fixed_targets.py", "maths/whitening.py"),
)
