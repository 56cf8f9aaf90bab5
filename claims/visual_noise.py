"""Pixel Linguist, its text side: sentences and their respelt twins as pairs.

The paper renders sentences as pictures and learns what they mean from twins that look alike: typos, look-alike
characters, words out of order. Only that augmentation is tested here, on an encoder that reads tokens; a vision encoder
is not.

The method trains on sentences and their respelt twins, the baseline on sentences and themselves under another dropout
(unsupervised SimCSE): the same sentences, steps and batches. Judged by similarity, on pairs as they are and on pairs
whose second sentence has slips of the keyboard, a kind of noise that neither side saw in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from claims.base import Claim, Context, Outcome, Role
from claims.data import scored, texts_of
from claims.judges import mean, similarity_values
from claims.starts import Start
from claims.study import Arm, Cell, Regime, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Pairs, Scored, Unlabelled
    from accord.data.synthesis import Synthesis

__all__ = ["CLAIM"]

ROLES = {
    "sts": Role(folder="stsb", shape="scored", what="sentence pairs with similarity scores"),
    "relatedness": Role(folder="sick", shape="scored", what="sentence pairs with relatedness scores"),
    "sentences": Role(folder="snli_small", shape="pairs", what="further sentences to train on"),
}
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SLIPS = 0.3
"""Share of the words with a slip, in noisy tests."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything; at most `pairs` of a test (dev: half) and `sentences` to train on."""

    regimes: tuple[Regime, ...]
    batch: int
    pairs: int
    sentences: int
    max_length: int


def _regimes(steps: int) -> tuple[Regime, ...]:
    return (
        Regime(start=Start(name="two layers", layers=2), steps=steps, rates=(1e-4, 4e-4)),
        Regime(start=Start(name="untrained", layers=2, fresh=True), steps=steps, rates=(1e-4, 4e-4)),
    )


SCALES = {
    "quick": Scale(regimes=_regimes(60)[:1], batch=64, pairs=600, sentences=8_000, max_length=48),
    "full": Scale(regimes=_regimes(120), batch=64, pairs=1_400, sentences=16_000, max_length=48),
}


def run(context: Context) -> Outcome:
    """Train on twins of both kinds, from every start, with every seed."""
    from accord.data.synthesis import Twins, VisualNoise

    scale = SCALES[context.scale]
    tests = _tests(context, "test", scale.pairs)
    dev = _tests(context, "dev", scale.pairs // 2)
    texts = _texts(context, scale.sentences, {t for part in (tests, dev) for t in _all_texts(part)})
    makers: dict[str, Synthesis] = {"respelt twins": VisualNoise(), "dropout twins": Twins()}

    def arm(name: str, maker: Synthesis) -> Arm:
        return Arm(
            name=name, train=lambda model, cell: _train(model, maker.pairs(texts, seed=cell.seed), cell, scale.batch)
        )

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[*(arm(name, maker) for name, maker in makers.items()), Arm(name="as it is", train=None)],
        dev=lambda model, _: mean(similarity_values(model, dev)),
        test=lambda model, _: similarity_values(model, tests),
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "data": {"texts": texts.fingerprint(), **{n: of.fingerprint() for n, of in tests.items()}},
        },
    )
    return outcome(
        study.run(),
        method="respelt twins",
        baseline="dropout twins",
        further=[("respelt twins", "as it is"), ("dropout twins", "as it is")],
        notes=["The text side only: nothing is rendered, and the encoder reads tokens."],
    )


def keyboard(text: str, seed: int) -> str:
    """Every third word or so with one key missed: a neighbour on the keyboard in its place."""
    from accord.core.random import numpy_generator

    generator = numpy_generator(seed, "keyboard", text)
    words = text.split()
    for k, word in enumerate(words):
        places = [p for p, letter in enumerate(word) if any(letter in line for line in KEYS)]
        if places and generator.random() < SLIPS:
            place = places[int(generator.integers(len(places)))]
            line = next(line for line in KEYS if word[place] in line)
            at = line.index(word[place])
            near = [line[n] for n in (at - 1, at + 1) if 0 <= n < len(line)]
            words[k] = word[:place] + near[int(generator.integers(len(near)))] + word[place + 1 :]
    return " ".join(words)


def _tests(context: Context, part: str, most: int) -> dict[str, Scored]:
    from accord.core.random import numpy_generator
    from accord.data import Scored

    found: dict[str, Scored] = {}
    for name in ("sts", "relatedness"):
        whole = scored(context.data[name], part)
        rows = numpy_generator(0, "pairs", name).permutation(len(whole))[:most]
        clean = whole.take(sorted(rows.tolist()))
        table = {column: clean.column(column) for column in ("text1", "text2", "score")}
        found[name] = Scored(table)
        found[f"{name}, slips"] = Scored({**table, "text2": [keyboard(text, 1) for text in table["text2"]]})
    return found


def _all_texts(tests: Mapping[str, Scored]) -> set[str]:
    return {text for test in tests.values() for side in ("text1", "text2") for text in test.column(side)}


def _texts(context: Context, most: int, held_out: set[str]) -> Unlabelled:
    from accord.core.random import numpy_generator
    from accord.data import Unlabelled

    found = [text for role in ROLES for text in texts_of(context.data[role], "train", "text1", "text2")]
    kept = [text for text in dict.fromkeys(found) if text not in held_out and len(text.split()) > 2]
    rows = numpy_generator(0, "sentences").permutation(len(kept))[:most]
    return Unlabelled({"text": [kept[row] for row in rows]})


def _train(model: TextEncoder, pairs: Pairs, cell: Cell, batch: int) -> Mapping[str, Any]:
    from accord import InfoNCE
    from accord.training import AdamW, Settings, TrainingTask, train

    task = TrainingTask(name="twins", signal=pairs, objective=InfoNCE())
    settings = Settings(steps=cell.regime.steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
    result = train(model, [task], settings)
    return {"steps": result.steps, "tokens": sum(result.tokens.values())}


CLAIM = Claim(
    name="visual_noise",
    papers=(167,),
    statement=(
        "Respelt twins (look-alike characters, slips, words out of order) teach similarity better than twins that "
        "differ by dropout alone, over sentences as they are and sentences with slips together."
    ),
    method="sentences and their respelt twins as pairs",
    baseline="sentences and themselves under another dropout",
    metric="Spearman's correlation, mean of two sets, each as it is and with slips of the keyboard",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("data/synthesis/visual_noise.py",),
)
