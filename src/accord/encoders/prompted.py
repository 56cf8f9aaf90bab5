"""What users call on any encoder: texts to vectors by role and by prompt, and scores between vectors."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.core.progress import Progress
from accord.maths.similarity import pairwise_similarity, similarity

__all__ = ["Prompted"]

DOCUMENT_PROMPTS = ("document", "passage", "corpus")


class Prompted(nn.Module, abc.ABC):
    """The surface of an encoder above its :meth:`encode`."""

    prompts: dict[str, str]
    default_prompt_name: str | None
    similarity_name: str

    @property
    @abc.abstractmethod
    def dim(self) -> int:
        """Dimensions of a vector."""

    @abc.abstractmethod
    def encode(
        self,
        texts: str | Sequence[str],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Vectors of texts, in their order."""

    def get_embedding_dimension(self) -> int:
        """:attr:`dim`, under the name of sentence-transformers 6."""
        return self.dim

    def get_sentence_embedding_dimension(self) -> int:
        """:attr:`dim`, under the name of sentence-transformers 5 and before."""
        return self.dim

    def encode_query(
        self,
        texts: str | Sequence[str],
        *,
        prompt_name: str | None = None,
        task: str | None = None,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> np.ndarray:
        """:meth:`encode` with the prompt of :meth:`role_prompt` for queries, or with none where there is none."""
        text = self.role_prompt("query", prompt_name, task=task)
        return self.encode(texts, prompt=text, precision=precision, progress=progress)

    def encode_document(
        self,
        texts: str | Sequence[str],
        *,
        prompt_name: str | None = None,
        task: str | None = None,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> np.ndarray:
        """:meth:`encode` with the prompt of :meth:`role_prompt` for documents, or with none where there is none."""
        text = self.role_prompt("document", prompt_name, task=task)
        return self.encode(texts, prompt=text, precision=precision, progress=progress)

    def role_prompt(self, role: str, prompt_name: str | None = None, *, task: str | None = None) -> str:
        """What :meth:`encode_query` ("query") or :meth:`encode_document` ("document") puts before a text.

        The first of these that :attr:`prompts` has: `prompt_name`; `TASK-query` or `TASK-document`; `TASK`; "query", or
        "document", "passage" or "corpus".

        Args:
            role: "query" or "document".
            prompt_name: one of :attr:`prompts` in place of the role's own.
            task: one of the tasks that the model has prompts for.

        Raises:
            InputError: no prompt of this name, or none of this task for either role.
        """
        names = ("query",) if role == "query" else DOCUMENT_PROMPTS
        if task is not None:
            self._check_task(task)
            names = (f"{task}-{role}", task, *names)
        return self.named_prompt(prompt_name or next((n for n in names if n in self.prompts), None))

    def _check_task(self, task: str) -> None:
        endings = ("-query", "-document")
        if any(name in self.prompts for name in (task, *(task + ending for ending in endings))):
            return
        roles = {"query", *DOCUMENT_PROMPTS}
        known = sorted({name.removesuffix("-query").removesuffix("-document") for name in self.prompts} - roles)
        raise InputError(
            f"`task` must be one that this model has prompts for ({', '.join(known) or 'none'}). Got {task!r} instead."
            f"{did_you_mean(task, known)}"
        )

    def named_prompt(self, name: str | None) -> str:
        """The text of one of :attr:`prompts`; nothing for no name.

        Raises:
            InputError: no prompt of this name.
        """
        if name is None:
            return ""
        if name not in self.prompts:
            known = ", ".join(sorted(self.prompts)) or "none"
            raise InputError(
                f"`prompt_name` must be one of this model's prompts ({known}). Got {name!r} instead."
                f"{did_you_mean(name, self.prompts)}"
            )
        return self.prompts[name]

    def similarity(self, left: Any, right: Any) -> Tensor:
        """Scores (n, m) between two sets of vectors, as :attr:`similarity_name` says."""
        return similarity(_tensor(left), _tensor(right), kind=self.similarity_name)

    def similarity_pairwise(self, left: Any, right: Any) -> Tensor:
        """Scores (n,) of row i with row i, as :attr:`similarity_name` says."""
        return pairwise_similarity(_tensor(left), _tensor(right), kind=self.similarity_name)


def _tensor(vectors: Any) -> Tensor:
    found = torch.as_tensor(vectors)
    return found[None] if found.ndim == 1 else found
