"""How far the scores of a small size are from those of the whole model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from accord.compression.elastic.base import Seen
from accord.maths.similarity import similarity
from accord.objectives.base import contract
from accord.objectives.distillation.score_kl import score_kl

__all__ = ["divergence", "temperature_of"]

COSINES = 0.05
"""Temperature of cosines where neither the method nor the objective has one."""


def temperature_of(inner: nn.Module, given: float | None) -> float:
    """The temperature of an alignment: as given, else the objective's own, else 0.05, or 1 for scores of tokens."""
    own: Any = getattr(inner, "temperature", None)
    if given is not None:
        return given
    if isinstance(own, (int, float)) and own > 0:
        return float(own)
    return 1.0 if "logits" in contract(inner).names else COSINES


def divergence(inner: nn.Module, small: Seen, full: Seen, *, temperature: float) -> Tensor:
    r"""Kullback-Leibler divergence of the scores of a size from those of the whole model, which it does not move.

    .. math:: \operatorname{mean}_i \sum_k p_{ik} \log \frac{p_{ik}}{q_{ik}}, \qquad
              p_i = \mathrm{softmax}(s_i / \tau),\quad q_i = \mathrm{softmax}(s'_i / \tau)

    with the scores s of the whole model and s' of the smaller size.

    The scores are those that the objective reads: of queries with documents, with their own lists, of the pairs of the
    batch together, or of tokens. An objective that reads vectors alone is given the cosines between all vectors of the
    batch.

    Args:
        inner: the objective.
        small: a size.
        full: the whole model on the same batch.
        temperature: > 0, in units of the score.

    Returns:
        Nats, at least 0.
    """
    found, ignore = _scores(inner, small)
    wanted, _ = _scores(inner, full)
    if found.numel() == 0 or found.shape[1] < 2:  # nothing to tell apart
        return found.sum() * 0.0
    # score_kl multiplies by the squared temperature, which suits losses in units of the score; these are in nats.
    return score_kl(found, wanted.detach(), ignore=ignore, temperature=temperature) / temperature**2


def _scores(inner: nn.Module, seen: Seen) -> tuple[Tensor, Tensor | None]:
    """(rows, columns) scores, and where they do not count."""
    fields, ignore = seen.fields, seen.fields.get("ignore")
    if "scores" in fields:
        scores = fields["scores"]
        if contract(inner).shapes.get("scores") != "n n":
            return scores, ignore
        own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
        return scores, own if ignore is None else own | ignore
    if "list_scores" in fields:
        return fields["list_scores"], ignore
    if "pair_scores" in fields:
        return fields["pair_scores"][None, :], None
    if "logits" in fields:
        return fields["logits"], None
    vectors = seen.vectors
    return similarity(vectors, vectors), torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
