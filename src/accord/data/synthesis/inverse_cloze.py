"""A sentence and the passage that it was taken from."""

from __future__ import annotations

import numpy as np

from accord.core.checks import check_at_least, check_fraction
from accord.data.synthesis.base import Synthesis
from accord.data.synthesis.sentences import passages, sentences

__all__ = ["InverseCloze"]


class InverseCloze(Synthesis):
    """A sentence of a passage is the query; the passage, mostly without that sentence, is its answer.

    The sentence stays in the passage with probability `keep`, so that matching words is learnt too.

    Also known as: ICT, inverse cloze task.

    Reference: Lee et al. (2019), arXiv:1906.00300, section 4; as pretraining for two towers: Chang et al. (2020),
    arXiv:2002.03932, section 3.2.

    Args:
        copies: pairs a text.
        keep: probability that the sentence stays in its passage.
        words: most words of a passage; longer texts are several passages, of which one is drawn.

    >>> from accord.data import Unlabelled
    >>> texts = Unlabelled.of({"text": ["Zebras are striped. They live in herds. Lions follow them."]})
    >>> pairs = InverseCloze(keep=0.0).pairs(texts, seed=3)
    >>> anchor, positive = pairs.column("anchor")[0], pairs.column("positive")[0]
    >>> anchor in texts.column("text")[0], anchor in positive, len(positive.split(". "))
    (True, False, 2)
    """

    def __init__(self, copies: int = 1, *, keep: float = 0.1, words: int = 120) -> None:
        super().__init__(copies)
        check_fraction("keep", keep)
        check_at_least("words", words, 2)
        self.keep = keep
        self.words = words

    def draw(self, text: str, generator: np.random.Generator) -> tuple[str, str] | None:
        """A sentence, and its passage."""
        long = [passage for passage in passages(sentences(text), self.words) if len(passage) > 1]
        if not long:
            return None
        passage = long[int(generator.integers(len(long)))]
        place = int(generator.integers(len(passage)))
        stays = generator.random() < self.keep
        rest = passage if stays else [*passage[:place], *passage[place + 1 :]]
        return passage[place], " ".join(rest)
