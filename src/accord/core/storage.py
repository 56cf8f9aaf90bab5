"""Files that are either whole or absent: temporary name, fsync, rename, fsync of the folder; and hashes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from accord.core.errors import StorageError

__all__ = [
    "atomic_file",
    "atomic_folder",
    "clear_leftovers",
    "fsync_path",
    "hash_file",
    "hash_folder",
    "hash_json",
    "read_json",
    "storage_errors",
    "write_json",
]

PARTIAL = ".partial-"
_AT_ONCE = 8
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a refused write into one clear :class:`StorageError` about `path`.

    Raises:
        StorageError: the disk is full, or the place cannot be written.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        if error.errno in FULL:
            raise _full_disk(path, error.errno) from error
        if error.errno in {errno.EACCES, errno.EROFS, errno.EPERM}:
            raise StorageError(error.errno, f"{path} cannot be written: {error.strerror}.") from error
        raise
    except Exception as error:
        if any(f"(os error {code})" in str(error) for code in FULL):  # safetensors says it in words
            raise _full_disk(path, errno.ENOSPC) from error
        raise


def _full_disk(path: Path, code: int | None) -> StorageError:
    free = shutil.disk_usage(nearest_folder(path)).free // 2**20
    return StorageError(
        code, f"The disk is full while writing {path} ({free} MiB free). Nothing half-written was kept."
    )


def nearest_folder(path: Path) -> Path:
    """The nearest existing folder at or above `path`."""
    path = Path(path).absolute()
    while not path.is_dir():
        path = path.parent
    return path


def fsync_path(path: Path) -> None:
    """Force a file's content, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def partial_name(path: Path) -> Path:
    """A hidden sibling that no reader mistakes for a result."""
    return path.parent / f"{PARTIAL}{path.name}-{uuid.uuid4().hex[:8]}"


@contextmanager
def atomic_file(path: Path | str, mode: str = "wb") -> Iterator[IO[Any]]:
    """Write a file that appears whole under its name, or not at all.

    Args:
        path: the final name; its folder is made when missing.
        mode: "wb" or "w" (UTF-8).

    Raises:
        StorageError: the disk is full or refuses.
    """
    path = Path(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_name(path)
        try:
            with partial.open(mode, encoding=None if "b" in mode else "utf-8") as handle:
                yield handle
                handle.flush()
                os.fsync(handle.fileno())
            partial.replace(path)
            fsync_path(path.parent)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Fill a folder that appears whole under its name, or not at all; replaces an older one.

    Args:
        path: the final name.

    Raises:
        StorageError: the disk is full or refuses.
    """
    path = Path(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_name(path)
        partial.mkdir()
        try:
            yield partial
            with ThreadPoolExecutor(_AT_ONCE) as pool:  # the disk takes them together
                list(pool.map(fsync_path, partial.rglob("*")))
            fsync_path(partial)
            if path.exists():
                older = partial_name(path)
                path.rename(older)
                partial.rename(path)
                shutil.rmtree(older, ignore_errors=True)
            else:
                partial.rename(path)
            fsync_path(path.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def clear_leftovers(folder: Path) -> int:
    """Remove what killed writers left behind in `folder`; returns how many."""
    leftovers = list(folder.glob(f"{PARTIAL}*")) if folder.is_dir() else []
    for leftover in leftovers:
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    return len(leftovers)


def hash_file(path: Path | str) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def hash_folder(path: Path | str, keep: Callable[[Path], bool] = lambda _: True) -> dict[str, str]:
    """SHA-256 of each file below a folder, by its relative name, in order of names."""
    path = Path(path)
    files = sorted(p for p in path.rglob("*") if p.is_file() and keep(p))
    return {str(p.relative_to(path)): hash_file(p) for p in files}


def hash_json(value: object) -> str:
    """SHA-256 of a JSON value, whatever the order of its keys.

    >>> hash_json({"a": 1, "b": 2}) == hash_json({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def write_json(path: Path | str, value: object) -> None:
    """Write JSON atomically, indented, UTF-8."""
    with atomic_file(path, "w") as handle:
        json.dump(value, handle, indent=2, ensure_ascii=False, allow_nan=False)
        handle.write("\n")


def read_json(path: Path | str) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
