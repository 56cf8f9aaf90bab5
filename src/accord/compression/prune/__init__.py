"""Take layers, widths and tokens out of a finished model.

Each method takes an encoder and texts such as it will see, without labels, and gives a smaller copy. `Vocabulary` costs
the texts of its corpus nothing, `FeedForward` and `Heads` little, `Layers` more; `accord prune` puts them together, writes
a folder and says how far the vectors moved.
"""

from __future__ import annotations

from accord.compression.prune.base import Pruned, Pruner
from accord.compression.prune.layers import Layers, block_influence, choose_layers, drop_layers
from accord.compression.prune.vocabulary import Vocabulary, prune_vocabulary
from accord.compression.prune.widths import FeedForward, Heads, prune_feed_forward, prune_heads

__all__ = [
    "FeedForward",
    "Heads",
    "Layers",
    "Pruned",
    "Pruner",
    "Vocabulary",
    "block_influence",
    "choose_layers",
    "drop_layers",
    "prune_feed_forward",
    "prune_heads",
    "prune_vocabulary",
]
