"""Ctrl-C that waits for a safe place."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupted", "deferred_interrupt"]


class Interrupted(KeyboardInterrupt):
    """Stopped at the user's wish, with everything saved; the message says how to go on."""


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Hold back the first Ctrl-C: ask the yielded callable at each safe place; a second one stops at once.

    Outside the main thread nothing is held back.

    >>> with deferred_interrupt() as interrupted:
    ...     interrupted()
    False
    """
    asked = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, previous)
