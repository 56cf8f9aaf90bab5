"""Several experts kept alive in one encoder, for when one set of weights cannot serve all tasks.

```python
from accord.merging import Linear
from accord.training.experts import TwinMerging, load

twin = TwinMerging(Linear(), rank=16).merge(
    {"sts": sts_model, "code": code_model, "intents": intents_model},
    texts={"sts": sts_texts, "code": code_texts, "intents": intents_texts},   # a few hundred each, for the router
)
twin.encode(texts)                             # the router sends each text to an expert
twin.encode_query(questions, route="code")     # the route is given: one pass, one space
twin.expert("code").save("code-model")         # one expert as a plain model folder
twin.save("twin"); twin = load("twin")
```

:class:`TwinMerging` merges the experts into a shared model by any method of :mod:`accord.merging`, and keeps what each
expert has beyond it as factors of low rank (:func:`exclusive_part`). A :class:`TwinEncoder` adds them back:

* `top=1`: each text goes to its likeliest expert. Texts of one expert are encoded together by plain weights, at the
  speed of a plain encoder; one working copy of the model is held, not one an expert.
* `top=None`: each text gets its own mixture. The low-rank outputs are added inside the layers, scaled by the text's
  weights; nothing is written out. `twin.cost()` says what that adds.
* `route="code"`: no router is asked.

A text that the router sends is read twice, once by the shared model to choose and once to encode.

**A mixture of spaces.** Vectors made by different experts are not made to be compared. For search, give the route, the
same for queries and documents, and keep one index a task; `twin.agreement(queries, documents)` says how often the
router alone would have sent a pair the same way. Where one index must hold everything, merge into one model instead
(:mod:`accord.merging`).

**What was kept** is reported: `twin.experts["code"].energy` is the share of the squared difference to the shared model
that the rank keeps, and `twin.router.accuracy` the share of held-out texts that go to their own task, beside
`twin.router.largest`, what sending all of them to one task would reach.
"""

from __future__ import annotations

from accord.training.experts.exclusive import Exclusive, exclusive_part, with_exclusive
from accord.training.experts.router import FittedRouter, Router
from accord.training.experts.twin_encoder import Cost, TwinEncoder
from accord.training.experts.twin_merging import TwinMerging, load

__all__ = [
    "Cost",
    "Exclusive",
    "FittedRouter",
    "Router",
    "TwinEncoder",
    "TwinMerging",
    "exclusive_part",
    "load",
    "with_exclusive",
]
