"""Recipes: what to learn from what, as one file; and the drivers that turn it into models, scores, an index, a report.

- :mod:`accord.recipes.recipe` reads, changes and saves recipes;
- :mod:`accord.recipes.plan` checks one without a model;
- :mod:`accord.recipes.fit` runs it, stage by stage (:mod:`accord.recipes.stages`);
- :mod:`accord.recipes.strategies` are the ways in which tasks share an encoder: joint, balanced, merged, or chosen;
- :mod:`accord.recipes.evaluate` and :mod:`accord.recipes.compare` judge models and runs;
- :mod:`accord.recipes.conflict` measures where tasks conflict, :mod:`accord.recipes.merge` makes one model of several;
- :mod:`accord.recipes.distil` makes small students of large teachers;
- :mod:`accord.recipes.budget` finds the cheapest size and codec that keep a model's quality;
- :mod:`accord.recipes.index` writes and opens the store of a run;
- :mod:`accord.recipes.hybrid` says which way of searching suits a store, and learns the weights of both together.
"""
