"""Mining: harder negatives, paraphrases and near-duplicates, from vectors.

Everything here is a function of arrays: it knows no model and no file. :func:`accord.mine` and `accord mine` join it
with an encoder and with files.

- :func:`hard_negatives` chooses each query's negatives among ranked candidates: rank window, margins below the
  positive, bounds, a guide that may refuse, the best or a random choice. :class:`NegativeRules` says which, and the
  result counts what each rule refused. :class:`Collection` gives a signal's queries, documents and positives,
  :func:`listed` and :func:`same_class` keep known positives out of the search, and the functions of
  :mod:`accord.data.mining.layouts` give what was found as a signal again.
- :func:`paraphrases` gives the nearest pairs of a large collection, each once, the best first.
- :func:`near_duplicates` finds the rows that repeat an earlier one.

>>> rules = NegativeRules(negatives=2, ranks=(0, 4), relative_margin=0.05)
>>> ranked, scores = np.array([[3, 5, 8, 9]]), np.array([[0.9, 0.7, 0.5, 0.2]])
>>> hard_negatives(ranked, scores, np.array([0.8]), rules).documents.tolist()
[[5, 8]]
"""

from __future__ import annotations

from accord.data.mining.collection import Collection
from accord.data.mining.hard_negatives import Mined, NegativeRules, hard_negatives
from accord.data.mining.known import listed, same_class
from accord.data.mining.near_duplicates import Duplicates, near_duplicates
from accord.data.mining.paraphrases import TextPairs, paraphrases

__all__ = [
    "Collection",
    "Duplicates",
    "Mined",
    "NegativeRules",
    "TextPairs",
    "hard_negatives",
    "listed",
    "near_duplicates",
    "paraphrases",
    "same_class",
]
