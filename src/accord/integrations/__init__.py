"""accord's models inside other projects, each with the prompt that the model was trained with.

| host | class | |
|---|---|---|
| LangChain | :class:`~accord.integrations.langchain.LangChainEmbeddings` | `embed_query`, `embed_documents` |
| LlamaIndex | :class:`~accord.integrations.llama_index.LlamaIndexEmbedding` | queries and texts, also async |
| Chroma | :class:`~accord.integrations.chroma.ChromaEmbeddingFunction` | `embed_query`, kept with the collection |
| mteb | :class:`~accord.integrations.mteb.MtebEncoder` | prompts by task name and type |

A store moves to a Qdrant server by :func:`~accord.integrations.qdrant.export_qdrant`. On a Ray cluster
:class:`~accord.integrations.ray_data.RayData` spreads the shards of a corpus, and
:class:`~accord.integrations.ray_data.RayEmbedder` embeds a dataset of Ray's.

The adapters that these projects bring for sentence-transformers call plain `encode`, and so leave a saved query prompt
out. A model that has prompts for each of its tasks is told which by ``task=``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accord.integrations.chroma import ChromaEmbeddingFunction
    from accord.integrations.langchain import LangChainEmbeddings
    from accord.integrations.llama_index import LlamaIndexEmbedding
    from accord.integrations.mteb import MtebEncoder
    from accord.integrations.qdrant import QdrantReport, export_qdrant
    from accord.integrations.ray_data import RayData, RayEmbedder

__all__ = [
    "ChromaEmbeddingFunction",
    "LangChainEmbeddings",
    "LlamaIndexEmbedding",
    "MtebEncoder",
    "QdrantReport",
    "RayData",
    "RayEmbedder",
    "export_qdrant",
]

_HOMES = {
    "ChromaEmbeddingFunction": "chroma",
    "LangChainEmbeddings": "langchain",
    "LlamaIndexEmbedding": "llama_index",
    "MtebEncoder": "mteb",
    "QdrantReport": "qdrant",
    "RayData": "ray_data",
    "RayEmbedder": "ray_data",
    "export_qdrant": "qdrant",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from accord.core.threads import settle

    settle()
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
