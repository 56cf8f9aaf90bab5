"""Plots of a report: each gives panels, one small drawing with its title and its description in words.

Drawn by Altair and turned into SVG without a browser; both come with the extra `report` and are imported when a plot is
made, not before.
"""

from accord.reporting.plots.canvas import Panel
from accord.reporting.plots.differences import differences
from accord.reporting.plots.intervals import intervals
from accord.reporting.plots.losses import losses
from accord.reporting.plots.sizes import sizes
from accord.reporting.plots.task_share import task_share
from accord.reporting.plots.timings import timings

__all__ = ["Panel", "differences", "intervals", "losses", "sizes", "task_share", "timings"]
