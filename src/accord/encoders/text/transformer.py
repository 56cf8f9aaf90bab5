"""A text encoder: a transformer backbone, a pooling, heads. What accord trains, saves and serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress
from accord.core.types import Embeddings, Ragged, View
from accord.encoders.base import Batch, Tokens
from accord.encoders.encode import encode_texts
from accord.encoders.fingerprint import fingerprint
from accord.encoders.heads import Dense, Normalize
from accord.encoders.layer_mix import LayerMix
from accord.encoders.masks import kept_tokens, positions
from accord.encoders.prompted import Prompted
from accord.encoders.saving import save_encoder
from accord.encoders.task_names import task_prompt
from accord.encoders.text.attention import use_fast_attention
from accord.encoders.text.dropout import use_fast_dropout
from accord.encoders.text.layers import final_norm, usable_positions
from accord.encoders.text.task_tokens import add_tokens
from accord.encoders.text.tokens import TextTokens, choose_padding
from accord.encoders.text.views import check_view, cut, layer_tokens
from accord.encoders.text.widths import inner_width, run_narrow

__all__ = ["Batch", "TextEncoder"]


class TextEncoder(Prompted):
    """Texts to vectors, trainable, with every view from one pass.

    Args:
        backbone: a transformers model that takes `input_ids` and `attention_mask` and gives `last_hidden_state`.
        tokenizer: its tokenizer, with a fast backend.
        pooling: one or several modules of :mod:`accord.encoders.pooling`; several are concatenated.
        heads: modules of :mod:`accord.encoders.heads`, in order.
        max_length: tokens kept of a text, special tokens included.
        include_prompt: whether the tokens of a prompt are pooled too.
        prompts: texts to put before a text, by name.
        default_prompt_name: the one that :meth:`encode` uses when told nothing.
        similarity_name: how vectors are meant to be compared: "cosine", "dot" or "euclidean".

    Attributes:
        layer_mix: a :class:`~accord.encoders.layer_mix.LayerMix` that averages the hidden states of all layers before
            the pooling; None, as usual, pools the last one.
        token_heads: heads that predict tokens, by kind (:func:`accord.encoders.language.tie_head`); none, as usual.
        metadata: JSON values that are saved with the model.

    Raises:
        InputError: a maximum length that the backbone has no positions for, or an unknown default prompt.
    """

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: Any,
        pooling: Sequence[nn.Module],
        heads: Sequence[nn.Module] = (),
        *,
        max_length: int,
        include_prompt: bool = True,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        similarity_name: str = "cosine",
    ) -> None:
        super().__init__()
        use_fast_dropout(backbone)
        use_fast_attention(backbone)
        choose_padding(tokenizer)
        self.backbone: Any = backbone
        self.tokenizer = tokenizer
        self.layer_mix: LayerMix | None = None
        self.pooling: Any = nn.ModuleList(pooling)
        self.heads: Any = nn.ModuleList(heads)
        self.token_heads: Any = nn.ModuleDict()
        self.include_prompt = include_prompt
        self.prompts = dict(prompts or {})
        self.default_prompt_name = default_prompt_name
        self.similarity_name = similarity_name
        self.metadata: dict[str, Any] = {}
        self.max_length = max_length
        self.named_prompt(default_prompt_name)

    @property
    def max_length(self) -> int:
        """Tokens kept of a text, special tokens included; may be set."""
        return self._tokens.max_length

    @max_length.setter
    def max_length(self, value: int) -> None:
        check_at_least("max_length", value, 4)
        limit = usable_positions(self.backbone)
        if limit is not None and value > limit:
            raise InputError(f"`max_length` must be at most {limit}, the positions of this backbone. Got {value}.")
        self._tokens = TextTokens(self.tokenizer, int(value))

    @property
    def max_seq_length(self) -> int:
        """:attr:`max_length`, under the name that sentence-transformers gives it."""
        return self.max_length

    @max_seq_length.setter
    def max_seq_length(self, value: int) -> None:
        self.max_length = value

    @property
    def num_layers(self) -> int:
        """Layers of the backbone."""
        return self.backbone.config.num_hidden_layers

    @property
    def inner_width(self) -> int | None:
        """Inner units of each layer's feed-forward part; None where they are not found."""
        return inner_width(self.backbone)

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        widths = [head.out_features for head in self.heads if isinstance(head, Dense)]
        return widths[-1] if widths else self.backbone.config.hidden_size * len(self.pooling)

    @property
    def normalizes(self) -> bool:
        """Whether vectors have unit length."""
        return len(self.heads) > 0 and isinstance(self.heads[-1], Normalize)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.backbone.parameters()).device

    def tokenize(self, texts: Sequence[str], *, prompt: str = "") -> Tokens:
        """Texts to ids, special tokens included, cut to :attr:`max_length`."""
        return self._tokens(texts, prompt=prompt)

    def collate(self, ids: Ragged, rows: np.ndarray, *, prompt_tokens: int = 0) -> Batch:
        """Some rows of ids as one batch, padded on the right to the longest of them."""
        lengths = ids.lengths[rows]
        real = np.arange(int(lengths.max(initial=1)))[None, :] < lengths[:, None]
        padded = np.full(real.shape, self._tokens.filler, dtype=np.int64)
        padded[real] = np.concatenate([ids[row] for row in rows])
        return Batch(torch.from_numpy(padded), torch.from_numpy(real.astype(np.int64)), prompt_tokens)

    def prepare(self, records: Sequence[str]) -> Batch:
        """Texts as one batch."""
        tokens = self.tokenize(records)
        return self.collate(tokens.ids, np.arange(len(records)), prompt_tokens=tokens.prompt_tokens)

    def forward(self, batch: Batch, views: Sequence[View] = (View(),)) -> Embeddings:
        """Every requested view from one pass, with gradients.

        Args:
            batch: on the device of the weights.
            views: a view of layer l pools the hidden states after l layers and passes them through the heads; one of
                dim d keeps the first d dimensions, with unit length again where the model gives unit length. Every
                width among them takes a pass of its own.

        Raises:
            InputError: a view that this encoder does not have.
        """
        for view in views:
            check_view(self, view)
        widths = list(dict.fromkeys(view.width for view in views)) or [None]
        if len(widths) > 1:
            parts = [self.forward(batch, [view for view in views if view.width == width]) for width in widths]
            found = {view: vectors for part in parts for view, vectors in part.pooled.items()}
            return replace(parts[0], pooled=found)
        deep = self.layer_mix is not None or any(view.layer not in {None, self.num_layers} for view in views)
        inputs: dict[str, Any] = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if batch.token_type_ids is not None:
            inputs["token_type_ids"] = batch.token_type_ids
        if deep:
            inputs["output_hidden_states"] = True
        width = widths[0]
        output = self.backbone(**inputs) if width is None else run_narrow(self.backbone, width, inputs)
        hidden = tuple(output.hidden_states) if deep else ()
        pooled: dict[int | None, Tensor] = {}
        found = {}
        for view in views:
            layer = None if view.layer == self.num_layers else view.layer
            if layer not in pooled:
                tokens = layer_tokens(self.backbone, output, layer, self.layer_mix)
                pooled[layer] = self.pool(tokens, batch.attention_mask, prompt_tokens=batch.prompt_tokens)
            found[view] = self.project(pooled[layer], dim=view.dim)
        return Embeddings(found, output.last_hidden_state, batch.attention_mask.bool(), hidden)

    def tokens_after(self, found: Embeddings, layer: int | None = None) -> Tensor:
        """(batch, length, hidden) token vectors after some layers, as the backbone cut there would give them.

        Args:
            found: of a forward pass that was asked for a view of this layer.
            layer: how many layers; None for all.
        """
        if layer is None or layer == self.num_layers:
            assert found.tokens is not None
            return found.tokens
        return final_norm(self.backbone)(found.hidden[layer])

    def pool(self, tokens: Tensor, mask: Tensor, *, prompt_tokens: int = 0) -> Tensor:
        """Token vectors (batch, length, hidden) to one vector a text."""
        left_out = 0 if self.include_prompt else prompt_tokens
        kept = kept_tokens(mask, prompt_tokens=left_out)
        where = positions(mask) if left_out else None
        parts = [pooling(tokens, kept, where) for pooling in self.pooling]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def project(self, pooled: Tensor, *, dim: int | None = None) -> Tensor:
        """Pooled vectors through the heads, then the first `dim` dimensions."""
        vectors = pooled.to(next(self.parameters()).dtype)
        for head in self.heads:
            vectors = head(vectors)
        if dim is None or dim == vectors.shape[-1]:
            return vectors
        return self.heads[-1](vectors[:, :dim]) if self.normalizes else vectors[:, :dim]

    def encode(
        self,
        texts: str | Sequence[str],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_tokens: int = 2048,
        out: Path | str | np.ndarray | None = None,
        precision: str = "float32",
        view: View = View(),  # noqa: B008
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Vectors of texts, in their order.

        Args:
            texts: one text or many; empty ones are allowed.
            prompt_name: one of :attr:`prompts`; the default prompt when neither this nor `prompt` is given.
            prompt: a text to put before each text, instead of a named one.
            batch_tokens: padded tokens a forward pass; the vectors do not depend on it.
            out: a `.npy` file or an array of shape (n, dim) to write into; memory then stays flat.
            precision: "float32", "bfloat16", or "auto" (bfloat16 where the processor has it); bfloat16 is left again,
                with a warning, when 16 texts of the input come out with a mean cosine below 0.9999 to float32.
            view: which layer and how many dimensions.
            progress: opens a bar; silent when not given.

        Returns:
            (n, dim) float32, (dim,) for one text; a read-only memory map for a file.

        Raises:
            InputError: an unknown prompt, view or precision, an `out` that does not fit, or something that is no text.
        """
        check_view(self, view)
        return encode_texts(
            self,
            texts,
            prompt=self.named_prompt(prompt_name or self.default_prompt_name) if prompt is None else prompt,
            batch_tokens=batch_tokens,
            out=out,
            precision=precision,
            view=view,
            progress=progress,
        )

    def cut(self, view: View) -> TextEncoder:
        """A smaller encoder that is `view` of this one.

        It has fewer layers, less width, and an identity projection to fewer dimensions.

        Raises:
            InputError: a view that this encoder does not have.
        """
        return cut(self, view)

    def add_task_tokens(self, names: Sequence[str], *, init: str = "mean") -> dict[str, str]:
        """Give each task a token of its own, `[task:NAME]`, whose vector is trained with the model.

        The token is a prompt: it is kept in :attr:`prompts` under the task's name, so that ``prompt_name=NAME`` and
        ``task=NAME`` put it before a text, here and in sentence-transformers.

        Also known as: task embedding token, source tag.

        Reference: Labbé et al. (2024), arXiv:2309.00454 (task embedding).

        Args:
            names: of the tasks; one that has its token already keeps it as it is.
            init: where the vectors start: at the "mean" of all tokens' vectors, or of those that spell the "name".

        Returns:
            The prompt of each task, by name.

        Raises:
            InputError: a name that a token cannot carry, or another start.
        """
        add_tokens(self.backbone, self.tokenizer, names, init=init)
        self.max_length = self.max_length  # reads the grown vocabulary
        found = {name: task_prompt(name) for name in names}
        self.prompts.update(found)
        return found

    def save(self, path: Path | str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Write a folder that sentence-transformers 5.1 and 6 and accord load; replaces an older model there.

        Args:
            path: the folder; it appears whole or not at all.
            metadata: JSON values to keep in `accord.json`; what the model came with when not given.
        """
        save_encoder(self, Path(path), metadata=self.metadata if metadata is None else metadata)

    def fingerprint(self) -> str:
        """SHA-256 over what decides the vectors: weights, pooling, heads, prompts, maximum length, vocabulary."""
        return fingerprint(self, vocabulary=self._tokens.vocabulary())
