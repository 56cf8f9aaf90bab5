"""Progress bars on standard error: counts, rate and time left; plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from accord.core.progress import Advance, Progress

__all__ = ["bars", "plain_lines"]

SHOWN_AFTER = 2.0


def bars() -> Progress:
    """Bars where standard error is a terminal, else one line for each piece of work that took a while."""
    return _rich_bars() if sys.stderr.isatty() else plain_lines(lambda text: sys.stderr.write(text + "\n"))


def plain_lines(write: Callable[[str], object], *, every: float = 20.0) -> Progress:
    """A line now and then while working, and one at the end, with the rate.

    Args:
        write: takes a line.
        every: seconds between lines.
    """

    @contextmanager
    def progress(description: str, *, total: int, unit: str = "items") -> Iterator[Advance]:
        begun = last = time.monotonic()
        done = 0

        def advance(count: int) -> None:
            nonlocal done, last
            done += count
            now = time.monotonic()
            if now - last >= every and done < total:
                last = now
                left = (now - begun) / max(1, done) * (total - done)
                write(f"{description}: {done:,} of {total:,} {unit}, {_rate(done, now - begun)}, {left:.0f} s left")

        yield advance
        seconds = time.monotonic() - begun
        if seconds >= SHOWN_AFTER:
            write(f"{description}: {done:,} {unit} in {seconds:.0f} s ({_rate(done, seconds)})")

    return progress


def _rate(done: int, seconds: float) -> str:
    rate = done / max(seconds, 1e-9)
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2f}/s"


def _rich_bars() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class RateColumn(ProgressColumn):
        """Units a second, over the whole task."""

        def render(self, task: Task) -> Text:
            """The rate of one bar."""
            seconds = task.elapsed or 0.0
            return Text(f"{_rate(int(task.completed), seconds)} {task.fields['unit']}" if seconds > 0.5 else "")

    shown = RichProgress(
        TextColumn("{task.description:<28.28}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        RateColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    open_bars = 0

    @contextmanager
    def progress(description: str, *, total: int, unit: str = "items") -> Iterator[Advance]:
        nonlocal open_bars
        if open_bars == 0:
            shown.start()
        open_bars += 1
        task = shown.add_task(description, total=total, unit=unit)
        try:
            yield lambda count: shown.update(task, advance=count)
        finally:
            open_bars -= 1
            if open_bars == 0:
                shown.stop()
                for number in list(shown.task_ids):
                    shown.remove_task(number)

    return progress
