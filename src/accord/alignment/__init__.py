"""Alignment: maps between spaces, and views of one text brought together.

**Views of a text, one decision.** :class:`Funnelling` classifies by several views at once: what a classifier of the
text's language makes of its words, what its words say of each class, and the vector of an encoder
(:mod:`accord.alignment.views`). One classifier over all of them learns from all languages together.

```python
from accord.alignment import Funnelling
from accord.alignment.views import Encoded, Posteriors, WordClasses

model = Funnelling([Posteriors(), WordClasses(), Encoded(encoder)]).fit(texts, labels, languages)
model.predict(new_texts, new_languages)          # labels may also be lists of labels
```

**Spaces side by side.** :class:`Joined` makes one encoder of several: its vectors are theirs one after the other, and
its cosine is the weighted mean of theirs.

```python
from accord.alignment import Joined

both = Joined([small, large], weights=[1, 2])
both.dims, both.dim                              # (384, 768), 1152
```

It costs what its encoders cost together, at encoding and in the index. Where that is too much, and they share an
architecture, merge them into one model (:mod:`accord.merging`).
"""

from __future__ import annotations

from accord.alignment.base import FittedView, TextView
from accord.alignment.funnelling import FittedFunnelling, Funnelling
from accord.alignment.joined import Joined, joined

__all__ = ["FittedFunnelling", "FittedView", "Funnelling", "Joined", "TextView", "joined"]
