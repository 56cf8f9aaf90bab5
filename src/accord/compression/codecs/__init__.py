"""Vectors to few bytes and back, each with distances of its own.

```python
from accord.compression import codecs

codec = codecs.Int8().fit(vectors)
codes = codec.encode(vectors)
nearest = codec.scores(queries, codes).argmax(axis=1)
codecs.save(codec, "int8")
same = codecs.load("int8")
```
"""

from __future__ import annotations

from accord.compression.codecs.base import Codec, FittedCodec
from accord.compression.codecs.float16 import Float16
from accord.compression.codecs.folder import check_made_for, identity, load, save
from accord.compression.codecs.int8 import Int8

__all__ = ["Codec", "FittedCodec", "Float16", "Int8", "check_made_for", "identity", "load", "save"]
