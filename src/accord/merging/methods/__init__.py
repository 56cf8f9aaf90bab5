"""Ways of merging weights, one a file."""

from __future__ import annotations

from accord.merging.methods.linear import Linear

__all__ = ["Linear"]
