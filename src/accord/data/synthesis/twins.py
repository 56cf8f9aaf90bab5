"""A text and itself."""

from __future__ import annotations

import numpy as np

from accord.data.synthesis.base import Synthesis

__all__ = ["Twins"]


class Twins(Synthesis):
    """Every text is its own positive: dropout makes two vectors of it.

    Also known as: unsupervised SimCSE.

    Reference: Gao et al. (2021), SimCSE, arXiv:2104.08821, section 3.

    Args:
        copies: pairs a text; they are all alike.

    >>> from accord.data import Unlabelled
    >>> Twins().pairs(Unlabelled.of({"text": ["one text"]})).column("positive")
    ['one text']
    """

    def draw(self, text: str, generator: np.random.Generator) -> tuple[str, str]:
        """The text, twice."""
        del generator
        return text, text
