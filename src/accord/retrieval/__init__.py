"""Keep documents and their vectors, and find the nearest.

A **store** is a folder: `store.sqlite` (documents, metadata, what was deleted, and the list of segments) and
`segments/` (vectors and codes, memory-mapped `.npy` files that never change). It is the truth; whatever makes search
faster is derived from it.

```python
from accord.retrieval import Store

store = Store.create("faq", model={"path": "../model", "dim": 384})
with store.write() as writer:
    writer.add([{"id": "a", "text": "Paris is the capital of France.", "year": 2024}], vectors)
hits = store.search("capital of France", k=3)       # or store.search(vector)
```

What it promises:

* **Nothing acknowledged is lost.** A `write` block ends when its vectors and then its transaction were forced to the
  disk. A block that fails, a killed process or a full disk leaves the store at the commit before.
* **One writer, many readers**, in any number of processes. A second writer gets :class:`StoreLocked` at once; a dead
  writer's lock frees itself. A reader answers from the commit that it opened until `refresh()`; one that never
  refreshes keeps the database's log from being emptied, so refresh long-lived ones now and then.
* **No silent damage.** Each document carries a hash that is checked whenever it is read, each segment a SHA-256 and a
  checksum a block; :func:`verify` compares them all and says what changed.
* **One model.** The store remembers which model made its vectors. A text query with another is an error that says so.
* **Exact answers.** Without a codec or an index every row is compared. Scores are rounded to float32 and ties go to the
  larger id, as in trec_eval; equal vectors tie exactly, and an answer does not depend on the batch of its query.

With a **filter** (`search(..., where="year >= 2020 and lang = 'en'")`) documents are left out before any are ranked, in
every way of searching, so a search returns k documents or all that pass; see :mod:`accord.retrieval.filters`.

With a codec (`Store.create(..., codec=...)`) searches scan **codes**, many times smaller than float32 vectors, and put
the best in order by half-precision vectors that stay on the disk. The codec's folder is copied into the store; a codec
of another model, and one that was changed since, is an error. Scores are then those of the half-precision vectors, and
a document can only be missed when its code was not among the candidates: 10 for each answer, at least 100, or as many
as `search(..., rescore=...)` says.

With an **index** (`store.build_index(HNSW())`) searches of 20,000 documents and more ask it for candidates, which the
stored vectors put in order; what was added since is compared row by row, and a filter still gets all that it can. It
lies in `derived/`, with its hash in the database: where it is missing or changed, searches are exact. One in a hundred
such searches is asked again exactly, and `stats().recall` says what was found.

Under cosine similarity, vectors of length 1 are kept bit for bit and others are brought to length 1. Deleted rows
are hidden at once. Small commits are folded into larger segments as they come. Searching an empty store is an
error, because an empty answer would hide a forgotten `add`.
"""

from __future__ import annotations

from accord.retrieval.care.compaction import CompactReport, compact
from accord.retrieval.care.repair import RepairReport, repair
from accord.retrieval.care.statistics import ColumnStats, IndexStats, StoreStats
from accord.retrieval.care.verification import Problem, VerifyReport, verify
from accord.retrieval.dense import HNSW, IVF, exact_search, range_search
from accord.retrieval.documents import Document, Hit
from accord.retrieval.exporting import ExportReport, export_files
from accord.retrieval.files.columns import kept_column
from accord.retrieval.files.lock import StoreLocked
from accord.retrieval.imports import import_faiss, import_usearch
from accord.retrieval.parents import best_of_parents, by_parent
from accord.retrieval.recall import RecallEstimate
from accord.retrieval.searching import Hybrid, Lexical
from accord.retrieval.store import Store, open
from accord.retrieval.writer import Writer

__all__ = [
    "HNSW",
    "IVF",
    "ColumnStats",
    "CompactReport",
    "Document",
    "ExportReport",
    "Hit",
    "Hybrid",
    "IndexStats",
    "Lexical",
    "Problem",
    "RecallEstimate",
    "RepairReport",
    "Store",
    "StoreLocked",
    "StoreStats",
    "VerifyReport",
    "Writer",
    "best_of_parents",
    "by_parent",
    "compact",
    "exact_search",
    "export_files",
    "import_faiss",
    "import_usearch",
    "kept_column",
    "open",
    "range_search",
    "repair",
    "verify",
]
