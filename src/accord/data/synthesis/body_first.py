"""A sentence of a document's lead and a passage of its body."""

from __future__ import annotations

import numpy as np

from accord.core.checks import check_at_least
from accord.data.synthesis.base import Synthesis
from accord.data.synthesis.sentences import passages, sentences

__all__ = ["BodyFirst"]


class BodyFirst(Synthesis):
    """A sentence of the lead is the query; a passage of the rest of the document is its answer.

    The lead sums a document up, so that what it says is answered far from where the words stand.

    Also known as: BFS, body first selection.

    Reference: Chang et al. (2020), Pre-training Tasks for Embedding-based Large-scale Retrieval, arXiv:2002.03932,
    section 3.2.

    Differs from the paper: the lead is the first `lead` sentences, where the paper has the first section of a page of
    Wikipedia.

    Args:
        copies: pairs a text.
        lead: sentences of the lead.
        words: most words of a passage.

    >>> from accord.data import Unlabelled
    >>> texts = Unlabelled.of({"text": ["Zebras are striped animals. They live in herds. Lions follow them."]})
    >>> pairs = BodyFirst(lead=1).pairs(texts)
    >>> pairs.column("anchor"), pairs.column("positive")
    (['Zebras are striped animals.'], ['They live in herds. Lions follow them.'])
    """

    def __init__(self, copies: int = 1, *, lead: int = 1, words: int = 120) -> None:
        super().__init__(copies)
        check_at_least("lead", lead, 1)
        check_at_least("words", words, 2)
        self.lead = lead
        self.words = words

    def draw(self, text: str, generator: np.random.Generator) -> tuple[str, str] | None:
        """A sentence of the lead, and a passage of the body."""
        found = sentences(text)
        body = passages(found[self.lead :], self.words)
        if not body:
            return None
        return found[int(generator.integers(self.lead))], " ".join(body[int(generator.integers(len(body)))])
