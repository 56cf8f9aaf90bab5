"""One encoder, several spaces: what a text says of its topic, its tone or its length, from one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch

from accord.core.checks import check_choice
from accord.core.errors import InputError, ModelError
from accord.core.progress import Progress, silent
from accord.core.spec import to_spec
from accord.core.storage import atomic_folder, write_json
from accord.encoders.base import Encoder
from accord.encoders.heads.conditional_attention import ConditionalAttention
from accord.encoders.integrity import check_weights, read_object
from accord.encoders.token_vectors import TokenVectors, token_vectors

__all__ = ["ConditionalEncoder"]

FORMAT = "accord-conditions/1"
CONFIG, WEIGHTS = "conditions.json", "model.safetensors"
WINDOW, ROWS = 1024, 128


class ConditionalEncoder:
    """A frozen encoder with a :class:`~accord.encoders.heads.ConditionalAttention` on its token vectors.

    Every text is read once and gives a unit vector a condition. To search, keep all of them side by side
    (:class:`~accord.retrieval.choices.Aspects`, whose names are the conditions), and choose or weigh conditions when
    you ask.

    Reference: Song et al. (2023), Conditional Cross Attention Network, arXiv:2307.13254.

    Args:
        encoder: a :class:`~accord.encoders.TextEncoder`.
        head: trained on its token vectors (:func:`accord.recipes.conditions.fit_conditions`).

    Raises:
        InputError: a head for token vectors of another width.
    """

    def __init__(self, encoder: Encoder, head: ConditionalAttention) -> None:
        width = encoder.backbone.config.hidden_size
        if head.in_features != width:
            raise InputError(f"The head reads token vectors of width {head.in_features}, the encoder's have {width}.")
        self.encoder = encoder
        self.head = head.eval()

    @property
    def names(self) -> list[str]:
        """The conditions."""
        return self.head.names

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        return self.head.out_features

    def encode(self, texts: Sequence[str], condition: str, *, progress: Progress | None = None) -> np.ndarray:
        """Unit vectors of texts under one condition, (n, dim) float32.

        Args:
            texts: some.
            condition: one of :attr:`names`.
            progress: opens a bar; silent when not given.

        Raises:
            InputError: an unknown condition.
        """
        check_choice("condition", condition, self.names)
        return self._vectors(texts, [condition], progress)[0]

    def spaces(self, texts: Sequence[str], *, progress: Progress | None = None) -> dict[str, np.ndarray]:
        """Unit vectors of texts under every condition, from one pass of the encoder: name -> (n, dim) float32.

        Args:
            texts: some.
            progress: opens a bar; silent when not given.
        """
        return dict(zip(self.names, self._vectors(texts, self.names, progress)))

    def of_tokens(self, tokens: TokenVectors, condition: str) -> np.ndarray:
        """Unit vectors of texts whose token vectors are known, under one condition.

        Raises:
            InputError: an unknown condition.
        """
        check_choice("condition", condition, self.names)
        number = self.names.index(condition)
        parts = [np.zeros((0, self.dim), dtype=np.float32)]
        with torch.inference_mode():
            for rows in _parts(len(tokens), ROWS):
                seen, mask = tokens.batch(rows)
                parts.append(self.head(seen, mask, torch.full((len(rows),), number)).numpy())
        return np.concatenate(parts)

    def save(self, path: Path | str) -> None:
        """Write the head, and of which encoder it reads tokens, to a folder that appears whole or not at all.

        The encoder itself is not in it: it was not changed.

        Args:
            path: of the folder.
        """
        from safetensors.torch import save_file

        said = {"format": FORMAT, "head": to_spec(self.head), "encoder": self.encoder.fingerprint()}
        with atomic_folder(path) as folder:
            write_json(folder / CONFIG, said)
            weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.head.state_dict().items()}
            save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})

    @classmethod
    def load(cls, path: Path | str, encoder: Encoder) -> Self:
        """Read a folder that :meth:`save` wrote.

        Args:
            path: of the folder.
            encoder: the one that the head was trained on.

        Raises:
            ModelError: not such a folder, damaged files, or another encoder.
        """
        from safetensors.torch import load_file

        folder = Path(path)
        if not (folder / CONFIG).is_file():
            raise ModelError(f"{folder} holds no {CONFIG}: it is not what ConditionalEncoder.save writes.")
        said = read_object(folder / CONFIG)
        if said.get("encoder") != encoder.fingerprint():
            raise ModelError(
                f"The head in {folder} reads the tokens of another encoder ({said.get('encoder')!r}). Load that one, "
                "or train a head on this."
            )
        check_weights(folder)
        try:
            head = ConditionalAttention(**said["head"]["ConditionalAttention"])
            head.load_state_dict(load_file(folder / WEIGHTS))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"{folder} does not hold the head that its {CONFIG} describes: {error}") from error
        return cls(encoder, head)

    def _vectors(self, texts: Sequence[str], names: Sequence[str], progress: Progress | None) -> list[np.ndarray]:
        if isinstance(texts, str):
            raise InputError("`texts` must be a list of texts. Got one text; put it in a list.")
        found = [np.empty((len(texts), self.dim), dtype=np.float32) for _ in names]
        with (progress or silent)("encode", total=len(texts), unit="texts") as advance:
            for rows in _parts(len(texts), WINDOW):
                tokens = token_vectors(self.encoder, texts[int(rows[0]) : int(rows[-1]) + 1])
                for vectors, name in zip(found, names):
                    vectors[rows] = self.of_tokens(tokens, name)
                advance(len(rows))
        return found


def _parts(count: int, size: int) -> Iterator[np.ndarray]:
    for first in range(0, count, size):
        yield np.arange(first, min(first + size, count))
