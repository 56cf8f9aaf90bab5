"""What a pooled vector passes through.

:class:`Dense` is a projection, :class:`LayerNorm` and :class:`Normalize` (unit length) are what they say. Each folds
into a sentence-transformers module of the same name, so that a saved model loads there.
"""

from __future__ import annotations

from accord.encoders.heads.dense import Dense
from accord.encoders.heads.layer_norm import LayerNorm
from accord.encoders.heads.normalize import Normalize

__all__ = ["Dense", "LayerNorm", "Normalize"]
