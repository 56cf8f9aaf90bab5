"""The texts of a recipe's tasks that queries are timed with and codecs are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.core.random import numpy_generator
from accord.data.signals import Signal
from accord.recipes.prepare import PreparedTask
from accord.training.fields import QUERY_COLUMNS

__all__ = ["document_texts", "query_texts"]

QUERIES = 48
DOCUMENTS = 6000
"""Over all tasks."""

Prompted = tuple[str, str | None]
"""A text, and the name of the prompt before it."""


def query_texts(tasks: Sequence[PreparedTask], encoder: Any, seed: int) -> list[Prompted]:
    """Dev texts in the role of queries that are not cut, the tasks by turns.

    Args:
        tasks: of the recipe.
        encoder: that will read them.
        seed: of the draw.
    """
    found: list[list[Prompted]] = []
    for task in tasks:
        columns = [name for name in task.dev.text_columns if name in QUERY_COLUMNS]
        texts = _drawn(task.dev.texts(columns[0]).to_pylist(), QUERIES, seed, task.name) if columns else []
        prompt = _known(encoder, task.prompts[0])
        found.append([(text, prompt) for text in texts if not encoder.tokenize([text]).truncated])
    mixed = [each[number % len(each)] for number in range(QUERIES) for each in found if each]
    return mixed[:QUERIES] or [("a query", None)]


def document_texts(tasks: Sequence[PreparedTask], encoder: Any, seed: int) -> list[tuple[str | None, list[str]]]:
    """Documents of train parts, as many of each task, with the name of their prompt.

    Args:
        tasks: of the recipe.
        encoder: that will read them.
        seed: of the draw.
    """
    found = []
    for task in tasks:
        rows = task.train
        if not isinstance(rows, Signal):
            rows = rows.take(np.unique(np.linspace(0, len(rows) - 1, DOCUMENTS).astype(np.int64)))
        columns = rows.text_columns
        mine = [name for name in columns if name not in QUERY_COLUMNS] or columns
        texts = [text for name in mine for text in rows.texts(name).to_pylist()]
        count = DOCUMENTS // len(tasks)
        found.append((_known(encoder, task.prompts[1]), _drawn(texts, count, seed, f"codecs {task.name}")))
    return found


def _known(encoder: Any, prompt: str | None) -> str | None:
    return prompt if prompt in encoder.prompts else None


def _drawn(texts: Sequence[str], count: int, seed: int, name: str) -> list[str]:
    """An even draw of distinct texts, in their order."""
    distinct = list(dict.fromkeys(text for text in texts if text and not text.isspace()))
    if len(distinct) <= count:
        return distinct
    order = numpy_generator(seed, "budget", name).permutation(len(distinct))
    return [distinct[place] for place in np.sort(order[:count])]
