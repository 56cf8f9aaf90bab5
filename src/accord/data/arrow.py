"""Arrow's functions under a name that type checkers accept: pyarrow makes them while it is imported."""

from __future__ import annotations

from typing import Any

import pyarrow.compute

__all__ = ["compute"]

compute: Any = pyarrow.compute
