"""Static encoders: a table with one vector a token, and the mean of a text's tokens. No attention, no layers.

A static encoder makes more than ten thousand vectors a second on one core. :func:`accord.load` reads the folders of
model2vec and of sentence-transformers' `StaticEmbedding`; what :meth:`StaticEncoder.save` writes loads in both.
It trains like any other encoder.
"""

from __future__ import annotations

from accord.encoders.static.encoder import Bags, StaticEncoder
from accord.encoders.static.table import TokenTable

__all__ = ["Bags", "StaticEncoder", "TokenTable"]
