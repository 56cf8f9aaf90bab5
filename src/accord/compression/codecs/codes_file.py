"""Codes for an index of your own: a `.npy` file, and beside it what they are and their hash."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from accord.compression.codecs.base import FittedCodec
from accord.compression.codecs.folder import identity
from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.storage import atomic_file, hash_file, write_json

__all__ = ["read_codes", "write_codes"]

FORMAT = "accord-codes/1"


def write_codes(path: Path | str, codec: FittedCodec, codes: UInt8[np.ndarray, "n bytes"]) -> Path:
    """Write codes to `F.npy` and what they are to `F.npy.json`.

    Args:
        path: ends in .npy.
        codec: that made them.
        codes: (n, bytes).

    Returns:
        The path.

    Raises:
        InputError: another ending, or codes of another length.
        StorageError: the disk is full or refuses.
    """
    path = Path(path)
    check_choice("--out suffix", path.suffix, [".npy"])
    codes = codec.checked(codes)
    with atomic_file(path) as handle:
        np.save(handle, codes, allow_pickle=False)
    write_json(
        _beside(path),
        {
            "format": FORMAT,
            "kind": codec.kind,
            "codec": identity(codec),
            "made_for": codec.made_for,
            "rows": len(codes),
            "code_bytes": codec.code_bytes,
            "sha256": hash_file(path),
        },
    )
    return path


def read_codes(
    path: Path | str, codec: FittedCodec, *, mapped: bool = False, check: bool = True
) -> UInt8[np.ndarray, "n bytes"]:
    """Codes of a file that :func:`write_codes` wrote, for the codec that made them.

    Args:
        path: of the `.npy` file.
        codec: that is to read them.
        mapped: leave them on the disk until they are looked at.
        check: compare the SHA-256, which reads the whole file.

    Raises:
        InputError: no such file, codes of another codec, another length, or a file that has changed.
    """
    path, beside = Path(path), _beside(Path(path))
    cure = "Encode the vectors again: `accord codec encode`."
    if not path.is_file() or not beside.is_file():
        missing = path if not path.is_file() else beside
        raise InputError(f"{missing} is missing. Codes are a .npy file and its .npy.json. {cure}")
    try:
        said = json.loads(beside.read_text(encoding="utf-8"))
        codes = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}). {cure}") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise InputError(f"{beside} must have the format {FORMAT}. {cure}")
    if said.get("codec") != identity(codec):
        raise InputError(
            f"{path} was encoded by the codec {str(said.get('codec'))[:12]} ({said.get('kind')}), "
            f"not by {identity(codec)[:12]} ({codec.kind}). Use that codec, or encode the vectors again."
        )
    codec.checked(codes)
    if len(codes) != said.get("rows"):
        raise InputError(f"{path} must hold {said.get('rows')} codes. Got {len(codes)}. {cure}")
    if check and hash_file(path) != said.get("sha256"):
        raise InputError(f"{path} has changed since it was written: its SHA-256 differs. {cure}")
    return codes


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
