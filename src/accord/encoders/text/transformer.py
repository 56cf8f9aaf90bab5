"""A text encoder: a transformer backbone, a pooling, heads. What accord trains, saves and serves."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from accord.core.checks import check_at_least, did_you_mean
from accord.core.errors import InputError
from accord.core.progress import Progress
from accord.core.types import Embeddings, Ragged, View
from accord.encoders.base import Batch, Tokens
from accord.encoders.encode import encode_texts
from accord.encoders.fingerprint import fingerprint
from accord.encoders.heads import Dense, Normalize
from accord.encoders.masks import kept_tokens, positions
from accord.encoders.saving import save_encoder
from accord.encoders.text.attention import use_fast_attention
from accord.encoders.text.dropout import use_fast_dropout
from accord.encoders.text.layers import cut_layers, final_norm, usable_positions
from accord.encoders.text.tokens import TextTokens
from accord.maths.similarity import pairwise_similarity, similarity

__all__ = ["Batch", "TextEncoder"]

DOCUMENT_PROMPTS = ("document", "passage", "corpus")


class TextEncoder(nn.Module):
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
        self.backbone: Any = backbone
        self.tokenizer = tokenizer
        self.pooling: Any = nn.ModuleList(pooling)
        self.heads: Any = nn.ModuleList(heads)
        self.include_prompt = include_prompt
        self.prompts = dict(prompts or {})
        self.default_prompt_name = default_prompt_name
        self.similarity_name = similarity_name
        self.metadata: dict[str, Any] = {}
        self.max_length = max_length
        if default_prompt_name is not None:
            self._prompt(default_prompt_name, None)

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

    def get_embedding_dimension(self) -> int:
        """:attr:`dim`, under the name of sentence-transformers 6."""
        return self.dim

    def get_sentence_embedding_dimension(self) -> int:
        """:attr:`dim`, under the name of sentence-transformers 5 and before."""
        return self.dim

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
                dim d keeps the first d dimensions, with unit length again where the model gives unit length.

        Raises:
            InputError: a view that this encoder does not have.
        """
        for view in views:
            self._check(view)
        deep = any(view.layer not in {None, self.num_layers} for view in views)
        inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if batch.token_type_ids is not None:
            inputs["token_type_ids"] = batch.token_type_ids
        output = self.backbone(**inputs, output_hidden_states=True) if deep else self.backbone(**inputs)
        hidden = tuple(output.hidden_states) if deep else ()
        norm = final_norm(self.backbone)
        pooled: dict[int | None, Tensor] = {}
        found = {}
        for view in views:
            layer = None if view.layer == self.num_layers else view.layer
            if layer not in pooled:
                tokens = output.last_hidden_state if layer is None else norm(hidden[layer])
                pooled[layer] = self.pool(tokens, batch.attention_mask, prompt_tokens=batch.prompt_tokens)
            found[view] = self.project(pooled[layer], dim=view.dim)
        return Embeddings(found, output.last_hidden_state, batch.attention_mask.bool(), hidden)

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
        self._check(view)
        text = self._prompt(prompt_name or self.default_prompt_name, prompt)
        return encode_texts(
            self,
            texts,
            prompt=text,
            batch_tokens=batch_tokens,
            out=out,
            precision=precision,
            view=view,
            progress=progress,
        )

    def encode_query(
        self,
        texts: str | Sequence[str],
        *,
        prompt_name: str | None = None,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> np.ndarray:
        """:meth:`encode` with the prompt "query", where the model has one, and else with none."""
        text = self.role_prompt("query", prompt_name)
        return self.encode(texts, prompt=text, precision=precision, progress=progress)

    def encode_document(
        self,
        texts: str | Sequence[str],
        *,
        prompt_name: str | None = None,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> np.ndarray:
        """:meth:`encode` with the prompt "document", "passage" or "corpus", where the model has one; else with none."""
        text = self.role_prompt("document", prompt_name)
        return self.encode(texts, prompt=text, precision=precision, progress=progress)

    def role_prompt(self, role: str, prompt_name: str | None = None) -> str:
        """What :meth:`encode_query` ("query") or :meth:`encode_document` ("document") puts before a text.

        Args:
            role: "query" or "document".
            prompt_name: one of :attr:`prompts` in place of the role's own.
        """
        names = ("query",) if role == "query" else DOCUMENT_PROMPTS
        return self._prompt(prompt_name or next((n for n in names if n in self.prompts), None), None)

    def similarity(self, left: Any, right: Any) -> Tensor:
        """Scores (n, m) between two sets of vectors, as :attr:`similarity_name` says."""
        return similarity(_tensor(left), _tensor(right), kind=self.similarity_name)

    def similarity_pairwise(self, left: Any, right: Any) -> Tensor:
        """Scores (n,) of row i with row i, as :attr:`similarity_name` says."""
        return pairwise_similarity(_tensor(left), _tensor(right), kind=self.similarity_name)

    def cut(self, view: View) -> TextEncoder:
        """A smaller encoder that is `view` of this one: fewer layers, an identity projection to fewer dimensions.

        Raises:
            InputError: a view that this encoder does not have.
        """
        self._check(view)
        smaller = copy.deepcopy(self)
        if view.layer is not None:
            cut_layers(smaller.backbone, view.layer)
        if view.dim is not None and view.dim < self.dim:
            place = len(self.heads) - self.normalizes
            smaller.heads.insert(place, Dense.identity(self.dim, view.dim).to(self.device))
        return smaller

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

    def _prompt(self, name: str | None, text: str | None) -> str:
        if text is not None:
            return text
        if name is None:
            return ""
        if name not in self.prompts:
            known = ", ".join(sorted(self.prompts)) or "none"
            raise InputError(
                f"`prompt_name` must be one of this model's prompts ({known}). Got {name!r} instead."
                f"{did_you_mean(name, self.prompts)}"
            )
        return self.prompts[name]

    def _check(self, view: View) -> None:
        if view.layer is not None and not 0 <= view.layer <= self.num_layers:
            raise InputError(f"`layer` must lie in [0, {self.num_layers}]. Got {view.layer} instead.")
        if view.dim is not None and not 1 <= view.dim <= self.dim:
            raise InputError(f"`dim` must lie in [1, {self.dim}]. Got {view.dim} instead.")
        if view.aspect:
            raise InputError(f"This encoder has no aspects. Got {view.aspect!r}.")


def _tensor(vectors: Any) -> Tensor:
    found = torch.as_tensor(vectors)
    return found[None] if found.ndim == 1 else found
