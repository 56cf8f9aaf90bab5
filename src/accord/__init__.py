"""accord: one embedding space that all your tasks agree on.

>>> import accord
>>> recipe = accord.Recipe.load("python-library").replace({"train.steps": 20})
>>> recipe.spec.train.steps
20
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from accord._version import __version__

if TYPE_CHECKING:
    from accord.data import Labelled, Pairs, Ranked, Scored, Unlabelled, read
    from accord.encoders import TextEncoder, doctor, load
    from accord.evaluation.metrics import MAP, MRR, Recall, nDCG
    from accord.evaluation.tasks import Bitext, Classification, Clustering, Retrieval, Similarity
    from accord.objectives import InfoNCE, SupCon
    from accord.recipes.budget import budget
    from accord.recipes.compare import compare
    from accord.recipes.conflict import conflict
    from accord.recipes.distil import distil
    from accord.recipes.evaluate import evaluate
    from accord.recipes.fit import Run, fit, open_run
    from accord.recipes.index import open_index as open
    from accord.recipes.merge import merge
    from accord.recipes.mine import mine
    from accord.recipes.plan import Plan, plan
    from accord.recipes.recipe import Recipe
    from accord.recipes.task import Task, recipe_of

__all__ = [
    "MAP",
    "MRR",
    "Bitext",
    "Classification",
    "Clustering",
    "InfoNCE",
    "Labelled",
    "Pairs",
    "Plan",
    "Ranked",
    "Recall",
    "Recipe",
    "Retrieval",
    "Run",
    "Scored",
    "Similarity",
    "SupCon",
    "Task",
    "TextEncoder",
    "Unlabelled",
    "__version__",
    "budget",
    "compare",
    "conflict",
    "distil",
    "doctor",
    "evaluate",
    "fit",
    "load",
    "merge",
    "mine",
    "nDCG",
    "open",
    "open_run",
    "plan",
    "read",
    "recipe_of",
]

_HOMES = {
    "accord.data": ("Labelled", "Pairs", "Ranked", "Scored", "Unlabelled", "read"),
    "accord.encoders": ("TextEncoder", "doctor", "load"),
    "accord.evaluation.metrics": ("MAP", "MRR", "Recall", "nDCG"),
    "accord.evaluation.tasks": ("Bitext", "Classification", "Clustering", "Retrieval", "Similarity"),
    "accord.objectives": ("InfoNCE", "SupCon"),
    "accord.recipes.budget": ("budget",),
    "accord.recipes.compare": ("compare",),
    "accord.recipes.conflict": ("conflict",),
    "accord.recipes.distil": ("distil",),
    "accord.recipes.evaluate": ("evaluate",),
    "accord.recipes.fit": ("Run", "fit", "open_run"),
    "accord.recipes.index": ("open_index",),
    "accord.recipes.merge": ("merge",),
    "accord.recipes.mine": ("mine",),
    "accord.recipes.plan": ("Plan", "plan"),
    "accord.recipes.recipe": ("Recipe",),
    "accord.recipes.task": ("Task", "recipe_of"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for; the thread policy is settled before torch loads."""
    wanted = "open_index" if name == "open" else name
    if wanted not in _HOME_OF:
        raise AttributeError(f"module 'accord' has no attribute {name!r}")
    from accord.core.threads import settle

    settle()
    return getattr(importlib.import_module(_HOME_OF[wanted]), wanted)


def __dir__() -> list[str]:
    return list(__all__)
