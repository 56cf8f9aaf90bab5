"""How many bits differ: distances of packed codes, of one plane of signs or of several, a block at a time."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Iterable, Iterator
from types import ModuleType

import numpy as np
from jaxtyping import Float, Int32, Int64, UInt8

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.maths.bit_planes import split_planes
from accord.maths.block_search import best_of_blocks

__all__ = ["hamming_distances", "hamming_search", "plane_products", "plane_search"]

WORD = 8
CELLS = 1 << 16
STEP = 1 << 14
TABLE = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)


def hamming_distances(
    queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
) -> Int32[np.ndarray, "q n"]:
    """Differing bits of every query and every code.

    By FAISS where it is installed, else by numpy; equal in both.

    Reference: Hamming (1950), Error Detecting and Error Correcting Codes.

    Args:
        queries: (q, bytes), packed bits.
        codes: (n, bytes).

    Returns:
        (q, n), from 0 to 8 times the bytes.

    Raises:
        InputError: another type, or lengths that differ.

    >>> hamming_distances(np.array([[0], [7]], dtype=np.uint8), np.array([[1], [255]], dtype=np.uint8)).tolist()
    [[1, 8], [2, 5]]
    """
    _check_codes(queries, codes)
    distances = np.empty((len(queries), len(codes)), dtype=np.int32)
    _distances(_words(queries), _words(codes), distances)
    return distances


def plane_products(
    queries: UInt8[np.ndarray, "q qbytes"],
    codes: UInt8[np.ndarray, "n nbytes"],
    *,
    dim: int,
    query_planes: int,
    code_planes: int,
) -> Float[np.ndarray, "q n"]:
    r"""Dot products of codes that are sums of signs, from counts of differing bits alone.

    .. math:: \langle q, d \rangle
        = \sum_{i, j} 2^{-(i + j)} \bigl(m - 2 \,\mathrm{popcount}(q_i \oplus d_j)\bigr)

    Also known as: symmetric distance calculation of recurrent binary codes.

    Reference: Gan et al. (2023), Binary Embedding-based Retrieval at Tencent, arXiv:2302.08714, section 3.4.

    Differs from the paper: the two sides may have different numbers of planes, so that a query of many planes stands
    for one of floats; lengths are left to the caller.

    Args:
        queries: (q, query_planes * ceil(dim / 8)), as of :func:`accord.maths.bit_planes.plane_codes`.
        codes: (n, code_planes * ceil(dim / 8)).
        dim: m, numbers in a vector.
        query_planes: from 1 to 8.
        code_planes: from 1 to 8.

    Returns:
        (q, n) float32; exact while it needs no more than 24 bits.

    Raises:
        InputError: planes out of range, or codes of another length.

    >>> from accord.maths.bit_planes import plane_codes
    >>> code = plane_codes(np.array([[1.5, -0.5]]), 2)
    >>> plane_products(code, code, dim=2, query_planes=2, code_planes=2).tolist()
    [[2.5]]
    """
    total = np.empty((len(queries), len(codes)), dtype=np.float32)
    start = 0
    for part in _plane_blocks(queries, codes, dim, query_planes, code_planes):
        total[:, start : start + part.shape[1]] = part
        start += part.shape[1]
    return total


def hamming_search(
    queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"], k: int
) -> tuple[Int64[np.ndarray, "q k"], Int32[np.ndarray, "q k"]]:
    """The k codes with the fewest differing bits.

    Args:
        queries: (q, bytes), packed bits.
        codes: (n, bytes).
        k: at least 1.

    Returns:
        Places and distances, (q, min(k, n)), nearest first. Which of equally distant codes are found at the end of a
        list is not defined.

    Raises:
        InputError: k below 1, another type, or lengths that differ.

    >>> places, distances = hamming_search(np.array([[7]], dtype=np.uint8), np.array([[0], [6]], dtype=np.uint8), 1)
    >>> places.tolist(), distances.tolist()
    ([[1]], [[1]])
    """
    check_at_least("k", k, 1)
    _check_codes(queries, codes)
    k = min(k, len(codes))
    faiss = _faiss()
    if faiss is None or not k:
        blocks = (-hamming_distances(queries, codes[i : i + STEP]) for i in range(0, len(codes), STEP))
        places, best = best_of_blocks(blocks, queries=len(queries), k=max(k, 1))
        return places, (-np.maximum(best, np.float32(-np.iinfo(np.int32).max))).astype(np.int32)
    words = [_words(array).view(np.uint8) for array in (queries, codes)]
    distances, places = faiss.knn_hamming(words[0], words[1], k)
    return places.astype(np.int64), distances.astype(np.int32)


def plane_search(
    queries: UInt8[np.ndarray, "q qbytes"],
    codes: UInt8[np.ndarray, "n nbytes"],
    k: int,
    *,
    dim: int,
    query_planes: int,
    code_planes: int,
    factors: Float[np.ndarray, " n"] | None = None,
) -> tuple[Int64[np.ndarray, "q k"], Float[np.ndarray, "q k"]]:
    """The k codes with the largest :func:`plane_products`; the matrix of products is never held.

    Args:
        queries: as for :func:`plane_products`.
        codes: the same.
        k: at least 1.
        dim: the same.
        query_planes: the same.
        code_planes: the same.
        factors: what each code's products are multiplied by, such as one over its length.

    Returns:
        Places and products, (q, min(k, n)), largest first; of equal ones, the earlier place first.

    Raises:
        InputError: k below 1, planes out of range, or codes of another length.

    >>> from accord.maths.bit_planes import plane_codes
    >>> codes = plane_codes(np.array([[1.5, -0.5], [1.5, 0.5]]), 2)
    >>> plane_search(codes[:1], codes, 1, dim=2, query_planes=2, code_planes=2)[0].tolist()
    [[0]]
    """
    blocks = _plane_blocks(queries, codes, dim, query_planes, code_planes)
    return best_of_blocks(_scaled(blocks, factors), queries=len(queries), k=k)


def _scaled(blocks: Iterable[np.ndarray], factors: np.ndarray | None) -> Iterator[np.ndarray]:
    start = 0
    for block in blocks:
        if factors is not None:
            block *= factors[start : start + block.shape[1]]
        yield block
        start += block.shape[1]


def _plane_blocks(
    queries: np.ndarray, codes: np.ndarray, dim: int, query_planes: int, code_planes: int
) -> Iterator[np.ndarray]:
    """(q, some codes) products, into one buffer that the next block overwrites.

    Planes of a code lie beside each other, so codes are read as a longer list of single planes without being copied.
    """
    left = np.concatenate([_words(plane) for plane in split_planes(queries, dim, query_planes)])
    split_planes(codes[:0], dim, code_planes)
    count, width = len(queries), codes.shape[1] // code_planes
    block = max(1024, CELLS // max(1, len(left)))
    counted = np.empty(query_planes * count * block * code_planes, dtype=np.int32)
    products = np.empty(count * block, dtype=np.float32)
    weights = (-(2.0 ** (2 - query_planes)) * 2.0 ** -np.arange(code_planes)).astype(np.float32)
    most = np.float32(dim * (2 - 2.0 ** (1 - query_planes)) * (2 - 2.0 ** (1 - code_planes)))
    for first in range(0, len(codes), block):
        planes = _words(codes[first : first + block].reshape(-1, width))
        size = count * len(planes)
        found = counted[: query_planes * size].reshape(query_planes, size)
        _distances(left, planes, found.reshape(len(left), len(planes)))
        summed = found[0]
        for part in found[1:]:
            summed <<= 1
            summed += part
        part = products[: size // code_planes]
        if code_planes == 1:
            np.multiply(summed, weights[0], out=part, dtype=np.float32, casting="unsafe")
        else:
            np.matmul(summed.astype(np.float32).reshape(-1, code_planes), weights, out=part)
        part += most
        yield part.reshape(count, -1)


def _check_codes(queries: np.ndarray, codes: np.ndarray) -> None:
    for name, array in (("queries", queries), ("codes", codes)):
        if array.dtype != np.uint8 or array.ndim != 2:
            raise InputError(f"`{name}` must be uint8 of shape (n, bytes). Got {array.dtype} of shape {array.shape}.")
    if queries.shape[1] != codes.shape[1]:
        raise InputError(f"`queries` and `codes` must have equally many bytes. Got {queries.shape} and {codes.shape}.")


def _words(codes: np.ndarray) -> np.ndarray:
    """Codes as whole 64-bit words, (n, words); missing bytes are 0 on both sides, so that they never differ."""
    spare = -codes.shape[1] % WORD
    if spare:
        padded = np.zeros((len(codes), codes.shape[1] + spare), dtype=np.uint8)
        padded[:, : codes.shape[1]] = codes
        codes = padded
    return np.ascontiguousarray(codes).view(np.uint64)


def _distances(queries: np.ndarray, codes: np.ndarray, out: np.ndarray) -> None:
    """Fill (q, n) int32 with the differing bits of words."""
    if not out.size:
        return
    faiss = _faiss()
    if faiss is None:
        _counted(queries, codes, out)
        return
    pointers = [faiss.swig_ptr(array) for array in (queries.view(np.uint8), codes.view(np.uint8), out)]
    faiss.hammings(pointers[0], pointers[1], len(queries), len(codes), WORD * queries.shape[1], pointers[2])


def _counted(queries: np.ndarray, codes: np.ndarray, out: np.ndarray) -> None:
    """The same without FAISS."""
    for first in range(0, len(codes), 1 << 14):
        some = slice(first, first + (1 << 14))
        columns = np.ascontiguousarray(codes[some].T)  # a word of every code beside each other
        for query, row in zip(queries, out[:, some]):
            row[:] = 0
            for word, column in zip(query, columns):
                row += _popcount(column ^ word)


def _popcount(words: np.ndarray) -> np.ndarray:
    count = getattr(np, "bitwise_count", None)
    if count is not None:
        return count(words)
    return TABLE[words.view(np.uint8)].reshape(-1, WORD).sum(axis=1, dtype=np.uint8)


@functools.cache
def _faiss() -> ModuleType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            faiss = importlib.import_module("faiss")
        except ImportError:
            return None
    return faiss if hasattr(faiss, "hammings") and hasattr(faiss, "knn_hamming") else None
