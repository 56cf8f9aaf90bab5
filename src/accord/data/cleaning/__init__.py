"""Cleaning: rows that say what an earlier row says already.

- `near_duplicates` finds, for each text, the earlier text that it nearly repeats.
- `without_near_duplicates` keeps the first of such rows of a signal.
- `dedupe_file` writes a file again without them; `accord data dedupe` calls it.
"""

from __future__ import annotations

from accord.data.cleaning.files import Dedupe, dedupe_file
from accord.data.cleaning.near_duplicates import Deduplicated, near_duplicates, without_near_duplicates

__all__ = ["Dedupe", "Deduplicated", "dedupe_file", "near_duplicates", "without_near_duplicates"]
