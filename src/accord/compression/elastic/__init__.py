"""One model of several sizes: objectives that see every size in one forward pass."""

from __future__ import annotations

__all__: list[str] = []
