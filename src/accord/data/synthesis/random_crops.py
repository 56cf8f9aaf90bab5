"""Independent random crops of one text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.core.checks import check_fraction
from accord.core.errors import InputError
from accord.data.synthesis.base import Synthesis

__all__ = ["RandomCrops", "random_crop"]


def random_crop(
    words: Sequence[str],
    generator: np.random.Generator,
    *,
    shortest: float = 0.05,
    longest: float = 0.5,
    deletion: float = 0.1,
) -> list[str]:
    """A span of the words with some of them left out; at least one word stays.

    Args:
        words: of one text, at least one.
        generator: draws length, place and deletions.
        shortest: least length of the span, as a share of the words.
        longest: greatest length.
        deletion: probability that a word of the span is left out.
    """
    share = generator.uniform(shortest, longest)
    length = max(1, round(share * len(words)))
    start = int(generator.integers(len(words) - length + 1))
    span = words[start : start + length]
    kept = generator.random(length) >= deletion
    kept[int(generator.integers(length))] = True
    return [word for word, keep in zip(span, kept) if keep]


class RandomCrops(Synthesis):
    """Two spans of a text, drawn independently, are a pair; words are left out at random.

    The lengths of both spans are uniform between `shortest` and `longest` of the text, so that one may lie in the
    other, overlap it or be far from it.

    Also known as: independent cropping, Contriever's pairs.

    Reference: Izacard et al. (2022), Unsupervised Dense Information Retrieval with Contrastive Learning,
    arXiv:2112.09118, section 3.1; lengths and deletion as in appendix A.1.

    Differs from the paper: crops words, not tokens; crops are drawn once, `copies` of a text, not anew in each epoch.

    Args:
        copies: pairs a text.
        shortest: least length of a span, as a share of the text.
        longest: greatest length.
        deletion: probability that a word of a span is left out.
        words: texts of fewer words are left out.

    Raises:
        InputError: lengths that are no shares, or in the wrong order.

    >>> from accord.data import Unlabelled
    >>> texts = Unlabelled.of({"text": ["one two three four five six seven eight nine ten"]})
    >>> pairs = RandomCrops(copies=2, longest=0.4, deletion=0.0).pairs(texts, seed=1)
    >>> len(pairs), all(crop in texts.column("text")[0] for crop in pairs.column("anchor"))
    (2, True)
    """

    def __init__(
        self,
        copies: int = 1,
        *,
        shortest: float = 0.05,
        longest: float = 0.5,
        deletion: float = 0.1,
        words: int = 8,
    ) -> None:
        super().__init__(copies)
        check_fraction("shortest", shortest)
        check_fraction("longest", longest)
        check_fraction("deletion", deletion)
        if shortest > longest:
            raise InputError(f"`shortest` must be at most `longest` ({longest}). Got {shortest} instead.")
        self.shortest = shortest
        self.longest = longest
        self.deletion = deletion
        self.words = words

    def draw(self, text: str, generator: np.random.Generator) -> tuple[str, str] | None:
        """Two crops."""
        words = text.split()
        if len(words) < self.words:
            return None
        first, second = (
            random_crop(words, generator, shortest=self.shortest, longest=self.longest, deletion=self.deletion)
            for _ in range(2)
        )
        return " ".join(first), " ".join(second)
