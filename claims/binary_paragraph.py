"""Binary codes that are learned with the text, beside random hyperplanes at equal bits.

The thesis (binary paragraph vectors) learns codes through a rounded bottleneck that predicts a document's words, and
retrieves documents of the same topic by them better than earlier hashing, also on another corpus than it was trained
on.

Here the bottleneck stands behind a text encoder. A text finds texts of its label by Hamming distance: on the corpus
whose train texts the codec learned from, and, with the same codec, on another. Beside random hyperplanes: signs of
principal components at equal bits, and the vectors themselves. Nothing is tuned, and the codec was developed on neither
corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.codes import of_seeds, vectors_of
from claims.data import labelled
from claims.paired import compare
from claims.study import row

__all__ = ["CLAIM"]

ROLES = {
    "own": Role(folder="clinc150", shape="labelled", what="commands and their intents; learned from"),
    "other": Role(folder="banking77", shape="labelled", what="utterances and their intents; only judged by"),
}
METHOD, BASELINE, AXES, FLOAT = "learned with words", "random hyperplanes", "signs of components", "float32"
BITS = (32, 128)
DEPTH = 10
STEPS = {"quick": 300, "full": 600}
"""Of a codec that learns; 600 is its default."""
SIZES = {"quick": (300, 2_000), "full": (1_000, 10_000)}
"""Texts that search, and texts that are searched, of each corpus."""


@dataclass(frozen=True)
class Corpus:
    """Texts that search and texts that are searched, with whether each pair has one label."""

    queries: np.ndarray
    documents: np.ndarray
    texts: Sequence[str]
    same: np.ndarray

    def fingerprint(self) -> str:
        """Of what is searched, and for what."""
        from accord.core.storage import hash_json

        return hash_json([list(self.texts), self.same.shape, np.packbits(self.same).tobytes().hex()])


def run(context: Context) -> Outcome:
    """Fit every codec on the first corpus, and search both."""
    from accord import load

    model = load(context.model, device=context.device)
    corpora = {name: _corpus(context, name, folder, model) for name, folder in context.data.items()}

    def way(how: str) -> Callable[[int], Mapping[str, Any]]:
        return lambda seed: _searched(corpora, how, seed, STEPS[context.scale])

    ways = {how: way(how) for how in (METHOD, BASELINE, AXES, FLOAT)}
    key = {"data": {name: of.fingerprint() for name, of in corpora.items()}, "model": model.fingerprint()}
    values, seconds = of_seeds(context, ways, key)
    return Outcome(
        paired=compare(values[METHOD], values[BASELINE]),
        seconds=seconds,
        tasks=[
            row(compare({task: values[METHOD][task]}, {task: values[BASELINE][task]}), task=task)
            for task in values[METHOD]
        ],
        details={
            "means": {how: {task: round(float(of[task].mean()), 4) for task in of} for how, of in values.items()},
            "comparisons": {
                f"{METHOD} against {how}": row(compare(values[METHOD], values[how])) for how in (AXES, FLOAT)
            },
        },
        notes=[f"{' and '.join(map(str, BITS))} bits; codecs learn from the first corpus alone."],
    )


def _searched(corpora: Mapping[str, Corpus], how: str, seed: int, steps: int) -> dict[str, list[float]]:
    found = {}
    for bits in BITS:
        codec = _codec(corpora["own"], how, bits, seed, steps)
        for name, of in corpora.items():
            if codec is None:
                scores = of.queries @ of.documents.T
            else:
                scores = codec.code_scores(codec.encode(of.queries), codec.encode(of.documents))
            order = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
            found[f"{name}, {bits} bits"] = np.take_along_axis(of.same, order, axis=1).mean(axis=1).tolist()
    return found


def _codec(own: Corpus, how: str, bits: int, seed: int, steps: int) -> Any:
    from accord.compression.codecs import PCA, BinaryParagraph, RotatedSign, word_counts

    if how == METHOD:
        return BinaryParagraph(bits=bits, steps=steps).fit(own.documents, words=word_counts(own.texts), seed=seed)
    if how == BASELINE:
        return RotatedSign(bits=bits).fit(own.documents, seed=seed)
    return PCA(dim=bits, then="Sign").fit(own.documents, seed=seed) if how == AXES else None


def _corpus(context: Context, name: str, folder: Path, model: Any) -> Corpus:
    from accord.core.random import numpy_generator

    def some(part: str, most: int) -> tuple[list[str], np.ndarray]:
        rows = labelled(folder, part)
        kept = np.sort(numpy_generator(0, "texts", name, part).permutation(len(rows))[:most])
        taken = rows.take(kept)
        return list(taken.column("text")), np.asarray(taken.column("label"))

    queries, documents = SIZES[context.scale]
    asked, wanted = some("test", queries)
    texts, labels = some("train", documents)
    return Corpus(
        queries=vectors_of(context, model, asked, what=f"queries of {name}"),
        documents=vectors_of(context, model, texts, what=f"texts of {name}"),
        texts=texts,
        same=wanted[:, None] == labels[None, :],
    )


CLAIM = Claim(
    name="binary_paragraph",
    papers=(70,),
    statement="Short codes learned through a document's words find texts of its topic better than random hyperplanes.",
    method="bits through which the words of a text are predicted",
    baseline="signs along random directions, as many",
    metric="share of one label among the ten nearest by Hamming distance, mean of two corpora and two lengths",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("compression/codecs/binary_paragraph.py",),
)
