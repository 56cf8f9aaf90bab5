"""Embed a corpus shard by shard, here or on many machines, each row exactly once.

A corpus is first cut into **shards** of equal length and written to the folder of the result, so that every worker
reads its own part alone. A shard's rows and vectors then become one Parquet file, which appears whole or not at all,
and after it a line of its own that says so. Whatever is killed, a second run embeds what has no such line; whatever is
tried twice replaces a file by an equal one. At the end the folder says what every file holds, and `accord index` takes
it in place of a file of texts.

The machines share the folder (a network file system) and the environment of Python; nothing else is needed of them.
"""

from __future__ import annotations

from accord.recipes.shards.embedding import Embedded, Parity, Spread, embed_corpus
from accord.recipes.shards.finished import Shards, open_shards
from accord.recipes.shards.plan import ShardPlan
from accord.recipes.shards.work import embed_shard

__all__ = ["Embedded", "Parity", "ShardPlan", "Shards", "Spread", "embed_corpus", "embed_shard", "open_shards"]
