"""Take layers, widths and tokens out of a finished model.

Each method takes an encoder and texts such as it will see, without labels, and gives a smaller copy. `Vocabulary`
changes nothing for the texts of its corpus. `FeedForward`, `Heads` and `Narrow` make layers narrower, and `Layers`
takes whole ones away; all of these give plain models. `SliceGPT` is the exact form of slicing, and only accord loads
its result.
`accord prune` puts them together, writes a folder and says how far the vectors moved.
"""

from __future__ import annotations

from accord.compression.prune.base import Pruned, Pruner
from accord.compression.prune.layers import Layers, block_influence, choose_layers, drop_layers
from accord.compression.prune.narrow import Narrow, narrow
from accord.compression.prune.slice_gpt import SliceGPT, slice_gpt
from accord.compression.prune.vocabulary import Vocabulary, prune_vocabulary
from accord.compression.prune.widths import FeedForward, Heads, prune_feed_forward, prune_heads

__all__ = [
    "FeedForward",
    "Heads",
    "Layers",
    "Narrow",
    "Pruned",
    "Pruner",
    "SliceGPT",
    "Vocabulary",
    "block_influence",
    "choose_layers",
    "drop_layers",
    "narrow",
    "prune_feed_forward",
    "prune_heads",
    "prune_vocabulary",
    "slice_gpt",
]
