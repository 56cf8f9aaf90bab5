"""Attention whose dropout is drawn fast on the CPU; everything else is transformers' own."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from accord.encoders.text.dropout import fast_dropout

__all__ = ["attend", "use_fast_attention"]

NAME = "accord_sdpa"


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    r"""Scaled dot-product attention with dropout on its weights.

    .. math:: \mathrm{dropout}(\mathrm{softmax}(s\, Q K^\top + M))\, V

    Torch's own attention on the CPU writes the weights out as soon as there is dropout, and draws its mask one number
    at a time; here the weights are written out as well, and the mask is :func:`fast_dropout`'s.

    Reference: Vaswani et al. (2017), arXiv:1706.03762, eq. 1.

    Args:
        module: the layer that asks; says whether keys are shared by several heads.
        query: (batch, heads, length, dim of a head).
        key: (batch, heads of the keys, length, dim of a head).
        value: as `key`.
        attention_mask: (batch, 1 or heads, length, length), True or 0 where a token may look, broadcast; or None.
        dropout: probability; 0 outside training.
        scaling: s; one over the root of the head's dim when not given.
        is_causal: whether tokens see only those before them, when there is no mask.
        others: as for transformers' own, which is asked whenever one is given.

    Returns:
        (batch, length, heads, dim of a head), and None for the weights.
    """
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    plain = attention_mask is not None or not causal
    special = key.shape[1] != query.shape[1] or any(other is not None for other in others.values())
    if not dropout or not plain or special or query.device.type != "cpu":
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, is_causal, **others)
    scores = (query * (scaling or query.shape[-1] ** -0.5)) @ key.transpose(-1, -2)
    if attention_mask is not None and attention_mask.dtype.is_floating_point:
        scores = scores + attention_mask
    elif attention_mask is not None:
        scores = scores.masked_fill(~attention_mask, float("-inf"))
    weights = fast_dropout(scores.softmax(-1), dropout)
    return (weights @ value).transpose(1, 2).contiguous(), None


def use_fast_attention(backbone: nn.Module) -> None:
    """Have `backbone` attend by :func:`attend`, where it attends by transformers' `sdpa` now."""
    if isinstance(backbone, PreTrainedModel) and backbone.config._attn_implementation == "sdpa":
        AttentionInterface.register(NAME, attend)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        backbone.set_attn_implementation(NAME)
