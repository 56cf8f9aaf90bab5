"""LlamaIndex: a `BaseEmbedding` that puts the query prompt before queries."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import PrivateAttr

from accord.core.errors import InputError
from accord.integrations.hosts import host_class, require_host
from accord.integrations.roles import Roles

__all__ = ["LlamaIndexEmbedding"]

BaseEmbedding: Any = host_class("llama_index.core.base.embeddings.base", "BaseEmbedding")


class LlamaIndexEmbedding(BaseEmbedding):
    """What LlamaIndex takes as `embed_model`; asynchronous calls run in a thread.

    Args:
        model: an encoder, or what :func:`accord.load` takes.
        task: whose prompts to use, of a model that has some for each task.
        device: where to put a model that is loaded here.
        embed_batch_size: texts that LlamaIndex hands over at once, at most 2048.
        embeddings_cache: LlamaIndex's own; it keeps queries and texts under one key, so it is refused for a model whose
            queries and documents take different prompts.

    Raises:
        MissingExtra: `llama-index-core` is not installed.
        InputError: such a cache, or see :class:`~accord.integrations.roles.Roles`.
    """

    _roles: Any = PrivateAttr(default=None)

    def __init__(
        self,
        model: Any,
        *,
        task: str | None = None,
        device: str | None = None,
        embed_batch_size: int = 512,
        embeddings_cache: Any = None,
    ) -> None:
        require_host(BaseEmbedding, package="llama-index-core", purpose="LlamaIndexEmbedding")
        roles = Roles(model, task=task, device=device)
        if embeddings_cache is not None and roles.query_prompt != roles.document_prompt:
            raise InputError(
                "`embeddings_cache` keeps one vector a text, and this model makes two: one for a query, one for a "
                "document. Leave the cache out; a store keeps the documents' vectors anyway."
            )
        name = model if isinstance(model, str) else type(roles.model).__name__
        super().__init__(model_name=name, embed_batch_size=embed_batch_size, embeddings_cache=embeddings_cache)
        self._roles = roles

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex writes down."""
        return "LlamaIndexEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._roles.queries([query])[0].tolist()

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._roles.documents(texts).tolist()

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)
