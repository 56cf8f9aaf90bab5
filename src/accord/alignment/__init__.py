"""Alignment: maps between spaces, and views of one text brought together."""

from __future__ import annotations

__all__: list[str] = []
