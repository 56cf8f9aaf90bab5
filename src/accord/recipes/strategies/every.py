"""All encoders of a run: its own strategy's, and those that stand beside it."""

from __future__ import annotations

from collections.abc import Sequence

from accord.recipes.prepare import PreparedTask
from accord.recipes.schema import STRATEGIES
from accord.recipes.stages import Stages
from accord.recipes.strategies.auto import choose
from accord.recipes.strategies.named import strategy_of

__all__ = ["make_all"]


def make_all(stages: Stages, tasks: Sequence[PreparedTask]) -> None:
    """Make and measure every encoder that the recipe asks for, and write down which one the run gives.

    Args:
        stages: of the run.
        tasks: all of the recipe's.
    """
    spec = stages.recipe.spec
    given = spec.train.strategy
    if given != "joint" and not stages.processes.lead(stages.folder.choice.is_file):
        chosen = None if given == "auto" else given
        stages.lead(lambda: stages.folder.choose({"given": given, "chosen": chosen}))
    names = choose(stages, tasks) if given == "auto" else [given]
    names = list(dict.fromkeys([*names, *(name for name in spec.evaluate.baselines if name in STRATEGIES)]))
    for seed in spec.seeds:
        for name in names:
            encoder = strategy_of(name).make(stages, tasks, seed=seed)
            stages.measure(name, encoder, tasks, seed=seed)
            stages.measure_sizes(name, encoder, tasks, seed=seed)
            del encoder
        if "single-task" in spec.evaluate.baselines and len(tasks) > 1:
            stages.alone(tasks, stages.settings(tasks, seed=seed), measured=True, judged_only=True)
