"""Progress without a bar in the library: callers pass a `Progress`, the command line passes the bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Advance", "Progress", "silent", "within"]

Advance = Callable[[int], None]
"""Say that so many more units are done."""


class Progress(Protocol):
    """Opens one bar: ``with progress("encode", total=1000, unit="texts") as advance: advance(32)``."""

    def __call__(self, description: str, *, total: int, unit: str = "items") -> AbstractContextManager[Advance]:
        """Open a bar of `total` units."""
        ...


@contextmanager
def silent(description: str, *, total: int, unit: str = "items") -> Iterator[Advance]:
    """The default: nothing is shown.

    >>> with silent("encode", total=3) as advance:
    ...     advance(3)
    """
    del description, total, unit
    yield lambda _: None


def within(advance: Advance) -> Progress:
    """A bar that moves another one, for a part of what that one counts.

    >>> done = []
    >>> with within(done.append)("encode", total=3) as advance:
    ...     advance(3)
    >>> done
    [3]
    """

    @contextmanager
    def progress(description: str, *, total: int, unit: str = "items") -> Iterator[Advance]:
        del description, total, unit
        yield advance

    return progress
