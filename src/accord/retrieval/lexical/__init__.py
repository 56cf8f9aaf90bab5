"""Search by words: an inverted index inside the store's database, kept up to date by every commit.

The index is a full-text table of SQLite (FTS5) beside the documents; it holds no texts of its own. Documents and
queries go through the store's :class:`Analyser`, and each document that holds a word of the query is scored by
:class:`BM25`. Everything in a query is a word: quotes, operators and SQL mean nothing to the index.

```python
from accord.retrieval import Lexical, Store
from accord.retrieval.lexical import BM25, RM3, Analyser

store = Store.create("faq", model=..., analyser=Analyser("porter"))      # for good: the index holds its terms
hits = store.search("capital of France", mode="lexical")
hits = store.search("capital of France", mode=Lexical(BM25(title=3.0, b=0.5), expand=RM3()))
```

| setting | what it does |
|---|---|
| `BM25(k1=...)` | how much a further occurrence of a word adds; small for short texts, where repetition says little |
| `BM25(b=...)` | how much long documents are held back; small where length is no padding |
| `BM25(title=..., text=...)` | how often each word of a title or text counts; a title of weight 0 is not searched |
| `Lexical(expand=...)` | further terms for the query: :class:`RM3` takes them from the first hits |

An expansion is a function from a :class:`Question` to weighted terms, such as

```python
def with_synonyms(question):
    further = [term for word in synonyms(question.text) for term in question.analyser.query_terms(word)]
    return {**dict.fromkeys(further, 0.3), **question.terms}
```
"""

from __future__ import annotations

from accord.retrieval.lexical.analysers import Analyser
from accord.retrieval.lexical.bm25 import BM25, bm25, inverse_document_frequency
from accord.retrieval.lexical.expansion import Expand, Question
from accord.retrieval.lexical.postings import Postings
from accord.retrieval.lexical.ranking import lexical_search
from accord.retrieval.lexical.rm3 import RM3, relevance_model

__all__ = [
    "BM25",
    "RM3",
    "Analyser",
    "Expand",
    "Postings",
    "Question",
    "bm25",
    "inverse_document_frequency",
    "lexical_search",
    "relevance_model",
]
