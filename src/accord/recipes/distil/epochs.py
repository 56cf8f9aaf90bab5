"""Settings of a run that is counted in passes over its rows."""

from __future__ import annotations

from accord.core.checks import check_at_least, check_positive
from accord.training import AdamW, Settings

__all__ = ["epoch_settings"]


def epoch_settings(rows: int, *, epochs: float = 1.0, batch: int = 64, lr: float = 2e-5, seed: int = 0) -> Settings:
    """Settings whose steps make so many passes over the rows, with what else is usual.

    Args:
        rows: of the task.
        epochs: passes, > 0; the steps are rounded up.
        batch: examples a step.
        lr: learning rate.
        seed: of the order of rows and of dropout.

    >>> epoch_settings(100, epochs=3, batch=32).steps
    10
    """
    check_at_least("rows", rows, 2)
    check_positive("epochs", epochs)
    batch = min(batch, rows)
    steps = max(1, -(-round(rows * epochs) // batch))
    return Settings(steps=steps, batch=batch, optimizer=AdamW(lr=lr), seed=seed)
