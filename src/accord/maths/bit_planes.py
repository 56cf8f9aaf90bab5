"""Vectors as planes of signs: what a code of few bits a dimension is made of, and how its bits lie in bytes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from accord.core.errors import InputError

__all__ = ["pack_signs", "plane_bytes", "plane_codes", "plane_levels", "split_planes", "unpack_signs"]

MOST = 8


def plane_bytes(dim: int, planes: int = 1) -> int:
    """Bytes of a code of so many planes: each plane fills whole bytes.

    >>> plane_bytes(384), plane_bytes(10, planes=2)
    (48, 4)
    """
    return planes * (-(-dim // 8))


def pack_signs(values: np.ndarray) -> UInt8[np.ndarray, "n bytes"]:
    """One bit a number, 1 where it is above zero; number d is bit d mod 8 of byte d div 8, the lowest bit first.

    Args:
        values: (n, dim) numbers or booleans.

    Returns:
        (n, ceil(dim / 8)); bits beyond the last number are 0.

    >>> pack_signs(np.array([[0.5, -1.0, 0.0, 2.0]])).tolist()
    [[9]]
    """
    return np.packbits(np.asarray(values) > 0, axis=1, bitorder="little")


def unpack_signs(codes: UInt8[np.ndarray, "n bytes"], dim: int) -> Float[np.ndarray, "n dim"]:
    """What :func:`pack_signs` wrote, as +1 and -1 in float32.

    >>> unpack_signs(np.array([[9]], dtype=np.uint8), 4).tolist()
    [[1.0, -1.0, -1.0, 1.0]]
    """
    signs = np.unpackbits(codes, axis=1, count=dim, bitorder="little").view(np.int8)
    signs <<= 1
    signs -= 1
    return signs.astype(np.float32)


def plane_codes(levels: Float[np.ndarray, "n dim"], planes: int) -> UInt8[np.ndarray, "n bytes"]:
    r"""Numbers as sums of signs of falling weight, each rounded to the nearest such sum.

    .. math:: x \approx \sum_{j=0}^{p-1} 2^{-j} b_j, \qquad b_j \in \{-1, +1\}

    The sums are the :math:`2^p` odd multiples of :math:`2^{1-p}` in :math:`(-2, 2)`; what lies beyond becomes the
    outermost one.

    Args:
        levels: (n, dim).
        planes: p, from 1 to 8.

    Returns:
        (n, p ceil(dim / 8)): the planes one after another, the heaviest first, each packed as by :func:`pack_signs`.

    Raises:
        InputError: planes out of range.

    >>> plane_levels(plane_codes(np.array([[1.4, 0.1, -9.0]]), 2), 3, 2).tolist()
    [[1.5, 0.5, -1.5]]
    """
    check_planes(planes)
    unit = 2.0 ** (planes - 1)
    whole = np.clip(np.floor(np.asarray(levels, dtype=np.float32) * unit / 2), -unit, unit - 1) + unit
    steps = whole.astype(np.uint8)  # 0 to 2^p - 1, whose binary digits are the signs
    return np.hstack([pack_signs(steps >> shift & 1) for shift in range(planes - 1, -1, -1)])


def plane_levels(codes: UInt8[np.ndarray, "n bytes"], dim: int, planes: int) -> Float[np.ndarray, "n dim"]:
    """The sums of signs that :func:`plane_codes` wrote, float32.

    Args:
        codes: (n, planes * ceil(dim / 8)).
        dim: numbers in a vector.
        planes: from 1 to 8.

    Raises:
        InputError: planes out of range, or codes of another length.
    """
    parts = split_planes(codes, dim, planes)
    levels = unpack_signs(parts[0], dim)
    for number, part in enumerate(parts[1:], 1):
        levels += unpack_signs(part, dim) * np.float32(2.0**-number)
    return levels


def split_planes(codes: UInt8[np.ndarray, "n bytes"], dim: int, planes: int) -> list[UInt8[np.ndarray, "n width"]]:
    """The planes of codes, as views.

    Raises:
        InputError: planes out of range, or codes of another length.
    """
    check_planes(planes)
    width = plane_bytes(dim)
    if codes.ndim != 2 or codes.shape[1] != planes * width:
        raise InputError(f"`codes` must be (n, {planes * width}) for {planes} planes of {dim} bits. Got {codes.shape}.")
    return [codes[:, first : first + width] for first in range(0, planes * width, width)]


def check_planes(planes: int) -> None:
    """Refuse a number of planes outside [1, 8].

    Raises:
        InputError: with the value.
    """
    if isinstance(planes, bool) or not isinstance(planes, int) or not 1 <= planes <= MOST:
        raise InputError(f"`planes` must be a whole number from 1 to {MOST}. Got {planes!r} instead.")
