"""Where rows come from: one class a source, whose constructor is its entry in a recipe.

Each has ``load(progress) -> pyarrow.Table`` with a column `id` of unique strings; `RetrievalFolder` has ``corpus()``
too.

- `File`: one JSONL, CSV, TSV or Parquet file.
- `Hub`: one split of a data set of the Hugging Face hub, ``hub:owner/name/config@split`` for short.
- `RetrievalFolder`: corpus, queries and judgements, in the layout of BEIR.
- `PythonLibrary`: functions and docstrings of the running Python, or of any folder of sources.
- `BabelNames`: names of languages, territories and currencies in many languages.
"""

from __future__ import annotations

from accord.data.sources.babel_names import BabelNames
from accord.data.sources.file import File
from accord.data.sources.hub import Hub
from accord.data.sources.python_library import PythonLibrary
from accord.data.sources.retrieval_folder import RetrievalFolder

__all__ = ["BabelNames", "File", "Hub", "PythonLibrary", "RetrievalFolder"]
