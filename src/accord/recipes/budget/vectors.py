"""Vectors of an evaluation's texts in every size of a model, from one pass, kept so that no text is encoded twice."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.progress import Advance, Progress, silent
from accord.core.storage import atomic_file, hash_json
from accord.core.types import View
from accord.encoders import StaticEncoder
from accord.encoders.encode import encode_views

__all__ = ["Vectors"]

log = logging.getLogger(__name__)

CHUNK = 2048
"""Texts of one file: what an interruption may cost."""


class Vectors:
    """What an encoder gives for texts, in each of its sizes.

    The first call for a text encodes it in all sizes; dimensions are cut afterwards, which is what a cut model does.

    Args:
        encoder: stays as it is.
        views: the sizes.
        precision: as of the encoder's `encode`.
        folder: for files of finished chunks.
        progress: told of encoding.
    """

    def __init__(
        self, encoder: Any, views: Sequence[View], precision: str, folder: Path, progress: Progress = silent
    ) -> None:
        self.encoder = encoder
        self.precision = precision
        self.folder = folder
        self.progress = progress
        self.encoded = 0
        self.depths = list(dict.fromkeys(replace(view, dim=None) for view in views))
        self.fingerprint = encoder.fingerprint()
        parts = [self.fingerprint, precision, [[view.layer, view.width] for view in self.depths]]
        self.identity = hash_json(parts)
        self._held: dict[str, _Held] = {}

    def rows(self, texts: Sequence[str], role: str, prompt_name: str | None, view: View) -> np.ndarray:
        """(n, dim) float32 vectors of texts in a role, in one of the sizes.

        Args:
            texts: any number.
            role: "query", "document" or "text".
            prompt_name: one of the encoder's prompts, in place of the role's own.
            view: the size.
        """
        prompt = self._prompt(role, prompt_name)
        if prompt not in self._held:
            self._held[prompt] = _Held(self.folder / hash_json([self.identity, prompt])[:32], len(self.depths))
        held = self._held[prompt]
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        new = {key: text for key, text in zip(keys, texts) if key not in held.places}
        if new:
            self._encode(new, prompt, held)
        whole = held.vectors(self.depths.index(replace(view, dim=None)))
        return self._cut(whole[[held.places[key] for key in keys]], view.dim)

    def _prompt(self, role: str, name: str | None) -> str:
        """What is put before a text."""
        if role != "text":
            return self.encoder.role_prompt(role, name)
        name = name or self.encoder.default_prompt_name
        return "" if name is None else self.encoder.named_prompt(name)

    def _cut(self, vectors: np.ndarray, dim: int | None) -> np.ndarray:
        """The first dimensions, of unit length again where the model gives unit length."""
        if dim is None or dim == vectors.shape[1]:
            return vectors
        short = np.ascontiguousarray(vectors[:, :dim])
        if not self.encoder.normalizes:
            return short
        lengths = np.linalg.norm(short, axis=1, keepdims=True)
        return short / np.maximum(lengths, 1e-12)

    def _encode(self, new: Mapping[bytes, str], prompt: str, held: _Held) -> None:
        keys, texts = list(new), list(new.values())
        passes = len({view.width for view in self.depths})
        with self.progress(f"encode ({self.precision})", total=passes * len(texts), unit="texts") as advance:
            for start in range(0, len(texts), CHUNK):
                some = slice(start, start + CHUNK)
                held.keep(keys[some], np.stack(self._passed(texts[some], prompt, advance)))
                self.encoded += len(texts[some])

    def _passed(self, texts: list[str], prompt: str, advance: Advance) -> list[np.ndarray]:
        """Vectors of texts in each depth."""
        if isinstance(self.encoder, StaticEncoder):
            found = {view: self.encoder.encode(texts, prompt=prompt) for view in self.depths}
            advance(len(texts))
        else:
            shown = partial(_within, advance)
            settings = {"prompt": prompt, "precision": self.precision, "progress": shown}
            found = encode_views(self.encoder, texts, self.depths, **settings)
        return [found[view] for view in self.depths]


@contextmanager
def _within(advance: Advance, description: str, *, total: int, unit: str = "items") -> Iterator[Advance]:
    """A bar that stands inside another one and moves it."""
    del description, total, unit
    yield advance


class _Held:
    """Texts with one prompt before them, by their hashes, and their vectors in each depth; also on the disk.

    Args:
        folder: of its chunks; those that are whole are read.
        depths: how many.
    """

    def __init__(self, folder: Path, depths: int) -> None:
        self.folder = folder
        self.places: dict[bytes, int] = {}
        self.parts: list[list[np.ndarray]] = [[] for _ in range(depths)]
        for path in sorted(folder.glob("*.npz")):
            try:
                with np.load(path) as chunk:
                    keys, vectors = [key.tobytes() for key in chunk["keys"]], chunk["vectors"]
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                log.warning("%s is damaged (%s) and is encoded again.", path, error)
                path.unlink()
                continue
            self._add(keys, vectors)

    def keep(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Put the (depths, n, dim) vectors of new texts behind the others, here and on the disk."""
        name = hashlib.sha256(b"".join(keys)).hexdigest()[:16]
        with atomic_file(self.folder / f"{name}.npz") as handle:
            np.savez(handle, keys=np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1), vectors=vectors)
        self._add(keys, vectors)

    def vectors(self, depth: int) -> np.ndarray:
        """All of one depth, in the order of places."""
        parts = self.parts[depth]
        if len(parts) > 1:
            self.parts[depth] = parts = [np.concatenate(parts)]
        return parts[0]

    def _add(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        start = len(self.places)
        self.places.update((key, start + place) for place, key in enumerate(keys))
        for parts, some in zip(self.parts, vectors):
            parts.append(some)
