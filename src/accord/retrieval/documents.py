"""Documents as users hand them in and get them back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accord.core.errors import InputError
from accord.retrieval.files.schema import row_hash

__all__ = ["Document", "Hit", "Row", "document_text", "metadata_json", "read_record", "read_records"]

RESERVED = ("id", "text", "title")


@dataclass(frozen=True)
class Document:
    """What the store holds under an id.

    Args:
        metadata: every key of the record besides `id`, `title` and `text`.
    """

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hit:
    """A document that answers a query.

    Args:
        score: the similarity of the store's model, BM25, or what fusion made of both; higher is better.
        rank: from 1.
        sources: with `explain`, the rank and score that each way of searching gave the document, by its name.
    """

    id: str
    score: float
    text: str
    title: str
    metadata: Mapping[str, Any]
    rank: int
    sources: Mapping[str, tuple[int, float]] | None = None


@dataclass(frozen=True)
class Row:
    """A document as the database holds it."""

    id: str
    title: str
    text: str
    metadata: str

    def values(self, slot: int) -> tuple[int, str, str, str, str, bytes]:
        """The row for a slot, with its hash."""
        cells = (slot, self.id, self.title, self.text, self.metadata)
        return (*cells, row_hash(*cells))


def document_text(title: str, text: str) -> str:
    """What is encoded of a document: its title before its text; a title that is the text is said once.

    >>> document_text("Paris", "A capital."), document_text("Paris", "Paris")
    ('Paris A capital.', 'Paris')
    """
    return text if title == text else f"{title} {text}".strip()


def read_records(records: Iterable[Mapping[str, Any]], *, textless: bool = False) -> list[Row]:
    """Check records one by one and all together.

    Args:
        records: mappings with `text`.
        textless: a text may be missing or empty.

    Raises:
        InputError: a record that is no mapping, lacks its text, holds what JSON cannot, or repeats an id.
    """
    if isinstance(records, (str, bytes, Mapping)):
        raise InputError("`records` must be a list of mappings with `text`. Got one value; put it in a list.")
    rows = [read_record(record, f"records[{n}]", textless=textless) for n, record in enumerate(records)]
    seen: dict[str, int] = {}
    for n, row in enumerate(rows):
        if (first := seen.setdefault(row.id, n)) != n:
            raise InputError(
                f"records[{first}] and records[{n}] have the same id {row.id!r}. Ids must be unique; records without "
                "`id` get one from their content, so equal ones need an `id` of their own."
            )
    return rows


def read_record(record: Mapping[str, Any], where: str, *, textless: bool = False) -> Row:
    """Check one record.

    Args:
        record: a mapping.
        where: to name it in messages.
        textless: its text may be missing or empty.

    Raises:
        InputError: naming the field and the rule.
    """
    if not isinstance(record, Mapping):
        raise InputError(f"{where} must be a mapping with `text`. Got {type(record).__name__} instead.")
    if record.get("text") is None and not textless:
        raise InputError(f"{where} lacks `text`.")
    text = _string(record.get("text") or "" if textless else record["text"], f"{where}: `text`")
    if not text.strip() and not textless:
        raise InputError(f"{where}: `text` must not be empty.")
    title = _string(record.get("title") or "", f"{where}: `title`")
    metadata = {key: value for key, value in record.items() if key not in RESERVED}
    encoded = metadata_json(metadata, where)
    identity = record.get("id")
    if identity is None:
        ordered = json.dumps(metadata, sort_keys=True, ensure_ascii=False)
        identity = hashlib.sha256(row_hash(title, text, ordered)).hexdigest()[:32]
    if not _string(identity, f"{where}: `id`"):
        raise InputError(f"{where}: `id` must not be empty.")
    if "\0" in identity:
        raise InputError(f"{where}: `id` must not hold a NUL character. Got {identity!r}.")
    return Row(identity, title, text, encoded)


def metadata_json(metadata: Mapping[str, Any], where: str) -> str:
    """Metadata as JSON that reads back equal.

    Raises:
        InputError: a key that is no string, or a value that JSON cannot hold.
    """
    for key, value in metadata.items():
        _string(key, f"{where}: the key {key!r}")
        try:
            _check_json(value)
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"{where}: `{key}` must be a JSON value ({error}).") from error
    return json.dumps(metadata, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _check_json(value: object) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is not a string")
            _check_json(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check_json(inner)


def _string(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{what} must be a string. Got {value!r} ({type(value).__name__}) instead.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{what} is not valid Unicode ({error.reason}).") from error
    return value
