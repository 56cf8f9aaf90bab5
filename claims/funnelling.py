"""Generalized Funnelling: several views of a text, brought together by a second classifier.

The paper classifies texts of many languages by a classifier over language-independent views: calibrated posteriors of a
classifier a language, word-class vectors, multilingual word vectors and a contextual encoder. It beats Funnelling,
which has the posteriors alone, and each view by itself.

Here topics of sentences in eight languages are learned from 80 sentences of each. The views are posteriors, word-class
vectors and the packaged encoder, which has read English nearly alone. The baseline is the better, by sentences held
back, of Funnelling and of each view alone; by the same sentences every side chooses the strength of its second tier. A
test sentence counts once, by the share of languages in which it is right. The mean of the views is reported beside.

Not tested: several labels for a text, and an encoder tuned to the topics first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.paired import compare
from claims.study import row

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.alignment import Funnelling

__all__ = ["CLAIM"]

ROLES = {"topics": Role(folder="sib200", shape="labelled", what="parallel sentences, their language and their topic")}
METHOD = "all views"
STRENGTHS = (1.0, 10.0, 100.0)
SINGLE = ("posteriors alone (Funnelling)", "word classes alone", "encoder alone")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything.

    Args:
        languages: that are learned and judged.
        train: sentences of each language to learn from; another draw for each seed.
        dev: sentences held back, to choose the baseline by.
    """

    languages: tuple[str, ...]
    train: int
    dev: int
    max_length: int


_EIGHT = ("eng_Latn", "deu_Latn", "fra_Latn", "spa_Latn", "ita_Latn", "por_Latn", "nld_Latn", "pol_Latn")
SCALES = {
    "quick": Scale(languages=_EIGHT[:4], train=80, dev=100, max_length=64),
    "full": Scale(languages=_EIGHT, train=80, dev=200, max_length=64),
}


@dataclass(frozen=True)
class Sentences:
    """Sentences of one part."""

    ids: list[str]
    texts: list[str]
    labels: list[str]
    languages: list[str]

    def some(self, ids: set[str]) -> Sentences:
        """Those with these ids, in all languages."""
        rows = [k for k, name in enumerate(self.ids) if name in ids]
        return Sentences(*([getattr(self, field)[k] for k in rows] for field in vars(self)))


class Known:
    """Vectors of all sentences, encoded once.

    Args:
        encoder: whose vectors.
        texts: all that will be asked for.
    """

    def __init__(self, encoder: TextEncoder, texts: Sequence[str]) -> None:
        distinct = list(dict.fromkeys(texts))
        self.vectors = dict(zip(distinct, encoder.encode(distinct)))

    def encode(self, texts: Sequence[str], **_: object) -> np.ndarray:
        """Their vectors, (n, dim)."""
        return np.array([self.vectors[text] for text in texts])

    encode_query = encode_document = encode


def run(context: Context) -> Outcome:
    """Fit every side on every draw of train sentences."""
    from accord import load

    scale = SCALES[context.scale]
    parts = {part: _read(context, part, scale.languages) for part in ("train", "dev", "test")}
    encoder: Any = load(context.model, device=context.device, max_length=scale.max_length)
    held = _choose(parts["dev"], scale.dev, 0)
    runs: dict[str, list[dict[str, Any]]] = {}
    known: list[Known] = []

    def vectors() -> Known:
        if not known:
            known.append(Known(encoder, [text for part in parts.values() for text in part.texts]))
        return known[0]

    for seed in context.seeds:
        learnt = _choose(parts["train"], scale.train, seed)
        for name in (METHOD, "mean of all views", *SINGLE):

            def make(name: str = name, learnt: Sentences = learnt, seed: int = seed) -> dict[str, Any]:
                begun = time.perf_counter()
                tuned = runs[name][0]["strength"] if name in runs else None
                fitted = {
                    strength: _sides(vectors(), seed, strength)[name].fit(learnt.texts, learnt.labels, learnt.languages)
                    for strength in ([tuned] if tuned else STRENGTHS)
                }
                dev = {strength: _right(model, held) for strength, model in fitted.items()}
                best = max(dev, key=lambda strength: np.mean(dev[strength]))
                test = _right(fitted[best], parts["test"])
                return {"dev": dev[best], "test": test, "strength": best, "seconds": time.perf_counter() - begun}

            key = {"scale": asdict(scale), "model": encoder.fingerprint(), "side": name, "seed": seed}
            found = context.cached(key, make)
            context.say(f"{name}, seed {seed}: {np.mean(found['test']):.4f} ({found['seconds']:.0f} s)")
            runs.setdefault(name, []).append(found)
    best = max(SINGLE, key=lambda name: np.mean([one["dev"] for one in runs[name]]))
    sides = {name: {"topics": np.array([one["test"] for one in of])} for name, of in runs.items()}
    paired = compare(sides[METHOD], sides[best])
    return Outcome(
        paired=paired,
        seconds=sum(one["seconds"] for of in runs.values() for one in of),
        tasks=[row(paired, task="topics")],
        details={
            "comparisons": {
                f"{METHOD} against {n}": row(compare(sides[METHOD], sides[n])) for n in sides if n != METHOD
            },
            "test": {name: round(float(of["topics"].mean()), 4) for name, of in sides.items()},
            "strength": {name: of[0]["strength"] for name, of in runs.items()},
        },
        notes=[
            f"Of the single views, {best} is the best on sentences held back, and is the baseline.",
            f"Languages: {', '.join(name.partition('_')[0] for name in scale.languages)}.",
        ],
    )


def _sides(known: Known, seed: int, strength: float) -> Mapping[str, Funnelling]:
    from accord.alignment import Funnelling
    from accord.alignment.views import Encoded, Posteriors, WordClasses

    encoder: Any = known
    posteriors, classes, encoded = Posteriors(), WordClasses(), Encoded(encoder)
    return {
        METHOD: Funnelling([posteriors, classes, encoded], seed=seed, strength=strength),
        "mean of all views": Funnelling([posteriors, classes, encoded], combine="mean", seed=seed, strength=strength),
        SINGLE[0]: Funnelling([posteriors], seed=seed, strength=strength),
        SINGLE[1]: Funnelling([classes], seed=seed, strength=strength),
        SINGLE[2]: Funnelling([encoded], seed=seed, strength=strength),
    }


def _read(context: Context, part: str, languages: Sequence[str]) -> Sentences:
    from accord.data.formats import read_table

    folder = context.data["topics"]
    file = next(f for ending in ("jsonl.gz", "jsonl") if (f := folder / f"{part}.{ending}").is_file())
    rows = [row for row in read_table(file).to_pylist() if row["lang"] in languages]
    return Sentences(*([str(row[key]) for row in rows] for key in ("id", "text", "label", "lang")))


def _choose(part: Sentences, most: int, seed: int) -> Sentences:
    """Some sentences, the same in all languages."""
    from accord.core.random import numpy_generator

    ids = np.array(sorted(set(part.ids)))
    return part.some(set(ids[numpy_generator(seed, "sentences").permutation(len(ids))[:most]].tolist()))


def _right(model: Any, part: Sentences) -> list[float]:
    """For each sentence, the share of languages in which its label is found."""
    right = np.asarray(model.predict(part.texts, part.languages)) == np.asarray(part.labels)
    ids = np.asarray(part.ids)
    return [float(right[ids == name].mean()) for name in sorted(set(part.ids))]


CLAIM = Claim(
    name="funnelling",
    papers=(123,),
    statement="A second classifier over several views of texts of many languages is better than any view alone.",
    method="posteriors, word-class vectors and an encoder's, one after the other",
    baseline="the best single view by sentences held back",
    metric="accuracy, mean over languages",
    roles=ROLES,
    run=run,
    seeds={"quick": 3, "full": 5},
    method_files=("alignment/funnelling.py",),
)
