"""Threads that pieces are spread over, each worked on by one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

__all__ = ["Pool", "pool", "workers"]

MOST_THREADS = 8

Pool = ThreadPoolExecutor


def workers() -> int:
    """Threads that a merge uses: as many as torch may, up to eight."""
    return max(1, min(torch.get_num_threads(), MOST_THREADS))


@contextmanager
def pool(threads: int) -> Iterator[Pool]:
    """Threads that build graphs where the caller does; torch's own wait until they are done.

    Args:
        threads: how many.
    """
    before, graphs = torch.get_num_threads(), torch.is_grad_enabled()
    torch.set_num_threads(1)
    try:
        with Pool(threads, "merge", torch.set_grad_enabled, (graphs,)) as made:
            yield made
    finally:
        torch.set_num_threads(before)
