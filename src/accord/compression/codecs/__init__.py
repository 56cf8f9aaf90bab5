"""Vectors to few bytes and back, each with distances of its own."""

from __future__ import annotations

from accord.compression.codecs.base import Codec, FittedCodec

__all__ = ["Codec", "FittedCodec"]
