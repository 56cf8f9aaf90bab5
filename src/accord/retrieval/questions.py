"""Texts to vectors: by the model that made those of the store, loaded at the first text, and checked to be the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.errors import InputError, ModelError
from accord.core.types import Encodes

__all__ = ["Questions", "model_record", "new_record"]


def model_record(encoder: Encodes, place: Path | str | None = None) -> dict[str, Any]:
    """What a new store writes down about its model.

    Args:
        encoder: the model.
        place: where it was loaded from: a folder or a name; a store that does not know needs `model` when opened.

    Returns:
        A record for :meth:`Store.create`.
    """
    record: dict[str, Any] = {"similarity": getattr(encoder, "similarity_name", "cosine")}
    for key in ("fingerprint", "dim"):
        value = getattr(encoder, key, None)
        record[key] = value() if callable(value) else value
    if record["dim"] is None:
        record["dim"] = int(np.asarray(encoder.encode_document(["dimensions"])).shape[1])
    if place is not None:
        folder = Path(place).expanduser()
        record |= {"path": str(folder.resolve())} if folder.exists() else {"name": str(place)}
    return record


def new_record(model: Encodes | str | Path) -> tuple[dict[str, Any], Encodes]:
    """The record of a model for a new store, and the model, loaded where it was a place."""
    if not isinstance(model, (str, Path)):
        return model_record(model), model
    from accord.encoders import load

    encoder = load(str(model))
    return model_record(encoder, model), encoder


class Questions:
    """Turns query texts, and texts of new documents, into vectors.

    Args:
        folder: the store; a relative path in the record starts there.
        record: the store's model record.
        model: an encoder, a path or name to load in place of the recorded one, or None.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any], model: Encodes | str | Path | None = None) -> None:
        self.folder = folder
        self.record = record
        self.model = model
        self._lock = threading.Lock()
        self._encoder: Encodes | None = None

    def encode(self, texts: Sequence[str], *, prompt_name: str | None = None) -> np.ndarray:
        """Vectors of query texts, (n, dim).

        Raises:
            InputError: the store does not know its model and none was given.
            ModelError: the model is not the one that made the vectors.
        """
        chosen = prompt_name or self.record.get("query_prompt")
        return np.asarray(self._ready().encode_query(texts, prompt_name=chosen))

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts as the store's documents are encoded, (n, dim).

        Raises:
            InputError: the store does not know its model and none was given.
            ModelError: the model is not the one that made the vectors.
        """
        return np.asarray(self._ready().encode_document(texts, prompt_name=self.record.get("document_prompt")))

    @property
    def named(self) -> bool:
        """Whether there is a model to ask."""
        return self.model is not None or bool(self.record.get("path") or self.record.get("name"))

    def _ready(self) -> Encodes:
        with self._lock:
            if self._encoder is None:
                encoder = self._load()
                self._check(encoder)
                self._encoder = encoder
            return self._encoder

    def _load(self) -> Encodes:
        given = self.model
        if given is not None and not isinstance(given, (str, Path)):
            return given
        name = str(given or self.record.get("path") or self.record.get("name") or "")
        if not name:
            raise InputError(
                f"{self.folder} does not say which model made its vectors. Pass one: open(path, model=...), "
                "or give vectors in place of texts."
            )
        from accord.encoders import load

        beside = self.folder / name
        return load(str(beside.resolve()) if given is None and beside.is_dir() else name)

    def _check(self, encoder: Encodes) -> None:
        known: dict[str, Any] = {}
        for key in ("fingerprint", "dim", "prompts"):
            value = getattr(encoder, key, None)
            known[key] = value() if callable(value) else value
        for key in ("fingerprint", "dim", "prompts"):
            stored, found = _said(self.record.get(key)), _said(known[key])
            if stored is not None and found is not None and found != stored:
                wanted = self.record.get("path") or self.record.get("name") or "the model that made the store"
                raise ModelError(
                    f"The model's {key} is {found!r}, but the vectors in {self.folder} were made with {stored!r}. "
                    f"Search with {wanted}, or index the documents again with this model."
                )


def _said(value: Any) -> Any:
    """A prompt that says nothing is no prompt."""
    return {k: v for k, v in value.items() if v} if isinstance(value, Mapping) else value
