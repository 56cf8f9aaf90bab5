"""Train a head that gives a space for each condition, on the token vectors of an encoder that stays as it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.random import numpy_generator
from accord.data.signals import Labelled
from accord.encoders.conditional import ConditionalEncoder
from accord.encoders.heads.conditional_attention import ConditionalAttention
from accord.encoders.text.transformer import TextEncoder
from accord.encoders.token_vectors import token_vectors
from accord.maths.descent import adam_descent
from accord.objectives import SupCon
from accord.objectives.base import contract

__all__ = ["fit_conditions"]

EACH = 4
"""Texts of a class in a batch, where it has so many."""


def fit_conditions(
    encoder: TextEncoder,
    tables: Mapping[str, Labelled],
    *,
    head: ConditionalAttention | None = None,
    objective: nn.Module | None = None,
    steps: int = 600,
    batch: int = 64,
    lr: float = 1e-3,
    seed: int = 0,
    progress: Progress = silent,
) -> ConditionalEncoder:
    """A space for each kind of label, from one encoder and one head.

    Each step takes one table in turn, and some texts of some of its classes, under the table's condition. The token
    vectors are made once and kept in memory, two bytes a number.

    Reference: Song et al. (2023), Conditional Cross Attention Network, arXiv:2307.13254, section 3.

    Args:
        encoder: gives the token vectors; it is not trained.
        tables: by condition, texts and what they are in that respect; a text may stand in several.
        head: to train, in place; one with a token for each table, as wide as the encoder's vectors, when not given. A
            head with a single condition learns all tables in one space, to compare with.
        objective: of the catalogue, for `scores` or `embeddings` with `labels`, such as
            :class:`~accord.objectives.BatchHardTriplet`; :class:`~accord.objectives.SupCon` when not given.
        steps: of the optimiser, at least 1.
        batch: texts a step, at least 4.
        lr: the largest learning rate; it rises and falls to 0.
        seed: of the batches and of a new head.
        progress: opens the bar.

    Raises:
        InputError: a table with fewer than two classes of two texts, an objective that asks for more, a head with
            other conditions.
    """
    check_at_least("steps", steps, 1)
    check_at_least("batch", batch, EACH)
    if head is None:
        head = ConditionalAttention(list(tables), encoder.backbone.config.hidden_size, encoder.dim, seed=seed)
    names = head.names * len(tables) if len(head.names) == 1 else list(tables)
    if unknown := [name for name in names if name not in head.names]:
        raise InputError(f"The head has the conditions {head.names}, and no {unknown[0]!r}.")
    loss_of = SupCon() if objective is None else objective
    asked = contract(loss_of).required
    if set(asked) - {"scores", "embeddings", "labels"}:
        raise InputError(f"`objective` may ask for `scores` or `embeddings` and `labels`. It asks for {asked}.")
    texts = {
        text: row for row, text in enumerate(dict.fromkeys(t for of in tables.values() for t in of.column("text")))
    }
    tokens = token_vectors(encoder, list(texts))
    classes = {name: _classes(table, texts, name) for name, table in tables.items()}
    generator = numpy_generator(seed, "conditions", *tables)
    drawn = [
        _draw(classes[name], batch, generator) for name in (list(tables)[step % len(tables)] for step in range(steps))
    ]

    def loss(step: int) -> torch.Tensor:
        rows, labels = drawn[step]
        seen, mask = tokens.batch(rows)
        number = head.names.index(names[step % len(names)])
        vectors = head(seen, mask, torch.full((len(rows),), number))
        fields = {"scores": vectors @ vectors.T, "embeddings": vectors, "labels": torch.from_numpy(labels)}
        return loss_of(**{name: fields[name] for name in asked})

    head.train()
    with torch.random.fork_rng(devices=[]):  # dropout, by the seed and leaving no trace
        torch.manual_seed(int(generator.integers(2**31)))
        adam_descent(list(head.parameters()), loss, steps=steps, learning_rate=lr, name="conditions", progress=progress)
    return ConditionalEncoder(encoder, head)


def _classes(table: Labelled, rows: Mapping[str, int], name: str) -> list[np.ndarray]:
    """Rows of the texts of each class with at least two."""
    found: dict[str, dict[int, None]] = {}
    for text, label in zip(table.column("text"), table.column("label")):
        found.setdefault(label, {})[rows[text]] = None
    usable = [np.array(list(of)) for of in found.values() if len(of) > 1]
    if len(usable) < 2:
        raise InputError(f"The table {name!r} must have two classes of two texts at least. Got {len(usable)}.")
    return usable


def _draw(classes: list[np.ndarray], batch: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Texts of some classes, a few of each, and their labels."""
    most = min(len(classes), max(2, batch // EACH))
    chosen = generator.choice(len(classes), size=most, replace=False).tolist()
    each = max(EACH, batch // most)
    rows = [generator.permutation(classes[c])[:each] for c in chosen]
    labels = np.repeat(np.arange(most), [len(of) for of in rows])
    return np.concatenate(rows), labels
