"""Encoders of text: a transformer backbone, a pooling, heads."""

from __future__ import annotations

from accord.encoders.text.transformer import TextEncoder

__all__ = ["TextEncoder"]
