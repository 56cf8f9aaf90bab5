"""Put what was found into a better order: a model that reads query and document together scores each candidate.

```python
hits = store.search("read a csv file row by row", k=100)
best = rerank("read a csv file row by row", hits, cross_encoder, k=10)
```
"""

from __future__ import annotations

from accord.retrieval.rerank.candidates import rerank

__all__ = ["rerank"]
