"""Indexes of other tools become stores: their vectors under ids, without texts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.errors import DataError, InputError, require
from accord.retrieval.dense.base import faiss_library
from accord.retrieval.store import Store

__all__ = ["import_faiss", "import_usearch"]

logger = logging.getLogger(__name__)

_CHUNK = 8192
_UNIT = 1e-3
_EXACT_FAISS = ("IndexFlat", "IndexFlatIP", "IndexFlatL2", "IndexHNSWFlat", "IndexIVFFlat")


def import_faiss(
    path: Path | str,
    ids: Sequence[str] | Mapping[int, str] | None,
    out: Path | str,
    *,
    model: Mapping[str, Any] | None = None,
    lossy: bool = False,
) -> Store:
    """Make a store of the vectors of a FAISS index file.

    FAISS trusts what it reads: import only files from where you would take a program.

    Args:
        path: written by `faiss.write_index`.
        ids: in the order of the rows, or by FAISS's own numbers; None for those numbers.
        out: the new store.
        model: the record of the model that made the vectors, for text queries; see :meth:`Store.create`.
        lossy: take an index that keeps only an approximation of its vectors, with a warning.

    Returns:
        The store, open. Indexes for approximate search are made anew, by :meth:`Store.build_index`.

    Raises:
        InputError: one that keeps no vectors or, without `lossy`, rounded ones; vectors of many lengths that were
            compared by distance; ids that do not fit; a folder that is taken.
        DataError: FAISS cannot read the file.
        MissingExtra: FAISS is not installed.
    """
    faiss = faiss_library()
    try:
        index = whole = faiss.read_index(str(path))  # a part lives only as long as its whole
    except RuntimeError as error:
        raise DataError(f"{path}: FAISS cannot read it ({error}).") from error
    labels = None
    if isinstance(whole, (faiss.IndexIDMap, faiss.IndexIDMap2)):
        labels = faiss.vector_to_array(whole.id_map)
        index = faiss.downcast_index(whole.index)
    if isinstance(index, faiss.IndexRefineFlat):
        index = faiss.downcast_index(index.refine_index)
    kind = type(index).__name__
    _check_exact(str(path), kind, kind in _EXACT_FAISS, lossy=lossy)
    if isinstance(index, faiss.IndexIVF):
        index.make_direct_map()

    def chunks() -> Iterator[np.ndarray]:
        for first in range(0, index.ntotal, _CHUNK):
            try:
                yield index.reconstruct_n(first, min(_CHUNK, index.ntotal - first))
            except RuntimeError as error:
                raise InputError(f"{path}: the vectors of an {kind} cannot be had back ({error}).") from error

    numbers = np.arange(index.ntotal) if labels is None else labels
    by_product = index.metric_type == faiss.METRIC_INNER_PRODUCT
    return _filled(Path(out), str(path), index.d, numbers, ids, chunks, by_product=by_product, model=model)


def import_usearch(
    path: Path | str,
    ids: Sequence[str] | Mapping[int, str] | None,
    out: Path | str,
    *,
    model: Mapping[str, Any] | None = None,
    lossy: bool = False,
) -> Store:
    """Make a store of the vectors of a usearch index file.

    usearch trusts what it reads: import only files from where you would take a program.

    Args:
        path: written by `Index.save`.
        ids: in the order of the keys, rising, or by key; None for the keys.
        out: the new store.
        model: the record of the model that made the vectors, for text queries; see :meth:`Store.create`.
        lossy: take an index of 16 or 8 bits a number, with a warning.

    Returns:
        The store, open.

    Raises:
        InputError: bits, or without `lossy` rounded vectors; several vectors under one key; vectors of many lengths
            that were compared by distance; ids that do not fit; a folder that is taken.
        DataError: usearch cannot read the file.
        MissingExtra: usearch is not installed.
    """
    usearch = require("usearch.index", extra="usearch", purpose="Reading a usearch index")
    try:
        index = usearch.Index.restore(str(path))
    except (RuntimeError, ValueError, OSError) as error:
        raise DataError(f"{path}: usearch cannot read it ({error}).") from error
    if index is None:
        raise DataError(f"{path}: usearch cannot read it.")
    if index.multi:
        raise InputError(f"{path} keeps several vectors under a key. A store keeps one under an id.")
    dtype, metric = str(index.dtype).rsplit(".", 1)[-1].lower(), str(index.metric_kind).rsplit(".", 1)[-1].lower()
    if dtype == "b1" or metric not in {"cos", "ip", "l2sq"}:
        raise InputError(f"{path} compares {dtype} vectors by {metric}. A store compares numbers by cosine or product.")
    _check_exact(str(path), f"usearch index of {dtype}", dtype in {"f32", "f64"}, lossy=lossy)
    keys = np.sort(np.asarray(index.keys[0 : len(index)]).astype(np.int64))

    def chunks() -> Iterator[np.ndarray]:
        for first in range(0, len(keys), _CHUNK):
            yield np.asarray(index.get(keys[first : first + _CHUNK].astype(np.uint64)), dtype=np.float32)

    by_product = True if metric == "ip" else None if metric == "cos" else False
    return _filled(Path(out), str(path), index.ndim, keys, ids, chunks, by_product=by_product, model=model)


def _check_exact(path: str, kind: str, exact: bool, *, lossy: bool) -> None:
    if exact:
        return
    if not lossy:
        raise InputError(
            f"{path} holds an {kind}, which keeps only an approximation of its vectors. Encode the texts again, or "
            "take what there is with lossy=True."
        )
    logger.warning("%s holds an %s: the store gets an approximation of the vectors that were put into it", path, kind)


def _filled(
    out: Path,
    path: str,
    dim: int,
    numbers: np.ndarray,
    ids: Sequence[str] | Mapping[int, str] | None,
    chunks: Callable[[], Iterator[np.ndarray]],
    *,
    by_product: bool | None,
    model: Mapping[str, Any] | None,
) -> Store:
    """The new store; `by_product` is None where lengths mean nothing, and False where distances were compared."""
    names = _names(path, numbers, ids)
    similarity = "cosine"
    if by_product is not None:
        unit = all((np.abs(np.linalg.norm(rows, axis=1) - 1) < _UNIT).all() for rows in chunks())
        if not unit and not by_product:
            raise InputError(
                f"{path} compares vectors of many lengths by their distance, and a store compares by cosine or "
                "product. Bring the vectors to length 1 first."
            )
        similarity = "cosine" if unit else "dot"
    record = {"similarity": similarity, **(model or {}), "dim": dim}
    store = Store.create(out, model=record)
    with store.write() as writer:
        done = 0
        for rows in chunks():
            writer.add_vectors(names[done : done + len(rows)], rows)
            done += len(rows)
    return store


def _names(path: str, numbers: np.ndarray, ids: Sequence[str] | Mapping[int, str] | None) -> list[str]:
    if ids is None:
        return [str(number) for number in numbers.tolist()]
    if isinstance(ids, Mapping):
        if missing := [number for number in numbers.tolist() if number not in ids]:
            raise InputError(f"`ids` lacks {len(missing)} numbers of {path}, the first being {missing[0]}.")
        return [ids[number] for number in numbers.tolist()]
    if isinstance(ids, str) or len(ids) != len(numbers):
        raise InputError(f"`ids` must hold an id for each of the {len(numbers)} vectors of {path}. Got {len(ids)}.")
    return list(ids)
