"""LangChain: an `Embeddings` that puts the query prompt before queries."""

from __future__ import annotations

from typing import Any

from accord.integrations.hosts import host_class, require_host
from accord.integrations.roles import Roles

__all__ = ["LangChainEmbeddings"]

Embeddings: Any = host_class("langchain_core.embeddings", "Embeddings")


class LangChainEmbeddings(Embeddings):
    """What LangChain's stores and retrievers take as `embedding`; asynchronous calls run in LangChain's threads.

    Texts go to the model as they are: line ends are kept.

    Args:
        model: an encoder, or what :func:`accord.load` takes.
        task: whose prompts to use, of a model that has some for each task.
        device: where to put a model that is loaded here.

    Raises:
        MissingExtra: `langchain-core` is not installed.
        InputError: see :class:`~accord.integrations.roles.Roles`.
    """

    def __init__(self, model: Any, *, task: str | None = None, device: str | None = None) -> None:
        require_host(Embeddings, package="langchain-core", purpose="LangChainEmbeddings")
        self.roles = Roles(model, task=task, device=device)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of documents."""
        return self.roles.documents(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        """The vector of a query."""
        return self.roles.queries([text])[0].tolist()
