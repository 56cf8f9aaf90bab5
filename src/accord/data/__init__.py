"""Rows and what they mean: signals, sources, splits, leakage, sampling and batches.

How to choose a signal
----------------------
A signal says what the data calls near. The columns decide which one a table is; ``signal=`` and ``columns=`` decide
where they leave it open.

- `Pairs`: anchor, positive; optional negative, negative_1, ... and score. For clicks, questions with answers,
  translations, paraphrases, judged documents.
- `Labelled`: text, label. For topics, intents, any classes.
- `Scored`: text1, text2, score. For similarity judgements, and pairs marked 0/1.
- `Ranked`: query, pos, neg (lists); optional pos_scores, neg_scores, prompt. For several positives a query, mined
  negatives, a teacher's scores.
- `Unlabelled`: text. For documents to search and texts to encode.

The usual names of other tools are understood: ``query`` and ``passage`` or ``answer``, ``sentence1`` and ``sentence2``,
``sentence_A`` and ``sentence_B``, ``premise`` and ``hypothesis``, numbered positives and negatives, and the JSONL of
FlagEmbedding. Two texts with a class such as "contradiction" are refused: as pairs they would teach that opposites are
near. Columns that make two signals are asked about.

>>> rows = {"title": ["Opening hours"], "body": ["We open at nine."]}
>>> pairs = Pairs.of(rows, columns={"anchor": "title", "positive": "body"})
>>> pairs.describe()["rows"]
1

From rows to training
---------------------
`read` gives a signal from a file. `split` divides it by the hash of a column, so that a group never straddles and new
rows move no old ones. `find_leaks` names the training rows that any task holds out. `min_per_label` drops rare labels.
A sampler (`accord.data.samplers`) decides which task each step trains, and `draw` gives its rows: every one once an
epoch (`BatchStream`), labels or classes together, or in proportion to weights (`WeightedStream`). `stream` opens a file
that is larger than memory. `inspect` says what a file is and what is wrong with it; `accord.data.cleaning` leaves out
what repeats. Sources are in `accord.data.sources`.
"""

from __future__ import annotations

from accord.data.base import Sampler, Source
from accord.data.batches import BatchStream
from accord.data.detect import detect
from accord.data.drawing import Batches, draw
from accord.data.filters import Filtered, min_per_label
from accord.data.inspection import Inspection, inspect
from accord.data.leakage import Leakage, find_leaks, normalise
from accord.data.read import read
from accord.data.signals import SIGNALS, Labelled, Pairs, Ranked, Scored, Signal, Unlabelled
from accord.data.splits import Split, split
from accord.data.streams import Stream, stream
from accord.data.weighted import WeightedStream

__all__ = [
    "SIGNALS",
    "BatchStream",
    "Batches",
    "Filtered",
    "Inspection",
    "Labelled",
    "Leakage",
    "Pairs",
    "Ranked",
    "Sampler",
    "Scored",
    "Signal",
    "Source",
    "Split",
    "Stream",
    "Unlabelled",
    "WeightedStream",
    "detect",
    "draw",
    "find_leaks",
    "inspect",
    "min_per_label",
    "normalise",
    "read",
    "split",
    "stream",
]
