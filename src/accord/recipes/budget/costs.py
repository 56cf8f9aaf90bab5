"""What a configuration costs: milliseconds a query, megabytes a million documents, megabytes of model."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from accord.compression.codecs import FittedCodec
from accord.core.environment import environment
from accord.core.random import numpy_generator
from accord.core.storage import hash_json, read_json, write_json
from accord.core.types import View
from accord.maths.nearest import unit_rows
from accord.recipes.budget.sizes import Configuration
from accord.retrieval.dense.codes import code_search
from accord.retrieval.dense.exact import exact_search
from accord.retrieval.rescoring import candidates, rescored_search

__all__ = ["K", "Clock", "Notebook", "document_bytes", "model_bytes"]

K = 10
"""Answers of the search that is timed."""
POINTS = (8192, 32_768)
"""Documents that are searched; other numbers follow by the line through both."""
REPEATS = 9
ROUNDS, QUERIES = 5, 8
NOTHING = np.empty(0, dtype=np.int64)
STORED = {"float16": 2, "int8": 1}


def model_bytes(encoder: Any) -> int:
    """Bytes of the weights that an encoder writes; a tensor that has two names counts once."""
    held = {tensor.data_ptr(): tensor for tensor in encoder.parameters()}
    table = getattr(encoder, "stored", "float32")
    return sum(t.numel() * STORED.get(table, t.element_size()) for t in held.values())


def document_bytes(config: Configuration, dim: int, codec: FittedCodec | None) -> tuple[int, int]:
    """Bytes of a document's vector that a search scans, in memory, and those that it has on the disk.

    Args:
        config: the configuration.
        dim: of its vectors.
        codec: its codec; None for float32 vectors.
    """
    scanned = 4 * dim if codec is None else codec.code_bytes
    return scanned, scanned + (2 * dim if config.rescore else 0)


class Notebook:
    """JSON values by what decides them, in a file.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Any] = read_json(path) if path.is_file() else {}

    def get(self, key: Sequence[Any]) -> Any:
        """What was noted under a key; None for nothing."""
        return self.known.get(_name(key))

    def note(self, values: Mapping[tuple[Any, ...], Any]) -> None:
        """Write values down."""
        self.known |= {_name(key): value for key, value in values.items()}
        write_json(self.path, self.known)


def _name(key: Sequence[Any]) -> str:
    return hash_json(list(map(str, key)))[:32]


class Clock:
    """Times queries and searches; what was timed on this machine before is read.

    Args:
        notes: keeps the times.
        encoder: the whole model.
        documents: that a search goes through.
    """

    def __init__(self, notes: Notebook, encoder: Any, documents: int) -> None:
        self.notes = notes
        self.encoder = encoder
        self.documents = documents
        here = environment()
        machine = [here[name] for name in ("processor", "threads", "accelerator", "accord")]
        self.whose = (hash_json(machine), encoder.fingerprint())

    def encode(
        self, views: Sequence[View], backends: Sequence[str], queries: Sequence[tuple[str, str | None]]
    ) -> dict[tuple[View, str], float]:
        """Milliseconds to encode one query alone, from text to vector, by depth and backend.

        Sizes and backends take turns, so that whatever else the machine does falls on all of them; medians.

        Args:
            views: the sizes; dimensions cost nothing here.
            backends: precisions.
            queries: texts, each with the name of its prompt.
        """
        depths = list(dict.fromkeys(replace(view, dim=None) for view in views))
        wanted = [(depth, backend) for depth in depths for backend in backends]
        if any(self.notes.get((*self.whose, "encode", *key)) is None for key in wanted):
            models = {depth: self.encoder if depth == View() else self.encoder.cut(depth) for depth in depths}
            seconds: dict[tuple[View, str], list[float]] = {key: [] for key in wanted}
            for turn in range(ROUNDS + 1):
                for (depth, backend), found in seconds.items():
                    for number in range(QUERIES):
                        text, prompt = queries[(turn * QUERIES + number) % len(queries)]
                        begun = time.perf_counter()
                        models[depth].encode_query([text], prompt_name=prompt, precision=backend)
                        found.append(time.perf_counter() - begun)
            medians = {key: statistics.median(found[QUERIES:]) for key, found in seconds.items()}  # after a warm-up
            self.notes.note({(*self.whose, "encode", *key): 1000 * found for key, found in medians.items()})
        return {key: self.notes.get((*self.whose, "encode", *key)) for key in wanted}

    def search(
        self, config: Configuration, codec: FittedCodec | None, sample: Callable[[], np.ndarray], kind: str
    ) -> float:
        """Milliseconds to find the best ten of all documents for one query's vector.

        Args:
            config: the configuration; its depth and backend cost nothing here.
            codec: its codec.
            sample: gives vectors like those of the documents.
            kind: similarity.
        """
        key = (*self.whose, "search", config.view.dim, str(config.spec), config.rescore, self.documents)
        if self.notes.get(key) is None:
            rows = _spread(sample(), min(POINTS[1], max(self.documents, K)), kind)
            self.notes.note({key: self._timed(_searches(config, codec, rows), len(rows))})
        return self.notes.get(key)

    def _timed(self, search: Callable[[int], Callable[[int], object]], most: int) -> float:
        points = [point for point in POINTS if point < most] + [most]
        times = []
        for point in points[-2:]:
            run, seconds = search(point), []
            for number in range(REPEATS):
                begun = time.perf_counter()
                run(number)
                seconds.append(time.perf_counter() - begun)
            times.append(1000 * statistics.median(seconds[1:]))
        if self.documents <= most or len(times) == 1:
            return times[-1] * max(1.0, self.documents / most)
        slope = max(0.0, (times[1] - times[0]) / (points[-1] - points[-2]))
        return times[1] + slope * (self.documents - most)


def _spread(sample: np.ndarray, count: int, kind: str) -> np.ndarray:
    """As many vectors as wanted, near those of a sample and all different."""
    generator = numpy_generator(0, "budget", "spread")
    rows = sample[np.arange(count) % len(sample)]
    rows = rows + generator.standard_normal(rows.shape, dtype=np.float32) * (0.1 * rows.std())
    return unit_rows(rows) if kind == "cosine" else rows.astype(np.float32)


def _searches(
    config: Configuration, codec: FittedCodec | None, rows: np.ndarray
) -> Callable[[int], Callable[[int], object]]:
    """From a number of documents to a search through them for the n-th query, as a store does it."""
    codes = None if codec is None else codec.encode(rows)
    longest = float(np.linalg.norm(rows, axis=1).max())

    def search(count: int) -> Callable[[int], object]:
        if codec is None or codes is None:
            return lambda n: exact_search(rows[n : n + 1], [rows[:count]], K, largest_norm=longest)
        some, scores = codes[:count], codec.scores
        if not config.rescore:
            return lambda n: code_search(rows[n : n + 1], [some], K, scores=scores)
        stored, wanted = rows[:count].astype(np.float16), candidates(K, True, stored=True)
        rules: Mapping[str, Any] = {"codec": codec, "count": wanted, "skip": NOTHING, "prefer": lambda here: here}
        return lambda n: rescored_search(rows[n : n + 1], [some], [stored], K, **rules)

    return search
