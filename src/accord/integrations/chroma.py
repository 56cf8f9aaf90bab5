"""Chroma: an `EmbeddingFunction` that puts the query prompt before queries and is kept with its collection."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from accord.core.checks import check_keys
from accord.core.errors import InputError
from accord.integrations.hosts import host_class, require_host
from accord.integrations.roles import Roles

__all__ = ["ChromaEmbeddingFunction"]

EmbeddingFunction: Any = host_class("chromadb.api.types", "EmbeddingFunction")
SPACES = {"cosine": "cosine", "dot": "ip", "euclidean": "l2"}


class ChromaEmbeddingFunction(EmbeddingFunction):
    """What Chroma takes as `embedding_function`.

    Chroma keeps its configuration with the collection, the fingerprint of the model included, and makes it again when
    the collection is opened: with other weights under the same name, that is an error and not a wrong answer.

    Args:
        model: what :func:`accord.load` takes; a name, as an encoder cannot be kept with a collection.
        task: whose prompts to use, of a model that has some for each task.
        device: where to put the model.
        fingerprint: of the weights and settings that the collection was filled with; any when not given.

    Raises:
        MissingExtra: `chromadb` is not installed.
        InputError: another model than `fingerprint` says, or see :class:`~accord.integrations.roles.Roles`.
    """

    def __init__(
        self, model: str, *, task: str | None = None, device: str | None = None, fingerprint: str | None = None
    ) -> None:
        require_host(EmbeddingFunction, package="chromadb", purpose="ChromaEmbeddingFunction")
        if not isinstance(model, str):
            raise InputError(
                f"`model` must be a name or a path, which Chroma keeps with the collection. Got {type(model).__name__} "
                "instead: save the encoder and give its folder."
            )
        self.model = model
        self.task = task
        self.device = device
        self.roles = Roles(model, task=task, device=device)
        self.fingerprint = self.roles.model.fingerprint()
        if fingerprint is not None and fingerprint != self.fingerprint:
            raise InputError(
                f"The collection was filled by a model with the fingerprint {fingerprint[:12]}, and `{model}` has "
                f"{self.fingerprint[:12]} now: their vectors do not compare. Restore that model, or fill the "
                "collection again."
            )

    def __call__(self, input: Sequence[str]) -> list[np.ndarray]:
        """Vectors of documents."""
        return list(self.roles.documents(input))

    def embed_query(self, input: Sequence[str]) -> list[np.ndarray]:
        """Vectors of queries."""
        return list(self.roles.queries(input))

    @staticmethod
    def name() -> str:
        """Under which Chroma knows it."""
        return "accord"

    def default_space(self) -> str:
        """How the model's vectors are meant to be compared, in Chroma's words."""
        return SPACES[self.roles.model.similarity_name]

    def supported_spaces(self) -> list[str]:
        """All of Chroma's."""
        return list(SPACES.values())

    def get_config(self) -> dict[str, Any]:
        """JSON from which :meth:`build_from_config` makes it again."""
        return {"model": self.model, "task": self.task, "device": self.device, "fingerprint": self.fingerprint}

    @staticmethod
    def build_from_config(config: Mapping[str, Any]) -> ChromaEmbeddingFunction:
        """Make it again.

        Raises:
            InputError: a configuration of something else, or a model that has changed.
        """
        ChromaEmbeddingFunction.validate_config(config)
        return ChromaEmbeddingFunction(**config)

    @staticmethod
    def validate_config(config: Mapping[str, Any]) -> None:
        """Refuse a configuration that is not of this class.

        Raises:
            InputError: a key that is missing or unknown.
        """
        check_keys("the configuration of the collection", config, ("model", "task", "device", "fingerprint"))
        if not isinstance(config.get("model"), str):
            raise InputError(f"The collection's configuration lacks the name of its `model`. Got {dict(config)!r}.")

    def validate_config_update(self, old_config: Mapping[str, Any], new_config: Mapping[str, Any]) -> None:
        """Refuse another model or task for a filled collection; the same weights may move to another folder.

        Raises:
            InputError: the vectors would not compare.
        """
        for key in ("task", "fingerprint"):
            if key in new_config and new_config[key] != old_config.get(key):
                raise InputError(f"`{key}` of a filled collection must stay {old_config.get(key)!r}. Fill a new one.")


if EmbeddingFunction is not object:  # as Chroma asks of whoever writes one, so that collections open by their name
    importlib.import_module("chromadb.utils.embedding_functions").register_embedding_function(ChromaEmbeddingFunction)
