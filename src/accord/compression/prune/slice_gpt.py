"""SliceGPT for post-norm encoders: turn hidden states into principal axes, and delete the last of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from accord.compression.prune.base import Pruned, Pruner, check_calibration, check_prunable
from accord.compression.prune.bert_parts import BertParts, check_bert
from accord.compression.prune.calibration import observe, second_moment
from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.encoders import TextEncoder
from accord.encoders.text.layers import OFFSET_POSITIONS
from accord.encoders.text.sliced import SlicedBert, SlicedBertConfig

__all__ = ["BASES", "SliceGPT", "slice_gpt"]

BASES = ("principal", "magnitude", "random")
"""Which coordinates stay: the first principal axes, the largest of the old coordinates, or random directions."""
LEAST_TEXTS = 64
EIGHT = 8


def slice_gpt(
    encoder: TextEncoder, share: float, texts: Sequence[str], *, basis: str = "principal", seed: int = 0
) -> tuple[TextEncoder, dict[str, Any]]:
    r"""A copy whose hidden states are turned into principal axes, and cut to the first of them.

    **Where a turn changes nothing.** With :math:`\mathrm{rms}(y) = y / \sqrt{|y|^2 / d + \epsilon}` every orthogonal Q
    gives :math:`\mathrm{rms}(y Q) = \mathrm{rms}(y)\, Q`. LayerNorm is such a norm between two linear maps,
    :math:`\mathrm{LN}(y) = \mathrm{rms}(y M)\, \mathrm{diag}(\gamma) + \beta`, :math:`M = I - \frac{1}{d} 1 1^\top`.
    M goes into what writes y. In a pre-norm block, gain and offset go into what reads, the skip carries y itself, and
    one turn for the whole model needs no further matrix. In a post-norm block :math:`h' = \mathrm{LN}(h + f(h))` the
    skip carries what comes out of the norm before. With :math:`z = \mathrm{rms}(\cdot)` and
    :math:`h = z\, \mathrm{diag}(\gamma) + \beta`, turned by :math:`Q_l` after norm l,

    .. math:: \tilde z_{l+1} = \mathrm{rms}\bigl( \tilde z_l \underbrace{Q_l^\top \mathrm{diag}(\gamma_l) M
              Q_{l+1}}_{\text{on the skip}} + (f(h_l) + \beta_l)\, M Q_{l+1} \bigr), \qquad
              f(h_l) = f\bigl(\tilde z_l\, Q_l^\top \mathrm{diag}(\gamma_l) + \beta_l\bigr)

    which is exact for all orthogonal :math:`Q_l`, and the first map of f and the last take in what stands beside them.
    So a dense matrix stands on each skip connection, whichever turns are chosen. It would be the identity only for
    :math:`Q_l = Q_{l+1}` and a gain that is one number, as :math:`Q^\top \mathrm{diag}(\gamma)\, Q` is diagonal for no
    other turn than one of coordinates; writing one common turn with an ordinary LayerNorm after it approximates each
    :math:`Q^\top \mathrm{diag}(\gamma_l)\, Q` by a diagonal matrix, twice a layer. That is why the result is no plain
    BERT; :func:`~accord.compression.prune.narrow` makes one by other means.

    As z has mean zero, its last principal axis is empty: d - 1 of d coordinates are always enough. Slicing keeps k
    columns of each Q, those of the greatest :math:`\mathbb{E}\, z z^\top`; norms still divide by d.

    Also known as: rotation and deletion of rows and columns, PCA slicing.

    Reference: Ashkboos et al. (2024), SliceGPT, arXiv:2401.15024, section 3.1-3.4, theorem 1.

    Differs from the paper: post-norm blocks, as above; second moments are of the model as it was, not of the layers
    sliced so far.

    Args:
        encoder: of BERT's family; stays as it is.
        share: of the hidden size that goes, in [0, 1); 0 turns and cuts nothing. From 64 coordinates on, what stays is
            rounded to a multiple of 8.
        texts: to calibrate on, some hundreds.
        basis: one of :data:`BASES`; all but the first are there to be compared with.
        seed: of random directions.

    Returns:
        An encoder on a :class:`~accord.encoders.text.sliced.SlicedBert`, which accord saves and loads, and a record.

    Raises:
        InputError: a share outside [0, 1), too few texts, or another family.
    """
    check_prunable(encoder, "slice")
    check_share(share)
    check_choice("basis", basis, BASES)
    check_calibration(texts, "slice", least=LEAST_TEXTS if basis != "random" else 0)
    check_bert(encoder.backbone, "slice")
    width = encoder.backbone.config.hidden_size
    count = kept_width(width, share)
    turns = _turns(encoder, texts, basis=basis, seed=seed, count=count)
    smaller = copy.deepcopy(encoder)
    smaller.backbone = turned_backbone(encoder.backbone, turns)
    record = {"method": "slice", "form": "exact", "basis": basis, "share": share, "of": width, "kept": count}
    return smaller, record


def check_share(share: float) -> None:
    """Refuse what lies outside [0, 1).

    Raises:
        InputError: with the value.
    """
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share < 1:
        raise InputError(f"`slice` must lie in [0, 1). Got {share!r} instead.")


def kept_width(width: int, share: float) -> int:
    """How many coordinates stay.

    >>> kept_width(384, 0.2), kept_width(384, 0.0), kept_width(32, 0.3)
    (304, 384, 22)
    """
    count = width * (1 - share)
    return max(1, int(count // EIGHT * EIGHT) if count >= EIGHT * EIGHT else round(count))


def _turns(encoder: TextEncoder, texts: Sequence[str], *, basis: str, seed: int, count: int) -> list[Tensor]:
    """Of each norm a (dim, count) matrix with orthonormal columns, in float64."""
    norms = BertParts(encoder.backbone).norms
    width = encoder.backbone.config.hidden_size
    if basis == "random":
        draw = torch.Generator().manual_seed(seed)
        squares = [torch.randn(width, width, generator=draw, dtype=torch.float64) for _ in norms]
        return [torch.linalg.qr(square)[0][:, :count] for square in squares]
    found = []
    for norm, moment in zip(norms, _moments(encoder, texts)):
        if basis == "principal":
            found.append(torch.linalg.eigh(moment)[1].flip(1)[:, :count])
        else:
            sizes = moment.diagonal() * norm.weight.detach().double().cpu().square()
            found.append(torch.eye(width, dtype=torch.float64)[:, sizes.argsort(descending=True)[:count].sort().values])
    return found


def _moments(encoder: TextEncoder, texts: Sequence[str]) -> list[Tensor]:
    """Sums of the outer products of what each norm gives before its gain."""
    norms = BertParts(encoder.backbone).norms
    sums = [torch.zeros(len(norm.weight), len(norm.weight), dtype=torch.float64) for norm in norms]

    def add(number: int, rows: Tensor, _: Tensor) -> None:
        sums[number] += second_moment(nn.functional.layer_norm(rows, rows.shape[-1:], eps=norms[number].eps)).cpu()

    observe(encoder, texts, norms, add)
    return [total.clone() for total in sums]


def turned_backbone(backbone: Any, turns: Sequence[Tensor]) -> SlicedBert:
    """The same function in turned coordinates, cut to the columns of the turns.

    Args:
        backbone: of BERT's family.
        turns: of each norm, in float64, (dim, kept).
    """
    config = backbone.config
    sizes = SlicedBertConfig(
        widths=[turn.shape[1] for turn in turns],
        offset_positions=config.model_type in OFFSET_POSITIONS,
        **{name: getattr(config, name) for name in COPIED},
    )
    with torch.random.fork_rng(devices=[]):
        sliced = SlicedBert(sizes).to(next(backbone.parameters()).dtype)
    parts = BertParts(backbone)
    layers: list[Any] = list(sliced.layers)
    tables: tuple[Any, ...] = (sliced.words, sliced.positions, sliced.types)
    with torch.no_grad():
        for new, old in zip(tables, parts.tables, strict=True):
            new.weight.copy_(_centred(old.weight) @ turns[0])
        for number, (new, old) in enumerate(zip(layers, parts.layers, strict=True)):
            first, second = parts.norms[2 * number], parts.norms[2 * number + 1]
            here, there, beyond = turns[2 * number : 2 * number + 3]
            for reader in ("query", "key", "value"):
                _read(getattr(new, reader), getattr(old, reader), first, here)
            _write(new.out, old.out, first, there)
            new.attention_skip.weight.copy_(_skip(first, here, there))
            _read(new.up, old.up, second, there)
            _write(new.down, old.down, second, beyond)
            new.inner_skip.weight.copy_(_skip(second, there, beyond))
        last = parts.norms[-1]
        sliced.back.weight.copy_(turns[-1] * _wide(last.weight)[:, None])
        sliced.back.bias.copy_(_wide(last.bias))
    return sliced.to(next(backbone.parameters()).device).eval()


COPIED = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "max_position_embeddings",
    "type_vocab_size",
    "layer_norm_eps",
    "pad_token_id",
)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float64)


def _centred(rows: Tensor) -> Tensor:
    wide = _wide(rows)
    return wide - wide.mean(dim=-1, keepdim=True)


def _read(new: nn.Linear, old: nn.Linear, norm: nn.LayerNorm, turn: Tensor) -> None:
    """What reads after a norm takes in its gain, its offset and the turn."""
    weight = _wide(old.weight)
    new.weight.copy_(weight @ (turn * _wide(norm.weight)[:, None]))
    new.bias.copy_(weight @ _wide(norm.bias) + _wide(old.bias))


def _write(new: nn.Linear, old: nn.Linear, norm: nn.LayerNorm, turn: Tensor) -> None:
    """What writes before the next norm takes in the offset that the skip would carry, the centring and the turn."""
    new.weight.copy_((_centred(_wide(old.weight).T) @ turn).T)
    new.bias.copy_(_centred(_wide(old.bias) + _wide(norm.bias)) @ turn)


def _skip(norm: nn.LayerNorm, here: Tensor, there: Tensor) -> Tensor:
    """The matrix on a skip connection, as a linear layer keeps it: (there, here)."""
    return (_centred(here.T * _wide(norm.weight)) @ there).T


class SliceGPT(Pruner):
    """:func:`slice_gpt` with a share.

    Args:
        share: of the hidden size that goes, in [0, 1).
        basis: one of :data:`BASES`.
        seed: of random directions.
    """

    def __init__(self, share: float, *, basis: str = "principal", seed: int = 0) -> None:
        check_share(share)
        check_choice("basis", basis, BASES)
        self.share, self.basis, self.seed = share, basis, seed

    def prune(self, encoder: TextEncoder, texts: Sequence[str]) -> Pruned:
        """A copy in turned coordinates."""
        return Pruned(*slice_gpt(encoder, self.share, texts, basis=self.basis, seed=self.seed))
