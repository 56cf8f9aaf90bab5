"""Near-duplicates: texts that share nearly all their shingles with an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from accord.core.checks import check_at_least, check_fraction
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.random import numpy_generator
from accord.core.types import Ragged
from accord.data.cleaning.shingles import shingles
from accord.data.faults import is_list
from accord.data.leakage import normalise
from accord.data.signals import Signal

__all__ = ["Deduplicated", "near_duplicates", "row_texts", "without_near_duplicates"]

SIGNATURE = 128
CHUNK = 2000
RECALL = 0.999
SPREAD = 4.0
"""Standard deviations by which an estimate may fall below the threshold and still be looked at exactly."""


@dataclass(frozen=True)
class Deduplicated:
    """What is left of a signal.

    Args:
        signal: the kept rows.
        kept: their places, rising.
        of: for each row of the whole signal, the kept row that it repeats; itself where it is kept.
        exact: dropped rows whose texts are those of the kept row but for case, white space and forms of characters.
        near: dropped rows that only resemble it.
    """

    signal: Signal
    kept: np.ndarray
    of: np.ndarray
    exact: int
    near: int


def near_duplicates(
    texts: Sequence[str],
    *,
    threshold: float = 0.85,
    unit: str = "character",
    size: int = 5,
    seed: int = 0,
    progress: Progress = silent,
) -> np.ndarray:
    r"""For each text the first one that it nearly repeats.

    Two texts are near when their sets of shingles have a Jaccard similarity
    :math:`|A \cap B| / |A \cup B| \ge t`. Texts are taken in order: one that is near to a kept text repeats it, else it
    is kept; so whatever is dropped is near to something that stays, and no chain leads from text to text. Candidates
    come from MinHash signatures cut into bands and are then verified exactly: no text is dropped wrongly, and of pairs
    at the threshold more than 99.9 % are found.

    Case, forms of characters (NFKC) and the amount of white space are not told apart.

    Also known as: MinHash LSH, fuzzy deduplication, resemblance.

    Reference: Broder (1997), On the resemblance and containment of documents, section 3; bands as in Leskovec,
    Rajaraman and Ullman (2014), Mining of Massive Datasets, section 3.4.

    Differs from the paper: candidates are verified on the full sets of shingles, not on sketches.

    Args:
        texts: any number.
        threshold: Jaccard similarity from which on a text is a repeat, in (0, 1]; 1 finds equal sets only.
        unit: "character" or "word".
        size: characters or words a shingle.
        seed: of the hash functions.
        progress: opens a bar.

    Returns:
        (texts) int64: the place of the kept text that each one repeats, its own where it is kept.

    Raises:
        InputError: a threshold outside (0, 1].

    >>> near_duplicates(["The cat sat on the mat.", "A dog.", "The cat sat on the  mat!", "a  DOG."]).tolist()
    [0, 1, 0, 1]
    """
    check_fraction("threshold", threshold)
    check_at_least("threshold", threshold, 0.05)
    plain = [normalise(text) for text in texts]
    first: dict[str, int] = {}
    of = np.fromiter((first.setdefault(text, row) for row, text in enumerate(plain)), dtype=np.int64, count=len(plain))
    places = np.fromiter(first.values(), dtype=np.int64, count=len(first))
    found = _Search(list(first), threshold=threshold, unit=unit, size=size, seed=seed).run(progress)
    of[places] = places[found]
    return of[of]


def without_near_duplicates(
    signal: Signal,
    *,
    columns: Sequence[str] | None = None,
    threshold: float = 0.85,
    unit: str = "character",
    size: int = 5,
    progress: Progress = silent,
) -> Deduplicated:
    """Keep the first of rows whose texts nearly repeat each other; a row counts with all its texts together.

    Args:
        signal: any rows.
        columns: text columns to compare, by their canonical or source names; None for all.
        threshold: as of :func:`near_duplicates`.
        unit: "character" or "word".
        size: characters or words a shingle.
        progress: opens a bar.

    Raises:
        InputError: an unknown column, or one that holds no texts.

    >>> from accord.data.signals import Labelled
    >>> rows = Labelled.of({"text": ["Where is my parcel?", "where is my parcel", "Pay"], "label": ["a", "a", "b"]})
    >>> without_near_duplicates(rows).signal.ids
    ['0', '2']
    """
    names = [signal.resolve(name) for name in columns] if columns else list(signal.text_columns)
    for name in names:
        if name not in signal.text_columns:
            raise InputError(f"`columns`: `{name}` holds no texts. Text columns: {', '.join(signal.text_columns)}.")
    texts = row_texts(signal, names)
    of = near_duplicates(texts, threshold=threshold, unit=unit, size=size, progress=progress)
    kept = np.flatnonzero(of == np.arange(len(of)))
    dropped = np.flatnonzero(of != np.arange(len(of)))
    exact = sum(normalise(texts[row]) == normalise(texts[of[row]]) for row in dropped.tolist())
    return Deduplicated(signal.take(kept), kept, of, exact, len(dropped) - exact)


def row_texts(signal: Signal, names: Sequence[str]) -> list[str]:
    """All texts of each row as one, a line each; of these text columns."""
    if len(names) == 1 and not is_list(signal.table.column(names[0]).type):
        return signal.table.column(names[0]).to_pylist()
    rows: list[list[str]] = [[] for _ in range(len(signal))]
    for name in names:
        for row, value in zip(rows, signal.table.column(name).to_pylist()):
            row.extend([value] if isinstance(value, str) else value)
    return ["\n".join(row) for row in rows]


class _Search:
    """The search among texts that all differ."""

    def __init__(self, texts: Sequence[str], *, threshold: float, unit: str, size: int, seed: int) -> None:
        self.texts = texts
        self.threshold = threshold
        self.unit = unit
        self.size = size
        self.seed = seed
        self.sets: dict[int, np.ndarray] = {}
        spread = SPREAD * np.sqrt(threshold * (1 - threshold) / SIGNATURE)
        self.least = (threshold - spread) * SIGNATURE

    def run(self, progress: Progress) -> np.ndarray:
        """For each text the kept one that it repeats, or itself."""
        of = np.arange(len(self.texts))
        with progress("find near-duplicates", total=len(self.texts), unit="texts") as advance:
            signatures = np.empty((len(self.texts), SIGNATURE), dtype=np.uint32)
            for start in range(0, len(self.texts), CHUNK):
                part = self.texts[start : start + CHUNK]
                signatures[start : start + len(part)] = signature(
                    shingles(part, unit=self.unit, size=self.size), self.seed
                )
                advance(len(part))
        buckets: dict[int, list[int]] = {}
        keys = _shared_keys(signatures, bands(self.threshold))
        rows = list(keys)
        for number, row in enumerate(rows):
            if number % CHUNK == 0:
                self._read_sets(rows[number : number + CHUNK])
            candidates = sorted({other for key in keys[row] for other in buckets.get(key, ())})
            match = self._verified(row, candidates, signatures)
            if match is None:
                for key in keys[row]:
                    buckets.setdefault(key, []).append(row)
            else:
                of[row] = match
                del self.sets[row]
        return of

    def _verified(self, row: int, candidates: list[int], signatures: np.ndarray) -> int | None:
        if not candidates:
            return None
        agree = (signatures[candidates] == signatures[row]).sum(axis=1)
        for place in np.flatnonzero(agree >= self.least).tolist():
            mine, other = self.sets[row], self.sets[candidates[place]]
            both = _shared(mine, other)
            if both >= self.threshold * (len(mine) + len(other) - both):
                return candidates[place]
        return None

    def _read_sets(self, rows: list[int]) -> None:
        """The sets of some texts, as rising arrays without repeats."""
        found = shingles([self.texts[row] for row in rows], unit=self.unit, size=self.size)
        owners = np.repeat(np.arange(len(rows)), found.lengths)
        order = np.lexsort((found.values, owners))
        values, owners = found.values[order], owners[order]
        fresh = np.ones(len(values), dtype=bool)
        fresh[1:] = (values[1:] != values[:-1]) | (owners[1:] != owners[:-1])
        ends = np.cumsum(np.bincount(owners[fresh], minlength=len(rows)))
        for row, values_of_row in zip(rows, np.split(values[fresh], ends[:-1])):
            self.sets[row] = values_of_row.copy()


def signature(sets: Ragged, seed: int = 0) -> np.ndarray:
    r"""MinHash: the least value of each of 128 hash functions over each set.

    The share of equal entries of two signatures estimates the Jaccard similarity of the sets without bias, with
    standard deviation :math:`\sqrt{s (1 - s) / 128}`. The functions are multiply-shift.

    Reference: Broder (1997), theorem 1; Dietzfelbinger et al. (1997), A reliable randomized algorithm for the
    closest-pair problem (multiply-shift).

    Args:
        sets: rows of 64-bit hashes; repeats do not matter.
        seed: of the hash functions.

    Returns:
        (sets, 128) uint32; all ones for an empty set.

    >>> one = Ragged(np.array([1, 2, 3, 1, 2, 3, 3], dtype=np.uint64), np.array([0, 3, 7]))
    >>> bool((signature(one)[0] == signature(one)[1]).all())
    True
    """
    generator = numpy_generator(seed, "minhash")
    factors = generator.integers(0, 2**63, SIGNATURE, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    shifts = generator.integers(0, 2**63, SIGNATURE, dtype=np.uint64)
    found = np.full((len(sets), SIGNATURE), np.iinfo(np.uint32).max, dtype=np.uint32)
    filled = np.flatnonzero(sets.lengths)
    if not len(filled):
        return found
    starts = sets.offsets[filled]
    work = np.empty_like(sets.values)
    for number in range(SIGNATURE):
        np.multiply(sets.values, factors[number], out=work)
        np.add(work, shifts[number], out=work)
        found[filled, number] = np.minimum.reduceat(work, starts) >> np.uint64(32)
    return found


def bands(threshold: float) -> tuple[int, int]:
    """How many bands of how many rows find 99.9 % of the pairs at a threshold, with as few other candidates as can be.

    >>> bands(0.85), bands(0.5)
    ((18, 7), (64, 2))
    """
    rows = 1
    while 1 - (1 - threshold ** (rows + 1)) ** (SIGNATURE // (rows + 1)) >= RECALL and rows < 32:
        rows += 1
    return SIGNATURE // rows, rows


def _shared(one: np.ndarray, other: np.ndarray) -> int:
    """How many values two rising arrays share."""
    if not len(one) or not len(other):
        return 0
    places = np.minimum(one.searchsorted(other), len(one) - 1)
    return int(np.count_nonzero(one[places] == other))


def _shared_keys(signatures: np.ndarray, shape: tuple[int, int]) -> dict[int, list[int]]:
    """For each text that shares a band with another one, numbers of the bands that it shares."""
    many, rows = shape
    keys: dict[int, list[int]] = {}
    used = 0
    for band in range(many):
        part = signatures[:, band * rows : (band + 1) * rows].astype(np.uint64)
        code = np.zeros(len(signatures), dtype=np.uint64)
        for column in part.T:
            code = (code ^ column) * np.uint64(0x9E3779B97F4A7C15)
            code ^= code >> np.uint64(29)
        _, inverse, counts = np.unique(code, return_inverse=True, return_counts=True)
        shared = np.flatnonzero(counts[inverse] > 1)
        for row, number in zip(shared.tolist(), (inverse[shared] + used).tolist()):
            keys.setdefault(row, []).append(number)
        used += len(counts)
    return dict(sorted(keys.items()))
