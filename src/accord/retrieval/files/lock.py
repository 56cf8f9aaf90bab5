"""One writer a store: a lock that the kernel frees when its process dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from accord.core.errors import StorageError
from accord.core.storage import storage_errors

__all__ = ["LOCK_FILE", "StoreLocked", "writer_lock"]

LOCK_FILE = "write.lock"


class StoreLocked(StorageError):
    """Another writer is at work in this store; raised at once, never after a wait."""


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the only writer's place in `folder`.

    The lock belongs to the open file, so a killed process leaves none behind; the number in the file is only there
    to name the holder.

    Raises:
        StoreLocked: somebody else holds it, in this process or another.
    """
    with storage_errors(folder):
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise StoreLocked(
                f"{folder} already has a writer (process {holder}). One writer at a time; readers may go on."
            ) from error
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)
