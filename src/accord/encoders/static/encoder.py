"""A static encoder: a token table, a tokenizer, heads."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress
from accord.core.types import Embeddings, Ragged, View
from accord.encoders.base import Tokens
from accord.encoders.encode import encode_texts
from accord.encoders.engines import plain_engine
from accord.encoders.fingerprint import fingerprint
from accord.encoders.heads import Dense, Normalize
from accord.encoders.pooling import Mean
from accord.encoders.prompted import Prompted
from accord.encoders.saving import save_encoder
from accord.encoders.static.rounding import STORED, rounded
from accord.encoders.static.saving import write_static
from accord.encoders.static.table import TokenTable
from accord.encoders.static.tokens import StaticTokens, unknown_token

__all__ = ["Bags", "StaticEncoder"]


@dataclass(frozen=True)
class Bags:
    """Token numbers of some texts without padding.

    Args:
        input_ids: (tokens) int64, all texts one after another.
        offsets: (texts) int64, where each begins.
    """

    input_ids: Tensor
    offsets: Tensor

    def __len__(self) -> int:
        return len(self.offsets)

    def to(self, device: torch.device | str) -> Bags:
        """The same texts on another device."""
        return Bags(self.input_ids.to(device), self.offsets.to(device))


class StaticEncoder(Prompted):
    """Texts to the mean of their tokens' vectors; trained, saved and called like a :class:`~accord.TextEncoder`.

    Args:
        backbone: the table, or (tokens, dim) numbers for one.
        tokenizer: of the package `tokenizers`, or one of transformers with such a backend.
        heads: modules of :mod:`accord.encoders.heads`, in order; usually :class:`~accord.encoders.heads.Normalize`.
        max_length: tokens kept of a text; all of them when None.
        skip_unknown: leave out what the vocabulary lacks, as model2vec does; the row of that token is set to zero, so
            that after normalisation libraries that count it agree.
        prompts: texts to put before a text, by name.
        default_prompt_name: the one that :meth:`encode` uses when told nothing.
        similarity_name: how vectors are meant to be compared: "cosine", "dot" or "euclidean".
        stored: the numbers of the saved table: "float32", "float16" or "int8"; see :meth:`rounded`.

    Raises:
        InputError: a tokenizer whose vocabulary the table does not cover, or an unknown default prompt.
    """

    def __init__(
        self,
        backbone: TokenTable | Tensor | np.ndarray,
        tokenizer: Any,
        heads: Sequence[nn.Module] = (),
        *,
        max_length: int | None = None,
        skip_unknown: bool = True,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        similarity_name: str = "cosine",
        stored: str = "float32",
    ) -> None:
        super().__init__()
        self.backbone = backbone if isinstance(backbone, TokenTable) else TokenTable(backbone)
        self.tokenizer: Tokenizer = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not isinstance(self.tokenizer, Tokenizer):
            raise InputError(
                f"`tokenizer` must be a `tokenizers.Tokenizer` or hold one. Got {type(tokenizer).__name__} instead."
            )
        check_choice("stored", stored, STORED)
        self.pooling: Any = [Mean()]
        self.heads: Any = nn.ModuleList(heads)
        self.include_prompt = True
        self.skip_unknown = skip_unknown
        self.prompts = dict(prompts or {})
        self.default_prompt_name = default_prompt_name
        self.similarity_name = similarity_name
        self.stored = stored
        self.metadata: dict[str, Any] = {}
        self.max_length = max_length
        self._check_vocabulary()
        self.named_prompt(default_prompt_name)

    @property
    def max_length(self) -> int | None:
        """Tokens kept of a text, or None for all; may be set."""
        return self._tokens.max_length

    @max_length.setter
    def max_length(self, value: int | None) -> None:
        if value is not None:
            check_at_least("max_length", value, 1)
        self._tokens = StaticTokens(self.tokenizer, value, skip_unknown=self.skip_unknown)

    @property
    def num_layers(self) -> int:
        """None that attend: 0."""
        return 0

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        widths = [head.out_features for head in self.heads if isinstance(head, Dense)]
        return widths[-1] if widths else self.backbone.dim

    @property
    def normalizes(self) -> bool:
        """Whether vectors have unit length; a text without a known token is zeros all the same."""
        return len(self.heads) > 0 and isinstance(self.heads[-1], Normalize)

    @property
    def device(self) -> torch.device:
        """Where the table is."""
        return self.backbone.embeddings.device

    def tokenize(self, texts: Sequence[str], *, prompt: str = "") -> Tokens:
        """Texts to token numbers, without special tokens, cut to :attr:`max_length`."""
        return self._tokens(texts, prompt=prompt)

    def collate(self, ids: Ragged, rows: np.ndarray, *, prompt_tokens: int = 0) -> Bags:  # noqa: ARG002
        """Some rows of ids as one batch; prompts count like any other words."""
        lengths = ids.lengths[rows]
        offsets = np.cumsum(lengths) - lengths
        places = np.arange(int(lengths.sum())) + np.repeat(ids.offsets[rows] - offsets, lengths)
        return Bags(torch.from_numpy(ids.values[places].astype(np.int64)), torch.from_numpy(offsets.astype(np.int64)))

    def prepare(self, records: Sequence[str]) -> Bags:
        """Texts as one batch."""
        return self.collate(self.tokenize(records).ids, np.arange(len(records)))

    def forward(self, batch: Bags, views: Sequence[View] = (View(),)) -> Embeddings:
        """Every requested view from one pass, with gradients.

        Args:
            batch: on the device of the table.
            views: one of dim d keeps the first d dimensions, with unit length again where the model gives unit length.

        Raises:
            InputError: a view that this encoder does not have.
        """
        for view in views:
            self._check(view)
        vectors = self.backbone(batch.input_ids, batch.offsets)
        for head in self.heads:
            vectors = head(vectors)
        return Embeddings({view: self._narrowed(vectors, view.dim) for view in views})

    def encode(
        self,
        texts: str | Sequence[str],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_tokens: int = 1 << 18,
        out: Path | str | np.ndarray | None = None,
        precision: str = "float32",
        view: View = View(),  # noqa: B008
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Vectors of texts, in their order.

        Args:
            texts: one text or many; one without a known token gives zeros.
            prompt_name: one of :attr:`prompts`; the default prompt when neither this nor `prompt` is given.
            prompt: a text to put before each text, instead of a named one.
            batch_tokens: tokens at once; the vectors do not depend on it.
            out: a `.npy` file or an array of shape (n, dim) to write into; memory then stays flat.
            precision: taken for the sake of other encoders; a mean is always computed in float32.
            view: how many dimensions.
            progress: opens a bar; silent when not given.

        Returns:
            (n, dim) float32, (dim,) for one text; a read-only memory map for a file.

        Raises:
            InputError: an unknown prompt or view, an `out` that does not fit, or something that is no text.
        """
        self._check(view)
        return encode_texts(
            self,
            texts,
            prompt=self.named_prompt(prompt_name or self.default_prompt_name) if prompt is None else prompt,
            batch_tokens=batch_tokens,
            out=out,
            precision=precision,
            view=view,
            progress=progress,
            engine=plain_engine(self, view),
        )

    def cut(self, view: View) -> StaticEncoder:
        """A smaller encoder that is `view` of this one.

        Raises:
            InputError: a view that this encoder does not have.
        """
        self._check(view)
        smaller = copy.deepcopy(self)
        if view.dim is not None and view.dim < self.dim:
            if any(isinstance(head, Dense) for head in self.heads):
                place = len(self.heads) - self.normalizes
                smaller.heads.insert(place, Dense.identity(self.dim, view.dim).to(self.device))
            else:
                kept = self.backbone.embeddings.detach()[:, : view.dim]
                smaller.backbone = TokenTable(kept, weights=self.backbone.weights, mapping=self.backbone.mapping)
        return smaller

    def rounded(self, stored: str) -> StaticEncoder:
        """A copy whose table takes half or a quarter of the room on disk.

        Args:
            stored: "float16", or "int8": each row is divided by its largest number / 127 and rounded, and what it was
                divided by goes into the weights, so that vectors keep their lengths.

        Raises:
            InputError: another word.
        """
        check_choice("stored", stored, STORED)
        smaller = copy.deepcopy(self)
        smaller.backbone, smaller.stored = rounded(self.backbone, stored), stored
        return smaller

    def save(self, path: Path | str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Write a folder that accord, sentence-transformers and model2vec load; replaces an older model there.

        Token weights are folded into the table, save where rows are shared or stored in int8: such a folder needs
        sentence-transformers 6. With heads other than `Normalize`, model2vec refuses it.

        Args:
            path: the folder; it appears whole or not at all.
            metadata: JSON values to keep in `accord.json`; what the model came with when not given.
        """
        given = self.metadata if metadata is None else metadata
        save_encoder(self._to_store(), Path(path), metadata=given, write=write_static)

    def fingerprint(self) -> str:
        """SHA-256 over what decides the vectors: the table, heads, prompts, maximum length, vocabulary."""
        return fingerprint(self, vocabulary=self._tokens.vocabulary())

    def _to_store(self) -> StaticEncoder:
        """Itself, or a copy with its weights folded into its table where every reader can then do without them."""
        table = self.backbone
        if table.weights is None or table.mapping is not None or self.stored == "int8":
            return self
        plain = copy.deepcopy(self)
        plain.backbone = TokenTable(table.folded())
        return plain

    def _narrowed(self, vectors: Tensor, dim: int | None) -> Tensor:
        if dim is None or dim == vectors.shape[-1]:
            return vectors
        return self.heads[-1](vectors[:, :dim]) if self.normalizes else vectors[:, :dim]

    def _check(self, view: View) -> None:
        if view.layer not in {None, 0}:
            raise InputError(f"A static encoder has no layers: `layer` must be None or 0. Got {view.layer} instead.")
        if view.dim is not None and not 1 <= view.dim <= self.dim:
            raise InputError(f"`dim` must lie in [1, {self.dim}]. Got {view.dim} instead.")
        if view.aspect:
            raise InputError(f"This encoder has no aspects. Got {view.aspect!r}.")
        if view.width is not None:
            raise InputError(f"A static encoder has no feed-forward parts: `width` must be None. Got {view.width}.")

    def _check_vocabulary(self) -> None:
        """Every token needs a row; the unknown one is emptied where it is skipped."""
        needed = 1 + max(self.tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
        if needed > self.backbone.tokens:
            raise InputError(
                f"The tokenizer does not fit the table: it gives token numbers up to {needed - 1}, and the table has "
                f"{self.backbone.tokens} of them. Use the tokenizer that the table was made with."
            )
        unknown = unknown_token(self.tokenizer) if self.skip_unknown else None
        if unknown is not None and self.backbone.mapping is None:
            with torch.no_grad():
                self.backbone.embeddings[unknown] = 0
