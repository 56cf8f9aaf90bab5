"""Take layers, widths and tokens out of a finished model."""

from __future__ import annotations

__all__: list[str] = []
