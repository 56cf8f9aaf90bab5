"""Vectors on disk that are encoded once: found again by what made them, never by a model's name."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent, within
from accord.core.storage import PARTIAL, atomic_file, hash_json, storage_errors, write_json
from accord.core.types import View
from accord.encoders.base import check_texts
from accord.encoders.engines import PRECISIONS, native_bfloat16

__all__ = ["VectorCache"]

logger = logging.getLogger(__name__)

FORMAT = "accord-vectors/1"
STORED = ("float32", "float16")
ROLES = ("query", "document", "text")
WINDOW = 32_768
SMALL, MANY = 4_096, 16
SUFFIX = ".vectors"
HEADER = 256
KEY = np.dtype("S32")
DAY = 86_400


class VectorCache:
    """A folder of vectors that encoders share: what was encoded before is read, only new texts are encoded.

    A vector belongs to the SHA-256 of all that decides it: the encoder's weights, pooling, heads, vocabulary and
    tokenizer rules, the prompt's text, the maximum length, the view and the precision; and to the SHA-256 of its text.
    Two models of one name never meet, and a model that was trained further starts afresh.

    Texts are written in whole segments, 32,768 or fewer at a time: what a killed process leaves behind is the segments
    that it finished. Segments never change; reading maps them, so that memory holds no more than the rows asked for.
    Several processes may share a folder.

    Args:
        folder: made when missing.
        stored: "float32", or "float16" for half the disk at an error of at most 0.05 % a number.

    Raises:
        InputError: another type, or a file in the folder's place.

    >>> VectorCache("vectors", stored="int8")
    Traceback (most recent call last):
    accord.core.errors.InputError: `stored` must be one of float32, float16. Got 'int8' instead.
    """

    def __init__(self, folder: Path | str, *, stored: str = "float32") -> None:
        check_choice("stored", stored, STORED)
        self.folder = Path(folder)
        self.stored = stored
        self.encoded = 0
        self.reused = 0
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"`folder` must be a folder of vectors. {self.folder} is a file.")

    def encode(
        self,
        encoder: Any,
        texts: Sequence[str],
        *,
        role: str = "text",
        prompt_name: str | None = None,
        precision: str = "float32",
        view: View = View(),  # noqa: B008
        out: np.ndarray | None = None,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Vectors of texts, in their order; those that are new are encoded and kept.

        `encoded` and `reused` count the distinct texts of both kinds over all calls.

        Args:
            encoder: a :class:`~accord.encoders.TextEncoder` or a static one.
            texts: any number; equal ones are encoded once.
            role: "query" or "document" for what `encode_query` and `encode_document` give, "text" for `encode`.
            prompt_name: one of the encoder's prompts in place of the role's own.
            precision: "float32", "bfloat16" or "auto".
            view: which layer and how many dimensions.
            out: (n, dim) floats to write into, such as a memory map; a new float32 array when not given.
            progress: opens a bar over the texts that are new.

        Returns:
            (n, dim).

        Raises:
            InputError: an encoder without a fingerprint, an unknown role or prompt, or something that is no text.
            StorageError: the disk is full or refuses.
        """
        check_choice("role", role, ROLES)
        check_choice("precision", precision, PRECISIONS)
        if not (hasattr(encoder, "fingerprint") and hasattr(encoder, "role_prompt")):
            raise InputError(f"{type(encoder).__name__} has no fingerprint, so its vectors cannot be kept.")
        texts = list(texts)
        check_texts(texts)
        prompt = _prompt(encoder, role, prompt_name)
        parts = _parts(encoder, prompt, precision, view, self.stored)
        dim = int(encoder.dim if view.dim is None else view.dim)
        space = _Space(self.folder / hash_json(parts)[:40], dim, self.stored, parts)
        keys = _keys(texts)
        distinct, first = np.unique(keys, return_index=True)
        new = np.sort(first[~space.holds(distinct)])
        if len(new):
            settings = {"prompt": prompt, "precision": precision, "view": view}
            self._encode(encoder, [texts[i] for i in new], keys[new], space, settings, progress or silent)
        self.encoded += len(new)
        self.reused += len(distinct) - len(new)
        return space.read(keys, out)

    def _encode(
        self,
        encoder: Any,
        texts: list[str],
        keys: np.ndarray,
        space: _Space,
        settings: dict[str, Any],
        progress: Progress,
    ) -> None:
        with progress("encode", total=len(texts), unit="texts") as advance:
            for start in range(0, len(texts), WINDOW):
                some = slice(start, start + WINDOW)
                vectors = encoder.encode(texts[some], progress=within(advance), **settings)
                if not np.isfinite(vectors).all():
                    bad = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
                    raise InputError(f"The encoder returned NaN or infinity for {texts[start + bad][:60]!r}.")
                space.append(keys[some], vectors)


def _prompt(encoder: Any, role: str, prompt_name: str | None) -> str:
    """The text that goes before each text."""
    if role != "text":
        return encoder.role_prompt(role, prompt_name)
    name = prompt_name or encoder.default_prompt_name
    return "" if name is None else encoder.role_prompt("query", name)


def _parts(encoder: Any, prompt: str, precision: str, view: View, stored: str) -> dict[str, Any]:
    """All that decides a text's vector."""
    if precision == "auto":
        precision = "bfloat16" if native_bfloat16(encoder.device) else "float32"
    return {
        "format": FORMAT,
        "fingerprint": encoder.fingerprint(),
        "tokenizer": _tokenizer_rules(encoder.tokenizer),
        "prompt": prompt,
        "max_length": encoder.max_length,
        "view": [view.layer, view.dim, view.aspect, *([view.width] if view.width is not None else [])],
        "precision": precision,
        "stored": stored,
    }


def _tokenizer_rules(tokenizer: Any) -> str:
    """How texts are cleaned, cut and framed: two tokenizers of one vocabulary may differ in it."""
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    rules = [getattr(backend, name, None) for name in ("normalizer", "pre_tokenizer", "post_processor")]
    return hash_json(["" if rule is None else bytes(rule.__getstate__()).decode() for rule in rules])


def _keys(texts: Sequence[str]) -> np.ndarray:
    """SHA-256 of each text, as (n,) byte strings of 32."""
    if not texts:
        return np.zeros(0, dtype=KEY)
    digests = b"".join(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts)
    return np.frombuffer(digests, dtype=KEY)


class _Space:
    """The segments of one key: each a file of sorted text hashes and their vectors.

    A segment is written beside its place, flushed to the disk and renamed, so its name always stands for all of it.
    """

    def __init__(self, folder: Path, dim: int, stored: str, parts: dict[str, Any]) -> None:
        self.folder, self.dim, self.dtype = folder, dim, np.dtype("<f4" if stored == "float32" else "<f2")
        with storage_errors(folder):
            if not folder.is_dir():
                write_json(folder / "made-of.json", parts)
        self.segments = [segment for path in sorted(folder.glob(f"*{SUFFIX}")) if (segment := self._open(path))]

    def holds(self, keys: np.ndarray) -> np.ndarray:
        """(n,) whether each of some keys is there."""
        found = np.zeros(len(keys), dtype=bool)
        for known, _ in self.segments:
            found |= _places(known, keys) >= 0
        return found

    def read(self, keys: np.ndarray, out: np.ndarray | None) -> np.ndarray:
        """(n, dim) vectors of keys that are all there."""
        if out is None:
            out = np.empty((len(keys), self.dim), dtype=np.float32)
        elif out.shape != (len(keys), self.dim) or not np.issubdtype(out.dtype, np.floating):
            raise InputError(f"`out` must be floats of shape {(len(keys), self.dim)}. Got {out.dtype}, {out.shape}.")
        for start in range(0, len(keys), WINDOW):
            some = keys[start : start + WINDOW]
            for known, vectors in self.segments:
                places = _places(known, some)
                here = np.flatnonzero(places >= 0)
                out[start + here] = vectors[places[here]]
        return out

    def append(self, keys: np.ndarray, vectors: np.ndarray) -> None:
        """Write a segment; many small ones are first made into one."""
        small = [path for path in self.folder.glob(f"*{SUFFIX}") if path.stat().st_size < self._size(SMALL)]
        self.segments.append(self._write(keys, vectors))
        if len(small) >= MANY:
            self._merge(small)

    def _write(self, keys: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(keys)
        path = self.folder / f"{uuid.uuid4().hex}{SUFFIX}"
        header = json.dumps({"format": FORMAT, "rows": len(keys), "dim": self.dim, "dtype": self.dtype.str}).encode()
        with atomic_file(path) as handle:
            handle.write(header.ljust(HEADER - 1) + b"\n")
            handle.write(np.ascontiguousarray(keys[order]).data)
            handle.write(np.ascontiguousarray(vectors[order], dtype=self.dtype).data)
        segment = self._open(path)
        assert segment is not None
        return segment

    def _open(self, path: Path) -> tuple[np.ndarray, np.ndarray] | None:
        """Map a segment; None for one that is not whole, which only a damaged disk or a careless copy leaves."""
        try:
            with path.open("rb") as handle:
                header = json.loads(handle.read(HEADER))
            rows = int(header["rows"])
            if path.stat().st_size != self._size(rows) or header["dim"] != self.dim:
                raise ValueError("its size is not what it says")
            keys = np.memmap(path, KEY, "r", offset=HEADER, shape=(rows,))
            vectors = np.memmap(path, self.dtype, "r", offset=HEADER + rows * KEY.itemsize, shape=(rows, self.dim))
        except FileNotFoundError:  # another process has just merged it
            return None
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("%s is left aside: %s. Its texts are encoded again.", path, error)
            return None
        return keys, vectors

    def _merge(self, paths: Sequence[Path]) -> None:
        """One segment in place of several; each text once."""
        parts = [segment for path in paths if (segment := self._open(path))]
        keys, first = np.unique(np.concatenate([known for known, _ in parts]), return_index=True)
        self._write(keys, np.concatenate([vectors for _, vectors in parts])[first])
        leftovers = [path for path in self.folder.glob(f"{PARTIAL}*") if path.stat().st_mtime < time.time() - DAY]
        for path in (*paths, *leftovers):
            path.unlink(missing_ok=True)

    def _size(self, rows: int) -> int:
        return HEADER + rows * (KEY.itemsize + self.dim * self.dtype.itemsize)


def _places(known: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Where each key lies among sorted ones, -1 where it does not."""
    places = np.searchsorted(known, keys)
    inside = places < len(known)
    places[inside] = np.where(known[places[inside]] == keys[inside], places[inside], -1)
    places[~inside] = -1
    return places
