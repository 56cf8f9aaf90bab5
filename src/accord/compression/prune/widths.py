"""Prune widths: inner units of the feed-forward parts, and heads of the attention, by what the vectors owe them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from accord.compression.prune.base import Pruned, Pruner, check_calibration, check_prunable
from accord.compression.prune.calibration import calibration_batches, observe, second_moment
from accord.core.checks import check_choice, check_fraction
from accord.core.errors import InputError
from accord.encoders import TextEncoder
from accord.encoders.text.widths import cut_width, inner_linears, inner_width
from accord.maths.least_squares import explain_rest

__all__ = ["FeedForward", "Heads", "gate_importance", "prune_feed_forward", "prune_heads"]

DRAWS = 4
"""Random directions of the vectors a batch, along which the change is measured."""
LEAST_TEXTS = 16
CHOICES = ("fluctuation", "vectors")
PENALTY = 1e-2
"""Of the least squares, by the mean variance: inner units are many, and calibration texts often few."""
SIXTEEN = 16
"""Widths are multiples of this where they can be: products of other shapes are slower."""

Gate = Callable[[Tensor, Tensor], Tensor]
"""Values (batch, length, width) and one factor a text and unit to the values times the factors."""


def prune_feed_forward(
    encoder: TextEncoder, share: float, texts: Sequence[str], *, by: str = "fluctuation"
) -> tuple[TextEncoder, dict[str, Any]]:
    r"""A copy whose feed-forward parts have lost a share of their inner units, the same number in each layer.

    By `fluctuation`, the units x stay whose contributions vary most, and what the others did is told from those that
    stay and a constant, by least squares on the tokens of the texts:

    .. math:: s_u = \mathrm{Var}(x_u)\, \| W_{:u} \|^2, \qquad x_R \approx x_K F + f

    By `vectors`, the units stay whose gates g move the vectors v most, to second order, and nothing is fitted:

    .. math:: \| v(g) - v(1) \|^2 \approx \sum_u (1 - g_u)^2 \, \mathbb{E}\, \| \partial v / \partial g_u \|^2

    The two do not mix: units that hardly move the vectors may be very large at single tokens, and least squares would
    spend everything on telling those.

    Also known as: structured pruning of intermediate neurons, FFN pruning; FLAP; Taylor pruning.

    Reference: An et al. (2024), Fluctuation-based Adaptive Structured Pruning, arXiv:2312.11983, section 3.2, for the
    fluctuation; Kwon et al. (2022), arXiv:2204.09656, section 4.3, for least squares; Molchanov et al. (2019),
    Importance Estimation for Neural Network Pruning, arXiv:1906.10771, eq. 8, for gates.

    Differs from the paper: every layer keeps the same number, as configurations hold one; gates move the vectors and no
    loss, along random directions; nothing is trained afterwards.

    Args:
        encoder: stays as it is.
        share: of the units that go, in (0, 1); what stays is rounded to a multiple of 16.
        texts: to calibrate on.
        by: "fluctuation" or "vectors".

    Returns:
        The encoder, and a record.

    Raises:
        InputError: a share outside (0, 1), too few texts, or a backbone whose feed-forward parts are not found.
    """
    check_prunable(encoder, "ffn")
    check_fraction("ffn", share, closed=False)
    check_choice("by", by, CHOICES)
    check_calibration(texts, "ffn", least=LEAST_TEXTS)
    width = inner_width(encoder.backbone)
    if width is None:
        raise InputError(
            f"`ffn` does not support {type(encoder.backbone).__name__}: its feed-forward parts were not found, or have "
            "several maps in one matrix."
        )
    smaller = copy.deepcopy(encoder)
    parts = inner_linears(smaller.backbone)
    outs = [out for _, out in parts]
    moments = _moments(smaller, texts, outs) if by == "fluctuation" else []
    scores = [_fluctuation(out, moment) for out, moment in zip(outs, moments)]
    scores = scores or gate_importance(smaller, texts, outs, [width] * len(outs))
    count = _rounded(width * (1 - share), width)
    for number, (into, out) in enumerate(parts):
        order = scores[number].argsort(descending=True)
        kept, rest = order[:count].sort().values, order[count:]
        if moments:
            _explain(out, moments[number], kept, rest)
        _permute(into, out, torch.cat([kept, rest]))
    cut_width(smaller.backbone, count)
    return smaller, {"method": "ffn", "by": by, "share": share, "of": width, "kept": count}


def _fluctuation(out: nn.Linear, moment: Tensor) -> Tensor:
    """Variance of each unit times the squared length of what it adds."""
    second, mean = moment.diagonal()[:-1] / moment[-1, -1], moment[:-1, -1] / moment[-1, -1]
    return (second - mean.square()).clamp(min=0) * out.weight.detach().double().cpu().square().sum(0)


def _rounded(wanted: float, whole: int) -> int:
    """A multiple of 16 at least once; as wanted where that is smaller than 16, and less than the whole."""
    count = round(wanted / SIXTEEN) * SIXTEEN if wanted >= SIXTEEN else round(wanted)
    return max(1, min(count, whole - 1))


def _permute(into: Sequence[nn.Linear], out: nn.Linear, order: Tensor) -> None:
    for linear in into:
        linear.weight.data = linear.weight.data[order]
        if linear.bias is not None:
            linear.bias.data = linear.bias.data[order]
    out.weight.data = out.weight.data[:, order]


def _explain(out: nn.Linear, moment: Tensor, kept: Tensor, rest: Tensor) -> None:
    """Fold into the units that stay, and a constant, what the others contribute on average."""
    constant = torch.tensor([len(moment) - 1])
    known = torch.cat([kept, constant]) if out.bias is not None else kept
    fold = explain_rest(moment, known, rest, penalty=PENALTY).to(out.weight)
    added = fold @ out.weight.data[:, rest].T
    out.weight.data[:, kept] += added[: len(kept)].T
    if out.bias is not None:
        out.bias.data += added[-1]


def _moments(encoder: TextEncoder, texts: Sequence[str], outs: Sequence[nn.Linear]) -> list[Tensor]:
    """Second moments of what goes into each map, with a constant one as the last coordinate."""
    sums = [torch.zeros(out.in_features + 1, out.in_features + 1, dtype=torch.float64) for out in outs]

    def add(number: int, rows: Tensor, _: Tensor) -> None:
        sums[number] += second_moment(torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)).cpu()

    observe(encoder, texts, outs, add)
    return sums


def gate_importance(
    encoder: TextEncoder, texts: Sequence[str], outs: Sequence[nn.Linear], units: Sequence[int]
) -> list[Tensor]:
    r"""How far the vectors move with a gate on each unit that goes into some maps.

    .. math:: \mathbb{E}\, \|\partial v/\partial g\|^2

    The squared length of the gradient of a whole vector is the mean over random signs r of
    :math:`(\partial\, r^\top v / \partial g)^2`.

    Args:
        encoder: in evaluation mode; its weights stay as they are.
        texts: to look at.
        outs: the maps; the inputs of each are gated.
        units: how many gates each has; its inputs are split into as many runs of equal length.

    Returns:
        For each map one number at least 0 a unit.
    """
    gates: list[Tensor] = []
    signs = torch.Generator().manual_seed(0)
    sums = [torch.zeros(count, dtype=torch.float64) for count in units]

    def hook(number: int) -> Callable[..., tuple[Tensor, ...]]:
        def scale(_: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            values, *others = arguments
            gate = gates[number].repeat_interleave(values.shape[-1] // units[number], dim=-1)
            return values * gate[:, None, :], *others

        return scale

    handles = [out.register_forward_pre_hook(hook(number)) for number, out in enumerate(outs)]
    seen = 0
    try:
        for batch in calibration_batches(encoder, texts):
            gates[:] = [torch.ones(len(batch), count, device=encoder.device, requires_grad=True) for count in units]
            vectors = next(iter(encoder(batch).pooled.values()))
            for draw in range(DRAWS):
                sign = torch.randint(2, vectors.shape, generator=signs).to(vectors) * 2 - 1
                found = torch.autograd.grad((vectors * sign).sum(), gates, retain_graph=draw < DRAWS - 1)
                for total, gradient in zip(sums, found):
                    total += gradient.detach().double().square().sum(0).cpu() / DRAWS
            seen += len(batch)
    finally:
        for handle in handles:
            handle.remove()
    return [total / max(seen, 1) for total in sums]


def prune_heads(encoder: TextEncoder, share: float, texts: Sequence[str]) -> tuple[TextEncoder, dict[str, Any]]:
    r"""A copy whose attention has lost a share of its heads, the same number in each layer, head size kept.

    Heads that share keys and values go together. The importance is the second of :func:`prune_feed_forward`, with one
    gate a group of heads.

    Also known as: head pruning, attention head removal.

    Reference: Michel et al. (2019), Are Sixteen Heads Really Better than One?, arXiv:1905.10650, eq. 2-3.

    Differs from the paper: the change of the vectors in the place of a loss; every layer keeps the same number.

    Args:
        encoder: stays as it is.
        share: of the heads that go, in (0, 1); at least one group goes and one stays.
        texts: to calibrate on.

    Returns:
        The encoder, and a record.

    Raises:
        InputError: a share outside (0, 1), too few texts, or a family whose configuration ties the number of heads to
            the width. BERT, RoBERTa, MPNet, DistilBERT and ModernBERT do: fewer heads of the same size could not be
            written down.
    """
    check_prunable(encoder, "heads")
    check_fraction("heads", share, closed=False)
    check_calibration(texts, "heads", least=LEAST_TEXTS)
    smaller = copy.deepcopy(encoder)
    config = smaller.backbone.config
    layers = [module for module in smaller.backbone.modules() if all(hasattr(module, f"{p}_proj") for p in "qkvo")]
    size = getattr(config, "head_dim", None)
    if len(layers) != config.num_hidden_layers or not isinstance(size, int):
        raise InputError(
            f"`heads` does not support {config.model_type}: a head of its configuration is as wide as hidden_size / "
            "num_attention_heads, so fewer heads of one size cannot be written down. Prune `ffn` or `layers`, "
            "or make heads and width smaller by `slice`."
        )
    groups = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    each = config.num_attention_heads // groups
    if groups < 2:
        raise InputError("`heads` needs at least two groups of heads, and all heads of this model share their keys.")
    count = max(1, min(round(groups * (1 - share)), groups - 1))
    importance = gate_importance(smaller, texts, [layer.o_proj for layer in layers], [groups] * len(layers))
    for layer, scores in zip(layers, importance):
        _keep_groups(layer, scores.argsort(descending=True)[:count].sort().values, size=size, each=each)
    record = {"method": "heads", "share": share, "of": config.num_attention_heads, "kept": count * each}
    config.num_attention_heads = count * each
    if getattr(config, "num_key_value_heads", None):
        config.num_key_value_heads = count
    return smaller, record


def _keep_groups(attention: Any, groups: Tensor, *, size: int, each: int) -> None:
    """Keep some groups of `each` heads of `size`, in place."""
    pairs = (groups[:, None] * size + torch.arange(size)).flatten()
    heads = (groups[:, None] * size * each + torch.arange(size * each)).flatten()
    for linear, rows in ((attention.q_proj, heads), (attention.k_proj, pairs), (attention.v_proj, pairs)):
        linear.weight = nn.Parameter(linear.weight.data[rows], requires_grad=linear.weight.requires_grad)
        if linear.bias is not None:
            linear.bias = nn.Parameter(linear.bias.data[rows], requires_grad=linear.bias.requires_grad)
        linear.out_features = len(rows)
    out = attention.o_proj
    out.weight = nn.Parameter(out.weight.data[:, heads].clone(), requires_grad=out.weight.requires_grad)
    out.in_features = len(heads)


class FeedForward(Pruner):
    """:func:`prune_feed_forward` with a share.

    Args:
        share: of the inner units that go, in (0, 1).
        by: "fluctuation" or "vectors".
    """

    def __init__(self, share: float, *, by: str = "fluctuation") -> None:
        check_fraction("ffn", share, closed=False)
        check_choice("by", by, CHOICES)
        self.share, self.by = share, by

    def prune(self, encoder: TextEncoder, texts: Sequence[str]) -> Pruned:
        """A copy with narrower feed-forward parts."""
        return Pruned(*prune_feed_forward(encoder, self.share, texts, by=self.by))


class Heads(Pruner):
    """:func:`prune_heads` with a share.

    Args:
        share: of the heads that go, in (0, 1).
    """

    def __init__(self, share: float) -> None:
        check_fraction("heads", share, closed=False)
        self.share = share

    def prune(self, encoder: TextEncoder, texts: Sequence[str]) -> Pruned:
        """A copy with fewer heads."""
        return Pruned(*prune_heads(encoder, self.share, texts))
