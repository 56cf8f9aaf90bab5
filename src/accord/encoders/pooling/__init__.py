"""From token vectors to one vector a text.

| pooling | keeps | usual with |
|---|---|---|
| :class:`Mean` | the average of the tokens | most sentence encoders |
| :class:`MeanSqrt` | the sum over the root of the count | a few older models |
| :class:`Cls` | the first token | BGE, E5-large-instruct, GTE |
| :class:`Last` | the last token | decoders |
| :class:`Weighted` | the average, later tokens weighing more | SGPT |
| :class:`Max` | the largest value in each dimension | older models |

Each takes token vectors (batch, length, dim) and a mask (batch, length) that is nonzero on the tokens that count;
padding may stand on either side. Prompt tokens are left out by the mask. Several poolings side by side are
concatenated.
"""

from __future__ import annotations

from accord.encoders.pooling.cls import Cls
from accord.encoders.pooling.last import Last
from accord.encoders.pooling.max import Max
from accord.encoders.pooling.mean import Mean
from accord.encoders.pooling.mean_sqrt import MeanSqrt
from accord.encoders.pooling.weighted import Weighted

__all__ = ["Cls", "Last", "Max", "Mean", "MeanSqrt", "Weighted"]
