"""One ranking from the scores of several encoders, or of an encoder and a lexical search.

All methods take scores as an array of shape (systems, queries, documents), with NaN where a system did not find a
document, and give one of shape (queries, documents); minus infinity where no system found it.

```python
from accord.retrieval.fusion import ReciprocalRank, WeightedSum, fuse_hits

scores = np.stack([queries_a @ documents_a.T, queries_b @ documents_b.T])
fused = WeightedSum([0.7, 0.3]).fuse(scores)

hits = fuse_hits([store.search(text, k=100), other.search(text, k=100)], ReciprocalRank(), k=10)
```

| method | when |
|---|---|
| :class:`ReciprocalRank` | scores that cannot be compared at all; no weights to find; the safe first choice |
| :class:`WeightedSum` | weights were chosen on held-out queries; keeps how far apart scores are |
| :class:`CombMNZ` | lists that are cut off: what several systems found counts more |
| :class:`BordaCount` | a vote of rankers that differ in kind: points for places, weights for trust |
| :class:`MajorityVote` | a vote for the first places only: what most systems agree on comes first |
| :class:`ScoreShift` | small encoders were tuned and a large one was not: their changes are added to its scores |
| :class:`DynamicShift` | the same, with weights for each query that need no data |

:func:`learn_weights` finds the weights of a method on queries whose answers are known;
:func:`accord.recipes.hybrid.learn_hybrid` does so for a store and tests the gain.

Fusion keeps every system alive: each text is encoded once by each encoder, and each has its own index. Merging
(:mod:`accord.merging`) makes one model instead. The two shift methods read three scores for each candidate, and so
belong behind a first search, on its candidates.
"""

from __future__ import annotations

from accord.retrieval.fusion.borda_count import BordaCount, borda_count
from accord.retrieval.fusion.comb_mnz import CombMNZ, comb_mnz
from accord.retrieval.fusion.dynamic_shift import DynamicShift, dynamic_weights
from accord.retrieval.fusion.hits import Fuses, fuse_hits
from accord.retrieval.fusion.learned_weights import learn_weights
from accord.retrieval.fusion.majority_vote import MajorityVote, majority_vote
from accord.retrieval.fusion.reciprocal_rank import ReciprocalRank, reciprocal_rank
from accord.retrieval.fusion.score_shift import ScoreShift, score_shift
from accord.retrieval.fusion.weighted_sum import WeightedSum, weighted_sum

__all__ = [
    "BordaCount",
    "CombMNZ",
    "DynamicShift",
    "Fuses",
    "MajorityVote",
    "ReciprocalRank",
    "ScoreShift",
    "WeightedSum",
    "borda_count",
    "comb_mnz",
    "dynamic_weights",
    "fuse_hits",
    "learn_weights",
    "majority_vote",
    "reciprocal_rank",
    "score_shift",
    "weighted_sum",
]
