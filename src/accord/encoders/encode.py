"""Many texts to vectors: tokenise once, fold duplicates, sort by true length, batch by tokens, write into place."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from accord.core.checks import check_at_least, check_choice
from accord.core.progress import Advance, Progress, silent
from accord.core.types import View
from accord.encoders.base import Encoder, Tokens, check_texts
from accord.encoders.engines import PRECISIONS, Engine, choose_engine, plain_engine
from accord.encoders.output import open_output
from accord.maths.packing import token_batches

__all__ = ["WINDOW", "encode_few", "encode_texts", "encode_views"]

logger = logging.getLogger(__name__)

WINDOW = 32_768
"""Texts that are tokenised, folded and sorted together; memory does not grow beyond one window."""


def encode_texts(
    encoder: Encoder,
    texts: str | Sequence[str],
    *,
    prompt: str,
    batch_tokens: int,
    out: Path | str | np.ndarray | None,
    precision: str,
    view: View,
    progress: Progress | None,
    engine: Engine | None = None,
) -> np.ndarray:
    """The work behind :meth:`accord.encoders.TextEncoder.encode`, which says what the arguments mean.

    Equal texts are encoded once within a window of 32,768. Longest texts go first, so that memory peaks early. The
    encoder is in evaluation mode meanwhile and returns to the mode it was in, also after Ctrl-C. `engine` is the way
    batches take, chosen from the first texts when not given.
    """
    check_at_least("batch_tokens", batch_tokens, 1)
    check_choice("precision", precision, PRECISIONS)
    many = [texts] if isinstance(texts, str) else _sequence(texts)
    dim = encoder.dim if view.dim is None else view.dim
    seen = _Seen()
    show = silent if progress is None else progress
    with (
        open_output(out, len(many), dim) as output,
        _evaluation(encoder),
        torch.inference_mode(),
        show("encode", total=len(many), unit="texts") as advance,
    ):
        for start in range(0, len(many), WINDOW):
            distinct, inverse = _fold(many[start : start + WINDOW], start)
            tokens = encoder.tokenize(distinct, prompt=prompt)
            seen.add(tokens, inverse)
            engine = engine or choose_engine(encoder, tokens, precision, view)
            output.write(_encode_window(engine, tokens, inverse, dim, batch_tokens, advance))
    seen.report(encoder.max_length)
    if output.array is None:
        path = Path(str(out))
        return np.load(path, mmap_mode="r" if len(many) else None)
    return output.array[0] if isinstance(texts, str) else output.array


def encode_views(
    encoder: Encoder,
    texts: Sequence[str],
    views: Sequence[View],
    *,
    prompt: str = "",
    precision: str = "float32",
    batch_tokens: int = 2048,
    progress: Progress = silent,
) -> dict[View, np.ndarray]:
    """Vectors of texts in several views, from one pass of the model a width.

    Args:
        encoder: whose views they are.
        texts: any number; equal ones are encoded once within a window of 32,768.
        views: which layers, dimensions and widths.
        prompt: put before each text.
        precision: as of an encoder's `encode`.
        batch_tokens: padded tokens a forward pass.
        progress: opens a bar.

    Returns:
        (n, dim) float32 a view; each is what `encode` gives for that view.
    """
    check_at_least("batch_tokens", batch_tokens, 1)
    check_choice("precision", precision, PRECISIONS)
    dims = {view: encoder.dim if view.dim is None else view.dim for view in views}
    found = {view: np.empty((len(texts), dim), dtype=np.float32) for view, dim in dims.items()}
    widths = {view.width: [other for other in dims if other.width == view.width] for view in dims}
    with (
        _evaluation(encoder),
        torch.inference_mode(),
        progress("encode", total=len(texts) * len(widths), unit="texts") as advance,
    ):
        for start in range(0, len(texts), WINDOW):
            distinct, inverse = _fold(texts[start : start + WINDOW], start)
            tokens = encoder.tokenize(distinct, prompt=prompt)
            copies = np.bincount(inverse, minlength=len(distinct))
            for width, some in widths.items():
                engine = choose_engine(encoder, tokens, precision, View(width=width))
                held = [np.empty((len(distinct), dims[view]), dtype=np.float32) for view in some]
                for rows in token_batches(tokens.ids.lengths, batch_tokens):
                    parts = engine.several(tokens.ids, rows, some, prompt_tokens=tokens.prompt_tokens)
                    for vectors, part in zip(held, parts):
                        vectors[rows] = part
                    advance(int(copies[rows].sum()))
                for view, vectors in zip(some, held):
                    found[view][start : start + len(inverse)] = vectors[inverse]
    return found


def encode_few(encoder: Encoder, texts: Sequence[str], *, prompt: str = "") -> np.ndarray:
    """A few texts through the backbone as it is, in float32, without a word: (n, dim)."""
    with _evaluation(encoder), torch.inference_mode():
        tokens = encoder.tokenize(texts, prompt=prompt)
        engine = plain_engine(encoder)
        return _encode_window(engine, tokens, np.arange(len(texts)), encoder.dim, 1024, lambda _: None)


def _encode_window(
    engine: Engine, tokens: Tokens, inverse: np.ndarray, dim: int, batch_tokens: int, advance: Advance
) -> np.ndarray:
    vectors = np.empty((len(tokens.ids), dim), dtype=np.float32)
    copies = np.bincount(inverse, minlength=len(vectors))
    for rows in token_batches(tokens.ids.lengths, batch_tokens):
        vectors[rows] = engine(tokens.ids, rows, prompt_tokens=tokens.prompt_tokens)
        advance(int(copies[rows].sum()))
    return vectors if len(vectors) == len(inverse) else vectors[inverse]


def _fold(texts: Sequence[str], start: int) -> tuple[list[str], np.ndarray]:
    """Distinct texts in order of appearance, and which of them each text is."""
    check_texts(texts, start)
    places: dict[str, int] = {}
    inverse = [places.setdefault(text, len(places)) for text in texts]
    return list(places), np.array(inverse, dtype=np.int64)


def _sequence(texts: Sequence[str]) -> Sequence[str]:
    return texts if isinstance(texts, (list, tuple)) else list(texts)


@contextmanager
def _evaluation(encoder: Encoder) -> Iterator[None]:
    training = encoder.training
    encoder.train(False)
    try:
        yield
    finally:
        encoder.train(training)


class _Seen:
    """What to say once at the end."""

    def __init__(self) -> None:
        self.texts = self.distinct = self.truncated = self.empty = 0

    def add(self, tokens: Tokens, inverse: np.ndarray) -> None:
        self.texts += len(inverse)
        self.distinct += len(tokens.ids)
        self.truncated += tokens.truncated
        self.empty += tokens.empty

    def report(self, max_length: int | None) -> None:
        if self.truncated:
            logger.warning(
                "%d of %d distinct texts were longer than max_length = %d tokens and were cut",
                self.truncated, self.distinct, max_length,
            )  # fmt: skip
        if self.empty:
            logger.warning("empty texts were encoded as what the special tokens alone make")
        logger.debug("encoded %d texts, %d distinct", self.texts, self.distinct)
