"""Many pairs to scores: equal pairs once, each text tokenised once, like lengths together, batches by tokens."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.encoders.base import Batch, check_texts
from accord.encoders.engines import PRECISIONS, native_bfloat16
from accord.encoders.pairs.tokens import PairTokens, Texts
from accord.maths.packing import token_batches

__all__ = ["WINDOW", "Scorer", "logits_of", "logits_of_few"]

logger = logging.getLogger(__name__)

WINDOW = 32_768
"""Pairs that are folded and sorted together."""

PROBES = 16
MINIMUM_CORRELATION = 0.999


class Scorer(Protocol):
    """What scoring needs of a cross-encoder."""

    training: bool
    pair_tokens: PairTokens

    @property
    def num_labels(self) -> int:
        """Scores a pair."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    def __call__(self, batch: Batch) -> Tensor:
        """(pairs, labels) raw scores."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Switch dropout on or off."""
        ...


def logits_of(
    scorer: Scorer,
    left: Sequence[str],
    right: Sequence[str],
    *,
    batch_tokens: int,
    precision: str,
    progress: Progress | None,
) -> np.ndarray:
    """Raw scores (pairs, labels) float32, in the order of the pairs; they do not depend on it nor on the batches.

    The model is in evaluation mode meanwhile and returns to the mode it was in, also after Ctrl-C.

    Raises:
        InputError: sides of unequal length, something that is no text, or an argument out of range.
    """
    check_at_least("batch_tokens", batch_tokens, 1)
    check_choice("precision", precision, PRECISIONS)
    if len(left) != len(right):
        raise InputError(f"`left` and `right` must be equally many. Got {len(left)} and {len(right)} texts.")
    scores = np.empty((len(left), scorer.num_labels), dtype=np.float32)
    show = silent if progress is None else progress
    half: bool | None = None
    cut = 0
    with _evaluation(scorer), torch.inference_mode(), show("score", total=len(left), unit="pairs") as advance:
        for start in range(0, len(left), WINDOW):
            window = _Window(scorer, left[start : start + WINDOW], right[start : start + WINDOW], start)
            half = window.choose(precision) if half is None else half
            found = np.empty((len(window), scorer.num_labels), dtype=np.float32)
            for rows in token_batches(window.lengths, batch_tokens):
                found[rows] = window.run(rows, half=half)
                advance(int(window.copies[rows].sum()))
            scores[start : start + WINDOW] = found[window.inverse]
            cut += int(window.cut[window.inverse].sum())
    if cut:
        logger.warning(
            "%d of %d pairs were longer than max_length = %d tokens and were cut, the longer side first",
            cut, len(left), scorer.pair_tokens.max_length,
        )  # fmt: skip
    return scores


def logits_of_few(scorer: Scorer, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """Raw scores (pairs, labels) of a few pairs in one batch of float32, without a word."""
    with _evaluation(scorer), torch.inference_mode():
        window = _Window(scorer, [a for a, _ in pairs], [b for _, b in pairs], 0)
        return window.run(np.arange(len(window)))[window.inverse]


class _Window:
    """Distinct pairs of a window, tokenised.

    Args:
        scorer: in evaluation mode.
        left: of each pair.
        right: of each pair.
        start: position of the first pair, for messages.
    """

    def __init__(self, scorer: Scorer, left: Sequence[str], right: Sequence[str], start: int) -> None:
        check_texts(left, start)
        check_texts(right, start)
        rows: dict[str, int] = {}
        pairs: dict[tuple[int, int], int] = {}
        places = [
            pairs.setdefault((rows.setdefault(a, len(rows)), rows.setdefault(b, len(rows))), len(pairs))
            for a, b in zip(left, right)
        ]
        self.inverse = np.array(places, dtype=np.int64)
        self.copies = np.bincount(self.inverse, minlength=len(pairs))
        self.sides = np.array(list(pairs), dtype=np.int64).reshape(-1, 2).T
        self.scorer = scorer
        self.texts: Texts = scorer.pair_tokens.texts(list(rows))
        self.lengths, self.cut = scorer.pair_tokens.lengths(self.texts, *self.sides)

    def __len__(self) -> int:
        return self.sides.shape[1]

    def run(self, rows: np.ndarray, *, half: bool = False) -> np.ndarray:
        """(rows, labels) raw scores of some of the distinct pairs."""
        device = self.scorer.device
        batch = self.scorer.pair_tokens.collate(self.texts, self.sides[0][rows], self.sides[1][rows])
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            logits = self.scorer(batch.to(device))
        return logits.float().cpu().numpy()

    def choose(self, precision: str) -> bool:
        """Whether to compute in bfloat16: where asked for, and where a few of the pairs agree with float32."""
        device = self.scorer.device
        wanted = precision == "bfloat16" or (precision == "auto" and native_bfloat16(device))
        if not wanted or not len(self):
            return False
        spread = np.unique(np.linspace(0, len(self) - 1, PROBES).astype(np.int64))
        rows = spread[np.argsort(-self.lengths[spread], kind="stable")]
        correlation = _correlation(self.run(rows), self.run(rows, half=True))
        if correlation < MINIMUM_CORRELATION:
            logger.warning(
                "bfloat16 is left: the scores of %d pairs correlate by %.5f with float32, below %.3f",
                len(rows), correlation, MINIMUM_CORRELATION,
            )  # fmt: skip
        return correlation >= MINIMUM_CORRELATION


def _correlation(wanted: np.ndarray, found: np.ndarray) -> float:
    """Pearson's, over all scores; 1 where they are equal or all the same."""
    if np.array_equal(wanted, found):
        return 1.0
    a, b = (x.astype(np.float64).ravel() - x.mean(dtype=np.float64) for x in (wanted, found))
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms > 0 and np.isfinite(norms) else 0.0


@contextmanager
def _evaluation(scorer: Scorer) -> Iterator[None]:
    training = scorer.training
    scorer.train(False)
    try:
        yield
    finally:
        scorer.train(training)
