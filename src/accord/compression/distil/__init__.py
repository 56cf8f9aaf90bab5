"""Teach a small model what large ones know."""

from __future__ import annotations

__all__: list[str] = []
