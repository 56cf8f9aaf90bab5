"""Each text is encoded once: distinct texts within a task, and a cache over the tasks of one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.types import Encodes

__all__ = ["CachedEncoder", "encode_documents", "encode_neutral", "encode_queries", "similarity_kind"]


class CachedEncoder:
    """A model that remembers what it encoded, so that tasks over the same texts pay once.

    In memory, for one model that does not change; keyed by the text, its role and the prompt.

    Args:
        model: what encodes; asked only for texts that are new.

    >>> class Letters:
    ...     def encode_query(self, texts, *, prompt_name=None, progress=None):
    ...         print(texts)
    ...         return np.array([[float(len(t))] for t in texts], dtype=np.float32)
    >>> cached = CachedEncoder(Letters())
    >>> cached.encode_query(["a", "bb", "a"]).ravel().tolist()
    ['a', 'bb']
    [1.0, 2.0, 1.0]
    >>> cached.encode_query(["bb", "ccc"]).ravel().tolist()
    ['ccc']
    [2.0, 3.0]
    """

    def __init__(self, model: Encodes) -> None:
        self.model = model
        self._held: dict[tuple[str, str | None], dict[str, np.ndarray]] = {}

    @property
    def similarity_name(self) -> str:
        """The similarity of the model."""
        return similarity_kind(self.model)

    def encode_query(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for queries, (n, dim) float32."""
        return self._rows("query", self.model.encode_query, texts, prompt_name, progress)

    def encode_document(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for documents, (n, dim) float32."""
        return self._rows("document", self.model.encode_document, texts, prompt_name, progress)

    def encode(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for texts in no role, (n, dim) float32; in the query role where the model knows no other way."""
        return self._rows("text", _neutral(self.model), texts, prompt_name, progress)

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()

    def _rows(
        self,
        role: str,
        encode: Callable[..., np.ndarray],
        texts: Sequence[str],
        prompt_name: str | None,
        progress: Progress | None,
    ) -> np.ndarray:
        held = self._held.setdefault((role, prompt_name), {})
        new = [text for text in dict.fromkeys(texts) if text not in held]
        if new:
            rows = np.asarray(encode(new, prompt_name=prompt_name, progress=progress))
            held.update(zip(new, rows))
        return np.stack([held[text] for text in texts])


def encode_queries(
    model: Encodes, texts: Sequence[str], prompt_name: str | None = None, progress: Progress = silent
) -> np.ndarray:
    """Rows of `texts` in the role of queries, each distinct text encoded once.

    Raises:
        InputError: rows that are not one a text, or not finite.
    """
    return _distinct(model.encode_query, texts, prompt_name, progress)


def encode_documents(
    model: Encodes, texts: Sequence[str], prompt_name: str | None = None, progress: Progress = silent
) -> np.ndarray:
    """Rows of `texts` in the role of documents, each distinct text encoded once.

    Raises:
        InputError: rows that are not one a text, or not finite.
    """
    return _distinct(model.encode_document, texts, prompt_name, progress)


def encode_neutral(
    model: Encodes, texts: Sequence[str], prompt_name: str | None = None, progress: Progress = silent
) -> np.ndarray:
    """Rows of `texts` in no role, each distinct text encoded once: by `encode`, where the model has it.

    Raises:
        InputError: rows that are not one a text, or not finite.
    """
    return _distinct(_neutral(model), texts, prompt_name, progress)


def similarity_kind(model: object) -> str:
    """The similarity that a model was made for, where it says so and search knows it; else cosine."""
    kind = getattr(model, "similarity_name", None)
    return kind if kind in {"cosine", "dot"} else "cosine"


def _neutral(model: Encodes) -> Callable[..., np.ndarray]:
    return getattr(model, "encode", model.encode_query)


def _distinct(
    encode: Callable[..., np.ndarray], texts: Sequence[str], prompt_name: str | None, progress: Progress
) -> np.ndarray:
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    rows = np.asarray(encode(list(place), prompt_name=prompt_name, progress=progress))
    if rows.ndim != 2 or len(rows) != len(place):
        raise InputError(f"The encoder must return one row a text, ({len(place)}, dim). Got {rows.shape} instead.")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        text = list(place)[bad[0]]
        raise InputError(f"The encoder returned NaN or infinity for {len(bad)} texts, first for {text[:60]!r}.")
    return rows if len(place) == len(texts) else rows[[place[text] for text in texts]]
