"""Choices that a search makes when it is asked: which interests, which aspects, how alike the answers may be.

Each stands on a store as it is, and asks it with vectors of its own making.

```python
interests = KnnEmbed(clusters=32).fit(store, {"ann": ["a", "b", "f"], "bo": ["c"]})
hits = interests.search("ann", k=50)

hits = MarginalRelevance(balance=0.7).search(store, "java", k=10)

aspects = Aspects(["task", "method"], dim=384)
hits = aspects.search(papers, {"task": t, "method": m}, {"task": 1.0, "method": -0.3})
```

| choice | when |
|---|---|
| :class:`KnnEmbed` | a user with several interests, a query with several meanings: each gets its share |
| :class:`MarginalRelevance` | the first answers repeat each other |
| :class:`Aspects` | documents can be alike in one respect and not in another; the query says which counts |

Vectors of aspects come from an encoder each, or from one encoder with a
:class:`~accord.encoders.heads.ConditionalAttention` (:class:`~accord.encoders.ConditionalEncoder`).
"""

from __future__ import annotations

from accord.retrieval.choices.aspects import Aspects, aspect_query, aspect_rows
from accord.retrieval.choices.knn_embed import Interests, KnnEmbed, knn_embed
from accord.retrieval.choices.marginal_relevance import MarginalRelevance, marginal_relevance

__all__ = [
    "Aspects",
    "Interests",
    "KnnEmbed",
    "MarginalRelevance",
    "aspect_query",
    "aspect_rows",
    "knn_embed",
    "marginal_relevance",
]
