"""An encoder as a language model, by heads that share its token table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.random import torch_generator
from accord.core.types import View
from accord.encoders.base import Batch
from accord.encoders.language.head import TokenHead

__all__ = ["KINDS", "TiedLanguageModel", "tie_head"]

KINDS = ("places", "texts")
"""What a head reads: token vectors of the last layer, or vectors of whole texts."""

WHOLE = (View(),)


def tie_head(encoder: Any, kind: str = "places", *, transform: bool | None = None, seed: int = 0) -> TokenHead:
    """Give an encoder a head of one kind, in place, or find the one that it has.

    Args:
        encoder: a :class:`~accord.encoders.TextEncoder`.
        kind: one of :data:`KINDS`.
        transform: of a new head; when not given, token vectors get one, and vectors of texts where they need it to
            have the dimensions of the table.
        seed: of a new head's weights.

    Returns:
        The head; it is trained, saved and loaded with the encoder.

    Raises:
        InputError: an encoder without a token table of its own to tie to, such as a static one.
    """
    check_choice("kind", kind, KINDS)
    heads = getattr(encoder, "token_heads", None)
    if heads is None:
        raise InputError(
            f"{type(encoder).__name__} does not read tokens in their context: no token head can be tied to it. Take a "
            "transformer."
        )
    rows, width = encoder.backbone.get_input_embeddings().weight.shape
    if kind not in heads:
        inner = encoder.backbone.config.hidden_size if kind == "places" else encoder.dim
        usual = kind == "places" or inner != width
        generator = torch_generator(seed, "token head", kind)
        made = TokenHead(inner, width, rows, transform=usual if transform is None else transform, generator=generator)
        heads[kind] = made.to(encoder.device)
        heads[kind].train(encoder.training)
    head = heads[kind]
    head.grow(rows)
    return head


class TiedLanguageModel:
    """A text encoder that predicts tokens; a :class:`~accord.encoders.language.LanguageModel`.

    Heads that the encoder does not have yet are tied to it when they are first asked for.

    Args:
        encoder: a :class:`~accord.encoders.TextEncoder`.
        transform: of new heads, as for :func:`tie_head`.
        seed: of new heads.
    """

    def __init__(self, encoder: Any, *, transform: bool | None = None, seed: int = 0) -> None:
        self.encoder = encoder
        self.transform = transform
        self.seed = seed

    def at_places(
        self, batch: Batch, places: Int[Tensor, " places"], views: Sequence[View] = WHOLE
    ) -> Float[Tensor, "places scores"]:
        """Raw scores of all tokens at some places, with gradients.

        Args:
            batch: on the encoder's device.
            places: row times length plus column of each, in the padded batch.
            views: of the encoder, from one pass. A view of fewer layers or dimensions predicts from what they know: the
                head reads its dimensions and takes the others for zeros.

        Returns:
            (places, vocabulary), those of all views one after another along the columns.

        Raises:
            InputError: a view of less width.
        """
        if any(view.width is not None for view in views):
            raise InputError("Hidden tokens are predicted at the whole width. Leave the width out of the sizes.")
        head = tie_head(self.encoder, "places", transform=self.transform, seed=self.seed)
        found = self.encoder(batch, views)
        parts = []
        for view in views:
            tokens = self.encoder.tokens_after(found, view.layer)
            parts.append(head(_prefix(tokens.flatten(0, 1)[places], view.dim), self.table))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def of_texts(self, batch: Batch, views: Sequence[View] = WHOLE) -> Float[Tensor, "batch scores"]:
        """Raw scores of all tokens from the vector of each text, with gradients.

        Args:
            batch: on the encoder's device.
            views: as for :meth:`at_places`.

        Returns:
            (batch, vocabulary), those of all views one after another along the columns.
        """
        head = tie_head(self.encoder, "texts", transform=self.transform, seed=self.seed)
        pooled = self.encoder(batch, views).pooled
        parts = []
        for view in views:
            vectors = pooled[view]
            if self.encoder.normalizes:
                vectors = vectors * math.sqrt(vectors.shape[1])  # a mean square of one, as hidden states have
            parts.append(head(F.pad(vectors, (0, self.encoder.dim - vectors.shape[1])), self.table))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    @property
    def table(self) -> Tensor:
        """(vocabulary, width) the encoder's token table."""
        return self.encoder.backbone.get_input_embeddings().weight

    @torch.no_grad()
    def fill(self, texts: Sequence[str], *, top: int = 5) -> list[list[list[str]]]:
        """The likeliest tokens at each mask token of some texts.

        Args:
            texts: with mask tokens in them, as the tokenizer writes them.
            top: how many for each.

        Returns:
            For each text and mask, tokens, the likeliest first.

        Raises:
            InputError: the tokenizer has no mask token.
        """
        check_at_least("top", top, 1)
        tokenizer = self.encoder.tokenizer
        if tokenizer.mask_token_id is None:
            raise InputError("The tokenizer of this encoder has no mask token, so there is nothing to fill.")
        batch = self.encoder.prepare(texts).to(self.encoder.device)
        rows, columns = torch.nonzero(batch.input_ids == tokenizer.mask_token_id, as_tuple=True)
        scores = self.at_places(batch, rows * batch.input_ids.shape[1] + columns)
        best = scores[:, : len(tokenizer)].topk(top, dim=1).indices.cpu().numpy()
        found: list[list[list[str]]] = [[] for _ in texts]
        for row, ids in zip(rows.tolist(), best):
            found[row].append(tokenizer.convert_ids_to_tokens(np.asarray(ids).tolist()))
        return found


def _prefix(tokens: Tensor, dim: int | None) -> Tensor:
    """Vectors with zeros behind their first dimensions."""
    width = tokens.shape[-1]
    return tokens if dim is None or dim >= width else F.pad(tokens[..., :dim], (0, width - dim))
