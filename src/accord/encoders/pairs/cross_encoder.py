"""A cross-encoder: a transformer that reads two texts together, and a head that scores them."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress
from accord.encoders.base import Batch
from accord.encoders.pairs.activations import activation_path, default_activation
from accord.encoders.pairs.saving import save_cross_encoder
from accord.encoders.pairs.scoring import logits_of
from accord.encoders.pairs.tokens import PairTokens
from accord.encoders.text.attention import use_fast_attention
from accord.encoders.text.dropout import use_fast_dropout
from accord.encoders.text.layers import usable_positions

__all__ = ["CrossEncoder"]


class CrossEncoder(nn.Module):
    """Two texts to a score, trainable.

    Also known as: reranker, sequence-pair classifier, monoBERT.

    Reference: Nogueira & Cho (2019), arXiv:1901.04085.

    Args:
        backbone: a transformers model for sequence classification: it takes `input_ids` and `attention_mask` and gives
            `logits`, one column a label.
        tokenizer: its tokenizer, with a fast backend.
        max_length: tokens kept of a pair, special tokens included; the longer text gives way first.
        activation: what :meth:`score` puts the raw scores through: a sigmoid for one label and nothing for several
            when not given.

    Raises:
        InputError: a maximum length that the backbone has no positions for.
    """

    def __init__(
        self, backbone: nn.Module, tokenizer: Any, *, max_length: int, activation: nn.Module | None = None
    ) -> None:
        super().__init__()
        use_fast_dropout(backbone)
        use_fast_attention(backbone)
        self.backbone: Any = backbone
        self.tokenizer = tokenizer
        self.activation = default_activation(self.num_labels) if activation is None else activation
        self.metadata: dict[str, Any] = {}
        self.max_length = max_length

    @property
    def max_length(self) -> int:
        """Tokens kept of a pair, special tokens included; may be set."""
        return self.pair_tokens.max_length

    @max_length.setter
    def max_length(self, value: int) -> None:
        check_at_least("max_length", value, 5)
        limit = usable_positions(getattr(self.backbone, self.backbone.base_model_prefix, self.backbone))
        if limit is not None and value > limit:
            raise InputError(f"`max_length` must be at most {limit}, the positions of this backbone. Got {value}.")
        self.pair_tokens = PairTokens(self.tokenizer, int(value), with_types=self.reads_types)

    @property
    def max_seq_length(self) -> int:
        """:attr:`max_length`, under the name that sentence-transformers gives it."""
        return self.max_length

    @max_seq_length.setter
    def max_seq_length(self, value: int) -> None:
        self.max_length = value

    @property
    def reads_types(self) -> bool:
        """Whether the model is told which side a token is of, as its tokenizer's `model_input_names` say."""
        known = inspect.signature(self.backbone.forward).parameters
        return "token_type_ids" in self.tokenizer.model_input_names and "token_type_ids" in known

    @property
    def num_labels(self) -> int:
        """Scores a pair."""
        return int(self.backbone.config.num_labels)

    @property
    def labels(self) -> list[str]:
        """Names of the labels, in the order of the scores."""
        names = self.backbone.config.id2label
        return [str(names[number]) for number in range(self.num_labels)]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.backbone.parameters()).device

    def prepare(self, left: Sequence[str], right: Sequence[str]) -> Batch:
        """Pairs of texts as one batch."""
        texts = self.pair_tokens.texts([*left, *right])
        places = np.arange(len(left))
        return self.pair_tokens.collate(texts, places, places + len(left))

    def forward(self, batch: Batch) -> Tensor:
        """Raw scores (pairs, labels), with gradients: what losses take.

        Args:
            batch: on the device of the weights.
        """
        inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if batch.token_type_ids is not None:
            inputs["token_type_ids"] = batch.token_type_ids
        return self.backbone(**inputs).logits

    def score(
        self,
        left: Sequence[str],
        right: Sequence[str],
        *,
        batch_tokens: int = 2048,
        activation: nn.Module | None = None,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Scores of pairs, in their order.

        Args:
            left: (n) texts, usually queries.
            right: (n) texts, usually documents.
            batch_tokens: padded tokens a forward pass; the scores do not depend on it.
            activation: in place of the model's own; `torch.nn.Identity()` gives raw scores.
            precision: "float32", "bfloat16", or "auto" (bfloat16 where the processor has it); bfloat16 is left again,
                with a warning, when 16 of the pairs correlate with float32 by less than 0.999.
            progress: opens a bar; silent when not given.

        Returns:
            (n,) float32 where the model has one label, else (n, labels).

        Raises:
            InputError: sides of unequal length, something that is no text, or an unknown precision.
        """
        logits = logits_of(self, left, right, batch_tokens=batch_tokens, precision=precision, progress=progress)
        return self._activated(logits, activation)

    def predict(
        self,
        pairs: Sequence[Sequence[str]] | Sequence[str],
        *,
        batch_tokens: int = 2048,
        activation: nn.Module | None = None,
        apply_softmax: bool = False,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> np.ndarray:
        """:meth:`score` for a list of pairs, as sentence-transformers has it; one pair gives its score alone.

        Args:
            pairs: `[(left, right), ...]`, or one `(left, right)`.
            batch_tokens: as for :meth:`score`.
            activation: as for :meth:`score`.
            apply_softmax: turn the scores of several labels into probabilities.
            precision: as for :meth:`score`.
            progress: opens a bar.

        Raises:
            InputError: something that is no pair of texts.
        """
        single = len(pairs) > 0 and isinstance(pairs[0], str)
        many: list[Any] = [pairs] if single else list(pairs)
        for number, pair in enumerate(many):
            if isinstance(pair, str) or len(pair) != 2:
                raise InputError(f"`pairs` must hold (left, right) pairs of texts. Got {pair!r} at position {number}.")
        sides = [pair[0] for pair in many], [pair[1] for pair in many]
        scores = self.score(
            *sides, batch_tokens=batch_tokens, activation=activation, precision=precision, progress=progress
        )
        if apply_softmax and scores.ndim > 1:
            scores = torch.from_numpy(scores).softmax(-1).numpy()
        return scores[0] if single else scores

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        *,
        return_documents: bool = False,
        batch_tokens: int = 2048,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> list[dict[str, Any]]:
        """Documents by how well they go with a query, best first, as sentence-transformers has it.

        Documents whose scores the activation makes equal are told apart by their raw scores; those still equal keep
        their order.

        Args:
            query: one text.
            documents: to be ranked.
            top_k: how many to give; all when not given.
            return_documents: also give each document's text.
            batch_tokens: as for :meth:`score`.
            precision: as for :meth:`score`.
            progress: opens a bar.

        Returns:
            `{"corpus_id": position in documents, "score": ..., "text": ...}` a document.

        Raises:
            InputError: a model with several labels, or a `top_k` below 1.
        """
        if self.num_labels != 1:
            raise InputError(
                f"Ranking needs a model with 1 label, and this one has {self.num_labels} ({', '.join(self.labels)}). "
                "Use a model with one, or rank by a column of `score`."
            )
        if top_k is not None:
            check_at_least("top_k", top_k, 1)
        sides = [query] * len(documents), documents
        raw = logits_of(self, *sides, batch_tokens=batch_tokens, precision=precision, progress=progress)
        scores = self._activated(raw, None)
        order = np.lexsort((np.arange(len(raw)), -raw[:, 0], -scores))[:top_k].tolist()
        rows = [{"corpus_id": n, "score": float(scores[n])} for n in order]
        return [row | {"text": documents[row["corpus_id"]]} for row in rows] if return_documents else rows

    def save(self, path: Path | str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Write a folder that sentence-transformers' CrossEncoder and accord load; replaces an older model there.

        Args:
            path: the folder; it appears whole or not at all.
            metadata: JSON values to keep in `accord.json`; what the model came with when not given.
        """
        save_cross_encoder(self, Path(path), metadata=self.metadata if metadata is None else metadata)

    def identity(self) -> dict[str, Any]:
        """What decides the scores besides the weights, in plain words."""
        return {
            "backbone": type(self.backbone).__name__,
            "layers": self.backbone.config.num_hidden_layers,
            "labels": self.labels,
            "activation": activation_path(self.activation),
            "max_length": self.max_length,
            "token_types": self.reads_types,
            "truncation_side": "left" if self.pair_tokens.keep_end else "right",
        }

    def fingerprint(self) -> str:
        """SHA-256 over what decides the scores: weights, labels, activation, maximum length, vocabulary."""
        digest = hashlib.sha256(json.dumps(self.identity(), sort_keys=True, ensure_ascii=False).encode())
        digest.update(self.pair_tokens.vocabulary().encode("utf-8", "surrogateescape"))
        for name, tensor in sorted(self.backbone.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def _activated(self, logits: np.ndarray, activation: nn.Module | None) -> np.ndarray:
        chosen = self.activation if activation is None else activation
        with torch.inference_mode():
            scores = chosen(torch.from_numpy(logits)).float().numpy()
        return scores[:, 0] if self.num_labels == 1 else scores
