"""The door of the family: texts in, pairs out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from accord.core.checks import check_at_least
from accord.core.errors import DataError
from accord.core.progress import Advance, Progress, silent
from accord.core.random import numpy_generator
from accord.core.spec import Described
from accord.data.signals import Pairs, Unlabelled

__all__ = ["Synthesis"]


class Synthesis(Described, ABC):
    """Makes pairs from the texts of a table, each text by itself.

    What a text gives depends on the seed, its id and the maker alone, not on the texts around it.

    Args:
        copies: how often each text is drawn from.
    """

    def __init__(self, copies: int = 1) -> None:
        check_at_least("copies", copies, 1)
        self.copies = copies

    @abstractmethod
    def draw(self, text: str, generator: np.random.Generator) -> tuple[str, str] | None:
        """One pair from one text; None where the text is too short for it."""

    def pairs(self, texts: Unlabelled, *, seed: int = 0, progress: Progress = silent) -> Pairs:
        """Pairs of all texts.

        Args:
            texts: what to make pairs from.
            seed: of what is drawn.
            progress: opens a bar.

        Returns:
            Columns id (``ID#0``, ``ID#1``, ...), anchor, positive and label (the id of the text).

        Raises:
            DataError: no text gives a pair.
        """
        name = type(self).__name__
        with progress(f"{name} of {len(texts)} texts", total=len(texts), unit="texts") as advance:
            rows = list(self._rows(texts, seed, advance))
        if not rows:
            raise DataError(f"No text of {texts.origin or 'the table'} is long enough for {name}: {self!r}.")
        ids, anchors, positives, labels = map(list, zip(*rows))
        return Pairs(pa.table({"id": ids, "anchor": anchors, "positive": positives, "label": labels}))

    def _rows(self, texts: Unlabelled, seed: int, advance: Advance) -> Iterator[tuple[str, str, str, str]]:
        for name, text in zip(texts.ids, texts.column("text")):
            generator = numpy_generator(seed, type(self).__name__, name)
            for copy in range(self.copies):
                found = self.draw(text, generator)
                if found is not None and all(part.strip() for part in found):
                    yield f"{name}#{copy}", *found, name
            advance(1)
