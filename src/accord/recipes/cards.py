"""The READMEs of a run's models, with what only the run knows: data, recipe, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accord.core.records import Results
from accord.encoders.card import Facts, write_card
from accord.recipes.recipe import Recipe
from accord.recipes.run_folder import RunFolder

__all__ = ["write_cards"]


def write_cards(folder: RunFolder, recipe: Recipe, results: Results) -> None:
    """Write the README of every model that a run trained.

    Args:
        folder: of the run, its models saved.
        recipe: what was run.
        results: what it measured; they need not be on disk yet.
    """
    for row in results.details["models"]:
        run = str(row["name"])
        if run != "base" and (folder.trained(run) / "accord.json").is_file():
            write_card(folder.trained(run), _facts(run, recipe, results, results.details["tasks"]))


def _facts(run: str, recipe: Recipe, results: Results, tasks: Sequence[Mapping[str, Any]]) -> Facts:
    """What is known of one model: the joint one learned every task, another its own."""
    name, _, given = run.partition("@")
    seed = int(given) if given else int(results.seeds[0])
    alone = name.removeprefix("single:") if name.startswith("single:") else None
    learned = [row for row in tasks if alone in {None, row["name"]}]
    names = [str(row["name"]) for row in learned]
    hashes = {part: h for part, h in results.data_hashes.items() if part.rpartition(".")[0] in names}
    return Facts(
        name=f"A text encoder for {', '.join(names)}",
        model=name,
        base=_name(recipe.spec.encoder.model),
        tasks=learned,
        data_hashes=hashes,
        recipe=_without_folders(recipe.resolved()),
        scores=[score for score in results.scores if score.seed == seed and score.task in names],
        comparisons=[one for one in results.comparisons if one.task in names],
        level=results.details["level"],
        environment=results.environment,
    )


def _without_folders(value: Any) -> Any:
    """Values with the last name of each absolute path: a card is published, and the folders of this machine are not."""
    if isinstance(value, Mapping):
        return {key: _without_folders(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_folders(one) for one in value]
    return _name(value) if isinstance(value, str) else value


def _name(value: str) -> str:
    return Path(value).name if Path(value).is_absolute() and Path(value).exists() else value
