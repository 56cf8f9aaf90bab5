"""A model with the prompts of its queries and documents settled once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.encoders import load
from accord.encoders.prompted import DOCUMENT_PROMPTS

__all__ = ["Roles"]


class Roles:
    """Queries and documents to vectors, each with its prompt.

    Args:
        model: an encoder, or what :func:`accord.load` takes.
        task: whose prompts to use, `TASK-query` and `TASK-document`, of a model that has some for each task.
        device: where to put a model that is loaded here.

    Raises:
        InputError: a task that the model has no prompts for, or a model with prompts for its tasks only and no `task`.
    """

    def __init__(self, model: Any, *, task: str | None = None, device: str | None = None) -> None:
        self.model = load(model, device=device) if isinstance(model, (str, Path)) else model
        self.task = task
        self.query_prompt = self._prompt("query", ("query",))
        self.document_prompt = self._prompt("document", DOCUMENT_PROMPTS)

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        """(n, dim) float32, with the query prompt."""
        return self.model.encode(list(texts), prompt=self.query_prompt)

    def documents(self, texts: Sequence[str]) -> np.ndarray:
        """(n, dim) float32, with the document prompt."""
        return self.model.encode(list(texts), prompt=self.document_prompt)

    def _prompt(self, role: str, names: Sequence[str]) -> str:
        """The text of a role's prompt; empty where there is none to be had."""
        prompts = self.model.prompts
        tasks = sorted({n.rpartition("-")[0] for n in prompts if n.rpartition("-")[2] in {"query", "document"}} - {""})
        if self.task is not None:
            if self.task not in tasks:
                raise InputError(
                    f"`task` must be one of those this model has prompts for ({', '.join(tasks) or 'none'}). "
                    f"Got {self.task!r} instead.{did_you_mean(self.task, tasks)}"
                )
            return prompts.get(f"{self.task}-{role}", "")
        own = next((name for name in names if name in prompts), None)
        if own is None and any(f"{task}-{role}" in prompts for task in tasks):
            raise InputError(f"This model has prompts by task. Say which by `task`: {', '.join(tasks)}.")
        return "" if own is None else prompts[own]
