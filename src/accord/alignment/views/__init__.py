"""Views of a text, for :class:`~accord.alignment.Funnelling`.

| view | a text becomes | learned |
|---|---|---|
| :class:`Posteriors` | a probability of each class, by a classifier on its words | from labels, language by language |
| :class:`WordClasses` | the mean of what its words say of each class | from labels, language by language |
| :class:`Encoded` | the vector of an encoder | not at all; all languages of the encoder |
"""

from __future__ import annotations

from accord.alignment.views.encoded import Encoded
from accord.alignment.views.posteriors import Posteriors
from accord.alignment.views.word_classes import WordClasses

__all__ = ["Encoded", "Posteriors", "WordClasses"]
