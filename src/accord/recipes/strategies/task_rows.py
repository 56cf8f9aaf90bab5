"""The rows that task tokens have in the tables of models that know different tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from accord.encoders import TextEncoder
from accord.encoders.task_names import task_token
from accord.merging import StateDict
from accord.recipes.training_tasks import Loaded

__all__ = ["own_row", "with_rows_of_all"]


def own_row(model: Loaded, task: str) -> Tensor:
    """(dim,) the row of a task's token: the model's own memory, without gradient."""
    return _table(model).weight.data[_vocabulary(model)[task_token(task)]]


def with_rows_of_all(weights: StateDict, model: Loaded, shared: Loaded, tasks: Sequence[str]) -> StateDict:
    """A model's weights with the token table of one that knows the tokens of all tasks.

    Rows of words are the model's, rows of task tokens `shared`'s: no two models learn one task's, so there is nothing
    to merge in them.

    Args:
        weights: of `model`.
        model: knows some tasks' tokens.
        shared: comes from the same base and knows the tokens of all.
        tasks: names of all.
    """
    table, tokens = _table(model).weight, {task_token(task) for task in tasks}
    mine, theirs = _vocabulary(model), _vocabulary(shared)
    words = [word for word in mine if word in theirs and word not in tokens]
    rows = _table(shared).weight.detach().clone()
    rows[[theirs[word] for word in words]] = table.detach()[[mine[word] for word in words]]
    names = {name for name, tensor in model.named_parameters(remove_duplicate=False) if tensor is table}
    return {name: rows if name in names else tensor for name, tensor in weights.items()}


def _table(model: Loaded) -> nn.Embedding:
    return cast(TextEncoder, model).backbone.get_input_embeddings()


def _vocabulary(model: Loaded) -> dict[str, int]:
    return cast(TextEncoder, model).tokenizer.get_vocab()
