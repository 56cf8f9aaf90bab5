"""Which of the processes that run one command together this is, as torchrun and `accord fit --processes` say it."""

from __future__ import annotations

import os

__all__ = ["leads", "process_count", "process_rank"]


def process_count() -> int:
    """How many processes run this command together; 1 outside torchrun.

    >>> process_count()
    1
    """
    started = all(name in os.environ for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR"))
    return int(os.environ["WORLD_SIZE"]) if started else 1


def process_rank() -> int:
    """Number of this process among them, from 0."""
    return int(os.environ["RANK"]) if process_count() > 1 else 0


def leads() -> bool:
    """Whether this process is the one that writes and speaks."""
    return process_rank() == 0
