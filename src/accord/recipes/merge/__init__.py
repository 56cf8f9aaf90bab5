"""One model from several.

:func:`merge` carries out a merge file; :mod:`~accord.recipes.merge.learned` is for the methods that learn from tasks,
judged by a :mod:`~accord.recipes.merge.probe`; :mod:`~accord.recipes.merge.adapter` keeps a merge of adapters small.
"""

from __future__ import annotations

from accord.recipes.merge.run import Merge, MergeFile, merge, plan_merge, read_merge_documents

__all__ = ["Merge", "MergeFile", "merge", "plan_merge", "read_merge_documents"]
