"""Conditional cross-attention: a space for each attribute from one head, beside one space for all attributes.

The paper lets a token of the condition attend to the patches of a picture, and gets a space for each attribute without
entangling them, better than networks that learn all attributes in one space.

Here turns of dialogues stand in for garments: each has the service that it belongs to, what it does, and what it is
about. A head learns all three on the frozen token vectors of a sentence encoder, with a token for each attribute; the
baseline is the same head with one token for all, trained on the same rows for as many steps. Beside them: a head of its
own for each attribute (three times the weights), and the encoder's own vectors. Judged on other dialogues.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.starts import Start
from claims.study import Arm, Cell, Regime, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

ATTRIBUTES = ("service", "act", "slot")
CONDITIONAL, ONE, OWN, PLAIN = "a token an attribute", "one space", "a head an attribute", "as it is"
MAX_LENGTH, BATCH = 64, 64


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Args:
        turns: of training.
        judged: turns of the test (dev: half as many).
        steps: of each arm in all.
        rates: of learning.
    """

    turns: int
    judged: int
    steps: int
    rates: tuple[float, ...]


SCALES = {
    "quick": Scale(turns=1_200, judged=500, steps=150, rates=(3e-4, 1e-3, 3e-3)),
    "full": Scale(turns=10_000, judged=2_000, steps=1_200, rates=(1e-4, 3e-4, 1e-3, 3e-3)),
}

Encode = Callable[[list[str]], np.ndarray]
Turns = dict[str, dict[str, str]]
"""By text, its label in each attribute."""


def run(context: Context) -> Outcome:
    """Train every head, and search in every space."""
    from accord.core.storage import hash_json

    scale = SCALES[context.scale]
    folder = context.data["turns"]
    parts = {
        "train": _turns(folder, "train", scale.turns),
        "dev": _turns(folder, "dev", scale.judged // 2),
        "test": _turns(folder, "test", scale.judged),
    }
    seen = set(parts["test"]) | set(parts["dev"])
    parts["train"] = {text: labels for text, labels in parts["train"].items() if text not in seen}
    parts["dev"] = {text: labels for text, labels in parts["dev"].items() if text not in parts["test"]}

    def made(model: TextEncoder, cell: Cell, arm: str) -> tuple[Any, Mapping[str, Any]]:
        spaces = _trained(model, parts["train"], cell, arm)
        judged = {
            part: {name: encode(list(parts[part])) for name, encode in spaces.items()} for part in ("dev", "test")
        }
        return judged, {"leaks": _leaks(judged["dev"], parts["dev"]), "steps": cell.regime.steps}

    arms = (CONDITIONAL, ONE, OWN)
    found = Study(
        context=context,
        regimes=[Regime(start=Start(name="frozen"), steps=scale.steps, rates=scale.rates)],
        arms=[
            *(Arm(name=arm, make=lambda model, cell, arm=arm: made(model, cell, arm)) for arm in arms),
            Arm(name=PLAIN, make=lambda model, cell: made(model, cell, PLAIN), grid=(1.0,)),
        ],
        dev=lambda judged, _: float(np.mean([np.mean(v) for v in _values(judged["dev"], parts["dev"]).values()])),
        test=lambda judged, _: _values(judged["test"], parts["test"]),
        max_length=MAX_LENGTH,
        shared={"turns": hash_json(parts), "batch": BATCH},
    ).run()
    return outcome(
        found,
        method=CONDITIONAL,
        baseline=ONE,
        further=[(CONDITIONAL, OWN), (CONDITIONAL, PLAIN), (ONE, PLAIN)],
        details={"sizes": {part: len(of) for part, of in parts.items()}},
        notes=[
            "Turns of dialogues stand in for pictures of garments: there was no set of them.",
            "The encoder below is frozen on all sides; the paper trains it.",
            "Leaks: mean average precision of one attribute (second) in the space of another (first), on dev.",
        ],
    )


def _turns(folder: Path, part: str, most: int) -> Turns:
    """Turns that do one thing about one thing for one service."""
    from accord.core.random import derive
    from accord.data.formats import read_table

    file = next(file for file in sorted(folder.glob(f"{part}.jsonl*")))
    found: Turns = {}
    for dialogue in read_table(file).to_pylist():
        for turn in dialogue["turns"]:
            acts, services = turn["acts"], turn["services"]
            if len(acts) == 1 and len(services) == 1 and acts[0][1]:
                labels = (services[0].split("_")[0], acts[0][0], acts[0][1])
                found[turn["text"]] = dict(zip(ATTRIBUTES, labels))
    kept = sorted(found, key=lambda text: derive(0, "turn", text))[:most]
    return {text: found[text] for text in kept}


def _trained(model: TextEncoder, turns: Turns, cell: Cell, arm: str) -> dict[str, Encode]:
    """What gives the vectors of each attribute."""
    from accord.data import Labelled
    from accord.encoders.heads import ConditionalAttention
    from accord.recipes.conditions import fit_conditions

    if arm == PLAIN:
        return dict.fromkeys(ATTRIBUTES, model.encode)
    texts = list(turns)
    tables = {name: Labelled.of({"text": texts, "label": [turns[t][name] for t in texts]}) for name in ATTRIBUTES}
    steps, rate, seed = cell.regime.steps, cell.rate, cell.seed
    if arm == OWN:
        each = {
            name: fit_conditions(model, {name: of}, steps=steps // 3, batch=BATCH, lr=rate, seed=seed)
            for name, of in tables.items()
        }
        return {name: lambda of, name=name, one=one: one.encode(of, name) for name, one in each.items()}
    width = model.backbone.config.hidden_size
    names = ["all"] if arm == ONE else list(ATTRIBUTES)
    head = ConditionalAttention(names, width, model.dim, seed=seed)
    one = fit_conditions(model, tables, head=head, steps=steps, batch=BATCH, lr=rate, seed=seed)
    asked = {name: "all" if arm == ONE else name for name in ATTRIBUTES}
    return {name: lambda of, condition=condition: one.encode(of, condition) for name, condition in asked.items()}


@lru_cache(maxsize=32)
def _same(labels: tuple[str, ...]) -> np.ndarray:
    """Which texts share a label, without themselves."""
    codes = np.unique(np.array(labels), return_inverse=True)[1]
    same = codes[:, None] == codes[None, :]
    np.fill_diagonal(same, False)
    return same


def _precision(vectors: np.ndarray, labels: tuple[str, ...]) -> list[float]:
    """Average precision of each text that shares its label with another, among all others."""
    same = _same(labels)
    scores = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(scores, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]
    hits = np.take_along_axis(same, order, axis=1)
    precise = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    wanted = hits.sum(axis=1)
    return ((precise * hits).sum(axis=1)[wanted > 0] / wanted[wanted > 0]).tolist()


def _values(spaces: Mapping[str, np.ndarray], turns: Turns) -> dict[str, list[float]]:
    return {name: _precision(of, tuple(labels[name] for labels in turns.values())) for name, of in spaces.items()}


def _leaks(spaces: Mapping[str, np.ndarray], turns: Turns) -> dict[str, float]:
    """How well each other attribute is found in the space of one."""
    return {
        f"{name}, {other}": round(float(np.mean(_precision(of, tuple(labels[other] for labels in turns.values())))), 4)
        for name, of in spaces.items()
        for other in ATTRIBUTES
        if other != name
    }


CLAIM = Claim(
    name="conditional_attention",
    papers=(208,),
    statement="A head with a token for each attribute finds what shares it better than the same head with one space.",
    method="one head, three condition tokens",
    baseline="the same head with one token, trained on all three attributes",
    metric="average precision, mean of three attributes",
    roles={"turns": Role(folder="sgd_acts", shape="dialogues", what="turns with a service, an act and a slot")},
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("encoders/heads/conditional_attention.py", "recipes/conditions.py"),
)
