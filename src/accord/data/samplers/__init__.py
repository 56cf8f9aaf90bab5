"""Which task each step trains: one class a sampler.

Each has ``schedule(sizes, weights, steps, seed=...)``, which gives the task of every step at once, so that a run that
stops can go on where it was. A task's weight multiplies its share of the steps.

- `Proportional`: large tasks rule; every row is seen about equally often.
- `Temperature`: in between; the usual choice for tasks of very different sizes.
- `RoundRobin`: equal turns; small tasks repeat their rows more often.
"""

from __future__ import annotations

from accord.data.samplers.proportional import Proportional
from accord.data.samplers.round_robin import RoundRobin
from accord.data.samplers.temperature import Temperature

__all__ = ["Proportional", "RoundRobin", "Temperature"]
