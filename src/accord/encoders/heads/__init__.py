"""What a pooled vector passes through, and what stands in place of pooling.

:class:`Dense` is a projection, :class:`LayerNorm` and :class:`Normalize` (unit length) are what they say. Each folds
into a sentence-transformers module of the same name, so that a saved model loads there.

:class:`ConditionalAttention` reads token vectors and is told what to look for: it gives a space for each condition, and
belongs to a :class:`~accord.encoders.ConditionalEncoder`, which no other library reads.
"""

from __future__ import annotations

from accord.encoders.heads.conditional_attention import ConditionalAttention
from accord.encoders.heads.dense import Dense
from accord.encoders.heads.layer_norm import LayerNorm
from accord.encoders.heads.normalize import Normalize

__all__ = ["ConditionalAttention", "Dense", "LayerNorm", "Normalize"]
