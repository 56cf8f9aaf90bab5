"""Leakage: what one task holds out must not be in the training rows of any task."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from accord.core.errors import InputError
from accord.data.arrow import compute as pc
from accord.data.checking import is_list
from accord.data.signals import Signal
from accord.data.streams import Stream

__all__ = ["Leakage", "find_leaks", "normalise"]

PARTS = ("train", "dev", "test")
BLOCK = 8192


@dataclass(frozen=True)
class Leakage:
    """What leaks, and what to keep.

    Args:
        keep: for each task, the rows of its train part that leak nothing, as a rising int64 array.
        rows: one row a task, a holder and a kind: ``{"task", "held_out_by", "kind", "count"}``. Kinds "id" and "text"
            count train rows of `task` found in the dev or test part of `held_out_by` (a row can count under both, and
            under several holders); kind "dev/test" counts dev rows of `task` whose texts are in the test part of
            `held_out_by`: these are reported, and nothing is dropped for them.
        dropped: for each task, how many train rows are not kept.
    """

    keep: Mapping[str, np.ndarray]
    rows: list[dict[str, str | int]]
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Train rows that leak, over all tasks, each counted once."""
        return sum(self.dropped.values())


def find_leaks(
    tasks: Mapping[str, Mapping[str, Any]], *, sources: Mapping[str, str | Mapping[str, str]] | None = None
) -> Leakage:
    """Find train rows whose text is held out by any task, the same one included, or whose id is held out by another.

    A row leaks when any of its texts (positives and negatives too) equals any text of a dev or test part, after NFKC,
    case folding and joining of white space. Documents of a retrieval corpus are no held-out texts: everybody searches
    in them. Ids are compared between tasks that share a source, since elsewhere equal ids mean nothing (rows of two
    files can carry the same numbers).

    Args:
        tasks: for each task, its parts "train", "dev" and "test", signals; parts may be absent, and "train" may be a
            stream, which is read once, block by block.
        sources: name of each task's source, or of each part's where they differ; equal names share ids. The ids of a
            task without one are not compared.

    Raises:
        InputError: a part by another name.

    >>> from accord.data.signals import Unlabelled
    >>> train, test = Unlabelled.of({"text": ["A cat", "a dog"]}), Unlabelled.of({"text": ["a  CAT"]})
    >>> leaks = find_leaks({"pets": {"train": train, "test": test}})
    >>> leaks.keep["pets"].tolist(), leaks.rows
    ([1], [{'task': 'pets', 'held_out_by': 'pets', 'kind': 'text', 'count': 1}])
    """
    for task, parts in tasks.items():
        for part in parts:
            if part not in PARTS:
                raise InputError(f"`tasks`: the parts of `{task}` are train, dev and test. Got {part!r}.")
    sources = sources or {}
    held_texts = {task: _texts_of(tasks[task], ("dev", "test")) for task in tasks}
    rows: list[dict[str, str | int]] = []
    keep: dict[str, np.ndarray] = {}
    for task, parts in tasks.items():
        if "train" not in parts:
            continue
        shared = {holder: _shared_ids(tasks, sources, task, holder) for holder in tasks}
        counts = {(holder, kind): 0 for holder in tasks for kind in ("id", "text")}
        leaked = np.zeros(len(parts["train"]), dtype=bool)
        for start, block in _blocks(parts["train"]):
            train = _Rows(block)
            for holder in tasks:
                hits = {"id": train.with_ids(shared[holder]), "text": train.with_texts(held_texts[holder])}
                for kind, hit in hits.items():
                    counts[holder, kind] += int(hit.sum())
                    leaked[start : start + len(train)] |= hit
        found = ((holder, kind, count) for (holder, kind), count in counts.items() if count)
        rows.extend({"task": task, "held_out_by": holder, "kind": kind, "count": n} for holder, kind, n in found)
        keep[task] = np.flatnonzero(~leaked).astype(np.int64)
    rows.extend(_dev_in_test(tasks))
    dropped = {task: len(tasks[task]["train"]) - len(kept) for task, kept in keep.items()}
    return Leakage(keep, rows, dropped)


def _blocks(train: Signal | Stream) -> Iterator[tuple[int, Signal]]:
    """A train part in pieces, each with the place of its first row; a signal is one piece."""
    if isinstance(train, Signal):
        yield 0, train
        return
    for start in range(0, len(train), BLOCK):
        yield start, train.take(np.arange(start, min(start + BLOCK, len(train))))


def normalise(text: str) -> str:
    r"""A text as leakage sees it: NFKC, case folded, white space joined.

    >>> normalise("  Ｔｈｅ\u00a0STRASSE "), normalise("the straße")
    ('the strasse', 'the strasse')
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    else:
        text = text.lower()
    return " ".join(text.split())


class _Rows:
    """One part with each of its texts normalised once."""

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        self.columns = [_normalised(signal, name) for name in signal.text_columns]

    def __len__(self) -> int:
        return len(self.signal)

    def with_texts(self, held: set[str]) -> np.ndarray:
        hit = np.zeros(len(self), dtype=bool)
        for texts, codes, parents in self.columns:
            found = np.fromiter((text in held for text in texts), dtype=bool, count=len(texts))
            hit[parents[found[codes]]] = True
        return hit

    def with_ids(self, held: set[str]) -> np.ndarray:
        if not held:
            return np.zeros(len(self), dtype=bool)
        return np.fromiter((name in held for name in self.signal.ids), dtype=bool, count=len(self))


def _normalised(signal: Signal, name: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Distinct texts of a column, normalised; which one each text is; and the row each text stands in."""
    column = signal.table.column(name)
    flat = pc.list_flatten(column) if is_list(column.type) else column
    parents = (
        pc.list_parent_indices(column).to_numpy() if is_list(column.type) else np.arange(len(column), dtype=np.int64)
    )
    whole = pa.concat_arrays(flat.chunks) if flat.num_chunks else pa.array([], flat.type)
    encoded = whole.dictionary_encode()
    texts = [normalise(text) for text in encoded.dictionary.to_pylist()]
    return texts, encoded.indices.to_numpy(), parents


def _texts_of(parts: Mapping[str, Signal], names: Iterable[str]) -> set[str]:
    signals = [parts[name] for name in names if name in parts]
    return {text for s in signals for column in s.text_columns for text in _normalised(s, column)[0]}


def _shared_ids(
    tasks: Mapping[str, Mapping[str, Signal]],
    sources: Mapping[str, str | Mapping[str, str]],
    task: str,
    holder: str,
) -> set[str]:
    """Ids that `holder` holds out from the source that `task` trains on; within one task the texts tell."""
    wanted = _source(sources, task, "train")
    if holder == task or wanted is None:
        return set()
    parts = [part for part in ("dev", "test") if part in tasks[holder] and _source(sources, holder, part) == wanted]
    return {id_ for part in parts for id_ in tasks[holder][part].ids}


def _source(sources: Mapping[str, str | Mapping[str, str]], task: str, part: str) -> str | None:
    given = sources.get(task)
    return given if given is None or isinstance(given, str) else given.get(part)


def _dev_in_test(tasks: Mapping[str, Mapping[str, Signal]]) -> list[dict[str, str | int]]:
    tests = {task: _texts_of(parts, ("test",)) for task, parts in tasks.items()}
    rows: list[dict[str, str | int]] = []
    for task, parts in tasks.items():
        if "dev" in parts:
            dev = _Rows(parts["dev"])
            for holder, texts in tests.items():
                if count := int(dev.with_texts(texts).sum()):
                    rows.append({"task": task, "held_out_by": holder, "kind": "dev/test", "count": count})
    return rows
