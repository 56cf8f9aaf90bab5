"""Encoders that also predict tokens: heads tied to the token table.

A sentence encoder comes without the head that its backbone was first trained with. :func:`tie_head` gives it a small
one that shares the token table, either behind the token vectors (which token stood here?) or behind the vectors of
whole texts (which tokens does the text hold?). Training on :class:`~accord.objectives.MaskedTokens` and
:class:`~accord.objectives.BagOfTokens` ties one by itself. Heads are saved beside the model, in `token_heads/`, and
read again with it; other programs pass over that folder, and vectors do not depend on it.
"""

from __future__ import annotations

from accord.encoders.language.base import LanguageModel
from accord.encoders.language.head import TokenHead
from accord.encoders.language.tied import KINDS, TiedLanguageModel, tie_head

__all__ = ["KINDS", "LanguageModel", "TiedLanguageModel", "TokenHead", "tie_head"]
