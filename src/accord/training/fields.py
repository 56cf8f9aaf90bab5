"""From a signal to the fields of an objective: which texts a batch needs, and what is computed from their vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Ranked, Scored, Signal, Unlabelled
from accord.maths.similarity import pairwise_similarity, similarity

__all__ = ["Roles", "provided_fields", "roles_of", "signal_fields"]

MAX_RANKED_NEGATIVES = 7


@dataclass(frozen=True)
class Roles:
    """The texts of some rows by role, and what goes with them.

    Args:
        texts: one list a role; queries first. Documents that are positives come before further negatives.
        queries: how many leading roles take the query prompt; all of them where the signal is symmetric.
        labels: (rows) class numbers or gold scores.
        positives: for each row, all texts known to be right for its query; they are never negatives.
    """

    texts: Sequence[Sequence[str]]
    queries: int = 1
    labels: np.ndarray | None = None
    positives: Sequence[frozenset[str]] = ()


def provided_fields(signal: type[Signal]) -> tuple[str, ...]:
    """The fields that a signal can provide to an objective.

    >>> provided_fields(Pairs)
    ('scores', 'ignore')
    """
    if issubclass(signal, (Pairs, Ranked, Unlabelled)):
        return ("scores", "ignore")
    if issubclass(signal, Labelled):
        return ("scores", "embeddings", "labels")
    if issubclass(signal, Scored):
        return ("pair_scores", "labels")
    raise InputError(f"Training knows no fields for the signal {signal.__name__}.")


def roles_of(signal: Signal, epoch: int = 0) -> Roles:
    """The texts and labels of all rows of `signal`.

    Args:
        signal: rows of a batch, in order.
        epoch: lists of several positives take turns by epoch.

    Raises:
        InputError: a signal that training does not know.
    """
    if isinstance(signal, Pairs):
        columns = [signal.column(name) for name in signal.text_columns]
        labels = np.asarray(signal.column("label")) if "label" in signal.table.column_names else None
        return Roles(columns, labels=labels)
    if isinstance(signal, Labelled):
        return Roles([signal.column("text")], labels=np.asarray(signal.column("label")))
    if isinstance(signal, Scored):
        texts = [signal.column("text1"), signal.column("text2")]
        return Roles(texts, queries=2, labels=np.asarray(signal.column("score"), dtype=np.float32))
    if isinstance(signal, Unlabelled):
        return Roles([signal.column("text")] * 2, queries=2)
    if isinstance(signal, Ranked):
        positives = signal.column("pos")
        negatives = signal.column("neg")
        turn = [texts[epoch % len(texts)] for texts in positives]
        pool = [text for texts in negatives for text in texts[:MAX_RANKED_NEGATIVES]]
        texts = [signal.column("query"), turn, pool] if pool else [signal.column("query"), turn]
        return Roles(texts, positives=[frozenset(texts) for texts in positives])
    raise InputError(f"Training knows no roles for the signal {type(signal).__name__}.")


def false_negatives(roles: Roles, mask: Sequence[str]) -> np.ndarray | None:
    """(queries, docs): True where a document must not count as a negative of a query.

    With "text" in `mask`, document j is one for query i when its text is a known positive of i's text anywhere in the
    batch, or equals the query. With "label", when row j has the label of row i.
    """
    queries = roles.texts[0]
    docs = [text for role in roles.texts[1:] for text in role]
    ignore = np.zeros((len(queries), len(docs)), dtype=bool)
    if "text" in mask:
        _mark_known_texts(ignore, roles, docs)
    if "label" in mask and roles.labels is not None:
        ignore[:, : len(queries)] |= roles.labels[:, None] == roles.labels[None, :]
    np.fill_diagonal(ignore, False)
    return ignore if ignore.any() else None


def _mark_known_texts(ignore: np.ndarray, roles: Roles, docs: Sequence[str]) -> None:
    """Mark, in place, each document that is known to be right for the text of a query, or is that text."""
    queries = roles.texts[0]
    own = [frozenset([docs[i]]) for i in range(len(queries))]
    known: dict[str, set[str]] = {}
    for query, positives, mine in zip(queries, roles.positives or own, own):
        known.setdefault(query, {query}).update(positives | mine)
    columns: dict[str, list[int]] = {}
    for j, text in enumerate(docs):
        columns.setdefault(text, []).append(j)
    for i, query in enumerate(queries):
        for text in known[query]:
            ignore[i, columns.get(text, [])] = True


def signal_fields(
    roles: Roles, vectors: Sequence[Tensor], wanted: Sequence[str], *, mask: Sequence[str] = (), kind: str = "cosine"
) -> dict[str, Tensor]:
    """Compute the wanted fields from the vectors of each role.

    Args:
        roles: the batch.
        vectors: (rows, dim) a role, in the order of `roles.texts`.
        wanted: names of fields.
        mask: what marks false negatives.
        kind: similarity.

    Returns:
        name -> tensor, for those of `wanted` that the batch has.
    """
    device = vectors[0].device
    documents = vectors[1:] if len(vectors) > 1 else vectors
    makers: Mapping[str, Callable[[], Tensor | None]] = {
        "scores": lambda: similarity(vectors[0], torch.cat(list(documents)), kind=kind),
        "pair_scores": lambda: pairwise_similarity(vectors[0], vectors[1], kind=kind),
        "embeddings": lambda: vectors[0],
        "labels": lambda: None if roles.labels is None else torch.as_tensor(roles.labels, device=device),
        "ignore": lambda: _tensor(false_negatives(roles, mask), device),
    }
    fields = {name: makers[name]() for name in wanted if name in makers}
    return {name: value for name, value in fields.items() if value is not None}


def _tensor(value: np.ndarray | None, device: torch.device) -> Tensor | None:
    return None if value is None else torch.from_numpy(value).to(device)
