"""One model of several sizes: objectives that see every size in one forward pass.

A method says which sizes a step looks at and what becomes of their losses; ``method.of(objective)`` is an objective
with the same contract, for any task. How to choose:

- a few sizes of layers and dimensions, known beforehand -> :class:`Starbucks`, the usual choice;
- any size, chosen later -> :class:`Matryoshka2d`;
- dimensions alone -> :class:`Matryoshka`; of any number, in order of importance -> :class:`NestedDropout`;
- narrower feed-forward parts -> :class:`Slimmable`.
"""

from __future__ import annotations

from accord.compression.elastic.base import Elastic
from accord.compression.elastic.matryoshka import Matryoshka
from accord.compression.elastic.matryoshka_2d import Matryoshka2d
from accord.compression.elastic.nested_dropout import NestedDropout
from accord.compression.elastic.slimmable import Slimmable
from accord.compression.elastic.starbucks import Starbucks

__all__ = ["Elastic", "Matryoshka", "Matryoshka2d", "NestedDropout", "Slimmable", "Starbucks"]
