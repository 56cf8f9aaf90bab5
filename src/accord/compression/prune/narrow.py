"""A plain BERT of a smaller hidden size: some coordinates stay, and everything that reads is fitted anew."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from accord.compression.prune.base import Pruned, Pruner, check_calibration, check_prunable
from accord.compression.prune.bert_parts import BertParts, check_bert
from accord.compression.prune.calibration import calibration_batches, observe, second_moment
from accord.core.checks import check_fraction
from accord.core.errors import InputError
from accord.encoders import TextEncoder
from accord.encoders.heads import Dense
from accord.encoders.text.attention import use_fast_attention
from accord.encoders.text.dropout import use_fast_dropout
from accord.maths.least_squares import explain_rest, ridge
from accord.maths.low_rank import truncated_pairing

__all__ = ["Narrow", "chosen_coordinates", "narrow"]

LEAST_TEXTS = 64
LINEAR = ("Mean", "Cls", "Last", "Weighted")
"""Poolings after which a linear map of the token vectors can still be taken."""


def narrow(encoder: TextEncoder, share: float, texts: Sequence[str]) -> tuple[TextEncoder, dict[str, Any]]:
    r"""A copy with a smaller hidden size that is an ordinary BERT: every coordinate that stays is one of the old ones.

    SliceGPT turns the hidden states into principal axes; after a post-norm layer that needs matrices on the skip
    connections, which a BERT does not have (see :func:`~accord.compression.prune.slice_gpt`). Coordinates need none:
    for the choice of rows S of the identity, :math:`S\, \mathrm{diag}(\gamma) = \mathrm{diag}(S\gamma)\, S`, so that
    gains and skips stay what they are. What is approximated instead:

    * what goes out is told from what stays, by least squares at each place where hidden states are read,
      :math:`h_R \approx h_K F + f`, folded into the maps that read;
    * mean and variance of LayerNorm are of the coordinates that stay; its gain and offset are fitted anew;
    * the attention is as wide as the hidden states in a BERT, so each head shrinks too: queries and keys to the rank
      that keeps their scores best, values to the rank that keeps the output best.

    The coordinates are those from which the others can be told best, greedily, over all layers together. A linear layer
    after the pooling, fitted on what the narrow model gives, leads back to the old dimensions, so that vectors stay in
    the space of the original.

    Also known as: hidden size pruning, column subset selection, interpolative decomposition of a network.

    Reference: Ashkboos et al. (2024), SliceGPT, arXiv:2401.15024, for slicing; Chee et al. (2022), Model Preserving
    Compression for Neural Networks, arXiv:2108.00065, section 3, for the decomposition.

    Differs from the paper: one choice of coordinates for all layers, LayerNorms and heads, as a plain BERT asks for.

    Args:
        encoder: of BERT's family, with one linear pooling; stays as it is.
        share: of the hidden size that goes, in (0, 1); what stays is rounded to a multiple of the number of heads.
        texts: to calibrate on, some hundreds.

    Returns:
        The encoder, and a record.

    Raises:
        InputError: a share outside (0, 1), too few texts, another family or pooling.
    """
    check_prunable(encoder, "slice")
    check_fraction("slice", share, closed=False)
    check_calibration(texts, "slice", least=LEAST_TEXTS)
    check_bert(encoder.backbone, "slice")
    kinds = [type(pooling).__name__ for pooling in encoder.pooling]
    if len(kinds) != 1 or kinds[0] not in LINEAR:
        raise InputError(f"`slice` needs one pooling of {', '.join(LINEAR)}. This encoder has {', '.join(kinds)}.")
    config = encoder.backbone.config
    heads, width = config.num_attention_heads, config.hidden_size
    count = heads * max(1, min(round(width * (1 - share) / heads), width // heads - 1))
    moments, attention = _gather(encoder, texts)
    kept, rest = chosen_coordinates(moments, count)
    smaller = copy.deepcopy(encoder).cpu()  # where the moments are
    _cut(smaller.backbone, kept, rest, moments, attention)
    smaller.backbone = _fresh(smaller.backbone, count)
    smaller.to(encoder.device)
    _fit_norms(encoder, smaller, kept, texts)
    smaller.heads.insert(0, _way_back(encoder, smaller, texts))
    return smaller, {"method": "slice", "form": "plain", "share": share, "of": width, "kept": count}


def chosen_coordinates(moments: Sequence[Tensor], count: int) -> tuple[Tensor, Tensor]:
    """The coordinates from which the others can be told best, greedily, and the others.

    Reference: Higham (2002), Accuracy and Stability of Numerical Algorithms, section 10.3 (pivoted Cholesky).

    Args:
        moments: second moments of the hidden states and a constant at each place, (dim + 1, dim + 1).
        count: how many stay.

    >>> whole = torch.tensor([[4.0, 4.0, 0.0, 0.0], [4.0, 4.1, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    >>> kept, rest = chosen_coordinates([whole.double()], 2)
    >>> kept.tolist(), rest.tolist()
    ([1, 2], [0])
    """
    total = torch.zeros_like(moments[0][:-1, :-1])
    for moment in moments:
        mean = moment[:-1, -1] / moment[-1, -1]
        covariance = moment[:-1, :-1] / moment[-1, -1] - torch.outer(mean, mean)
        total += covariance / covariance.trace().clamp(min=1e-30)
    left, order = total.clone(), []
    for _ in range(count):
        spread = left.diagonal().clone()
        spread[order] = -1.0
        best = int(spread.argmax())
        order.append(best)
        left -= torch.outer(left[:, best], left[best]) / left[best, best].clamp(min=1e-30)
    kept = torch.tensor(sorted(order))
    return kept, torch.tensor([number for number in range(len(total)) if number not in set(order)])


def _gather(encoder: TextEncoder, texts: Sequence[str]) -> tuple[list[Tensor], list[list[Tensor]]]:
    """Second moments of the hidden states after each norm; of queries, keys and contexts of each layer; with a one."""
    parts = BertParts(encoder.backbone)
    looked = [(norm, True) for norm in parts.norms]
    for layer in parts.layers:
        looked += [(layer.query, True), (layer.key, True), (layer.out, False)]
    sums: list[Tensor | None] = [None] * len(looked)

    def add(number: int, into: Tensor, output: Tensor) -> None:
        rows = output if looked[number][1] else into
        found = second_moment(torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)).cpu()
        known = sums[number]
        sums[number] = found if known is None else known + found

    observe(encoder, texts, [module for module, _ in looked], add)
    found = [total.clone() for total in sums if total is not None]
    states, rest = found[: len(parts.norms)], found[len(parts.norms) :]
    return states, [rest[start : start + 3] for start in range(0, len(rest), 3)]


def _cut(
    backbone: Any, kept: Tensor, rest: Tensor, moments: Sequence[Tensor], attention: Sequence[Sequence[Tensor]]
) -> None:
    """Cut every weight to the coordinates that stay, in place."""
    parts = BertParts(backbone)
    for table in parts.tables:
        table.weight.data = table.weight.data[:, kept].clone()
    for norm in parts.norms:
        norm.weight.data, norm.bias.data = norm.weight.data[kept].clone(), norm.bias.data[kept].clone()
    size = len(kept) // backbone.config.num_attention_heads
    for number, layer in enumerate(parts.layers):
        for reader in (layer.query, layer.key, layer.value):
            _read(reader, moments[2 * number], kept, rest)
        _read(layer.up, moments[2 * number + 1], kept, rest)
        for writer in (layer.out, layer.down):
            writer.weight.data, writer.bias.data = writer.weight.data[kept].clone(), writer.bias.data[kept].clone()
        _shrink_heads(layer, attention[number], heads=backbone.config.num_attention_heads, size=size)


def _read(linear: nn.Linear, moment: Tensor, kept: Tensor, rest: Tensor) -> None:
    """Fold what a map reads from coordinates that go into those that stay and its bias."""
    constant = torch.tensor([len(moment) - 1])
    fold = explain_rest(moment, torch.cat([kept, constant]), rest).to(linear.weight)
    added = linear.weight.data[:, rest] @ fold.T
    linear.weight.data = linear.weight.data[:, kept] + added[:, :-1]
    linear.bias.data = linear.bias.data + added[:, -1]


def _shrink_heads(layer: Any, moments: Sequence[Tensor], *, heads: int, size: int) -> None:
    """Heads of a smaller size, in place: scores and outputs as near as their rank allows."""
    old = layer.query.out_features // heads
    scale = (size / old) ** 0.5  # a BERT divides scores by the root of the size
    query, key, value, out = ([] for _ in range(4))
    queries, keys, contexts = moments
    bias = layer.out.bias.data.double()
    for head in range(heads):
        here = slice(head * old, (head + 1) * old)
        ours, theirs = queries[here, here] / queries[-1, -1], _covariance(keys, here)
        left, right = truncated_pairing(ours, theirs, torch.eye(old, dtype=torch.float64), size)
        query.append((left * scale, here))
        key.append((right, here))
        weight = layer.out.weight.data[:, here].double().T
        spread, mean = _covariance(contexts, here), contexts[here, -1] / contexts[-1, -1]
        inside, outside = truncated_pairing(spread, torch.eye(weight.shape[1], dtype=torch.float64), weight, size)
        value.append((inside, here))
        out.append(outside.T)
        bias = bias + mean @ weight - mean @ inside @ outside.T
    for linear, maps in ((layer.query, query), (layer.key, key), (layer.value, value)):
        weight, offset = linear.weight.data.double(), linear.bias.data.double()
        linear.weight.data = torch.cat([one.T @ weight[here] for one, here in maps]).to(linear.weight)
        linear.bias.data = torch.cat([offset[here] @ one for one, here in maps]).to(linear.weight)
    layer.out.weight.data = torch.cat(out).T.contiguous().to(layer.out.weight)
    layer.out.bias.data = bias.to(layer.out.bias)


def _covariance(moment: Tensor, here: slice) -> Tensor:
    mean = moment[here, -1] / moment[-1, -1]
    return moment[here, here] / moment[-1, -1] - torch.outer(mean, mean)


def _fresh(backbone: Any, count: int) -> Any:
    """A new backbone of the smaller size with the weights that were cut; its other modules have the right sizes."""
    config = copy.deepcopy(backbone.config)
    config.hidden_size = count
    with torch.random.fork_rng(devices=[]):
        fresh = type(backbone)(config, add_pooling_layer=False)
    state = {name: tensor for name, tensor in backbone.state_dict().items() if not name.startswith("pooler.")}
    fresh.load_state_dict(state)
    use_fast_dropout(fresh)
    use_fast_attention(fresh)
    return fresh.to(next(backbone.parameters())).eval()


def _fit_norms(encoder: TextEncoder, smaller: TextEncoder, kept: Tensor, texts: Sequence[str]) -> None:
    """Fit gain and offset of each LayerNorm to what the original gives, coordinate by coordinate, in place."""
    ours, theirs = BertParts(smaller.backbone).norms, BertParts(encoder.backbone).norms
    sums = [torch.zeros(5, len(kept), dtype=torch.float64) for _ in ours]

    def add(number: int, into: Tensor, output: Tensor) -> None:
        x = nn.functional.layer_norm(into[:, kept], (len(kept),), eps=theirs[number].eps).double()
        y = output[:, kept].double()
        sums[number] += torch.stack([torch.ones_like(x), x, y, x * x, x * y]).sum(1).cpu()

    observe(encoder, texts, theirs, add)
    for norm, (n, x, y, xx, xy) in zip(ours, sums):
        spread = (xx - x * x / n).clamp(min=1e-12)
        gain = (xy - x * y / n) / spread
        norm.weight.data = gain.to(norm.weight)
        norm.bias.data = ((y - gain * x) / n).to(norm.bias)


def _way_back(encoder: TextEncoder, smaller: TextEncoder, texts: Sequence[str]) -> Dense:
    """A linear layer from token vectors of the narrow model to those of the original."""
    gram: Tensor | float = 0.0
    cross: Tensor | float = 0.0
    for ours, theirs in _both(encoder, smaller, texts):
        known = torch.cat([ours, torch.ones_like(ours[:, :1])], dim=1).double()
        gram, cross = gram + known.T @ known, cross + known.T @ theirs.double()
    assert isinstance(gram, Tensor), "there are texts"
    assert isinstance(cross, Tensor), "there are texts"
    found = ridge(gram, cross)
    head = Dense(len(found) - 1, found.shape[1], bias=True, activation="identity")
    weight = head.linear.weight
    head.linear.weight.data, head.linear.bias.data = found[:-1].T.contiguous().to(weight), found[-1].to(weight)
    return head.to(encoder.device).eval()


def _both(encoder: TextEncoder, smaller: TextEncoder, texts: Sequence[str]) -> Iterator[tuple[Tensor, Tensor]]:
    with torch.inference_mode():
        for batch in calibration_batches(encoder, texts):
            real = batch.attention_mask.bool()
            inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
            ours, theirs = (one.backbone(**inputs).last_hidden_state[real] for one in (smaller, encoder))
            yield ours, theirs


class Narrow(Pruner):
    """:func:`narrow` with a share.

    Args:
        share: of the hidden size that goes, in (0, 1).
    """

    def __init__(self, share: float) -> None:
        check_fraction("slice", share, closed=False)
        self.share = share

    def prune(self, encoder: TextEncoder, texts: Sequence[str]) -> Pruned:
        """A plain BERT of a smaller hidden size."""
        return Pruned(*narrow(encoder, self.share, texts))
