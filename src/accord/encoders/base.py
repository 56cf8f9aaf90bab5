"""The door of the room: what an encoder takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.core.types import Embeddings, Ragged, View

__all__ = ["Batch", "Encoder", "Tokens", "check_texts"]


@dataclass(frozen=True)
class Batch:
    """Padded token ids, ready for a forward pass.

    Args:
        input_ids: (batch, length) int64.
        attention_mask: (batch, length) int64, 1 where a token is real.
        prompt_tokens: how many of each row's first tokens belong to the prompt, an opening special token included.
        token_type_ids: (batch, length), where a model wants other than zeros.
    """

    input_ids: Tensor
    attention_mask: Tensor
    prompt_tokens: int = 0
    token_type_ids: Tensor | None = None

    def __len__(self) -> int:
        return len(self.input_ids)

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        types = None if self.token_type_ids is None else self.token_type_ids.to(device)
        return Batch(self.input_ids.to(device), self.attention_mask.to(device), self.prompt_tokens, types)


@dataclass(frozen=True)
class Tokens:
    """Texts as ids, each as long as it is.

    Args:
        ids: special tokens included, cut to the maximum length.
        truncated: how many texts were cut.
        prompt_tokens: as in :class:`Batch`.
        empty: how many texts had no character.
    """

    ids: Ragged
    truncated: int = 0
    prompt_tokens: int = 0
    empty: int = 0


class Encoder(Protocol):
    """What the fast path and the savers need of a text encoder; :class:`~accord.encoders.TextEncoder` is one."""

    backbone: Any
    tokenizer: Any
    pooling: Any
    heads: Any
    include_prompt: bool
    prompts: dict[str, str]
    default_prompt_name: str | None
    similarity_name: str
    training: bool
    metadata: dict[str, Any]

    @property
    def max_length(self) -> int | None:
        """Tokens kept of a text, special tokens included; None where nothing is cut."""
        ...

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        ...

    @property
    def num_layers(self) -> int:
        """Layers of the backbone."""
        ...

    @property
    def normalizes(self) -> bool:
        """Whether vectors have unit length."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    def tokenize(self, texts: Sequence[str], *, prompt: str = "") -> Tokens:
        """Texts to ids."""
        ...

    def collate(self, ids: Ragged, rows: np.ndarray, *, prompt_tokens: int = 0) -> Any:
        """Rows of ids to a batch that the encoder takes when called: of a transformer, a padded :class:`Batch`."""
        ...

    def __call__(self, batch: Any, views: Sequence[View] = ...) -> Embeddings:
        """One forward pass."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 over what decides the vectors."""
        ...

    def state_dict(self) -> Mapping[str, Tensor]:
        """The weights by name."""
        ...

    def named_parameters(self) -> Any:
        """The trainable weights by name."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Switch dropout on or off."""
        ...


def check_texts(texts: Sequence[object], start: int = 0) -> None:
    """Refuse what is not a string.

    Args:
        texts: to look through.
        start: the position of the first one, for the message.

    Raises:
        InputError: naming the value and its position.
    """
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(
                f"`texts` must hold strings. Got {text!r} ({type(text).__name__}) at position {start + number} instead."
            )
