"""The vectors of an encoder as a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from accord.alignment.base import TextView
from accord.core.types import Encodes

__all__ = ["Encoded"]


class Encoded(TextView):
    """What an encoder makes of a text; it learns nothing, and serves every language that its encoder does.

    Reference: Moreo, Pedrotti & Sebastiani (2022), Generalized Funnelling, arXiv:2110.14764 (the BERT view).

    Differs from the paper: the encoder is used as it is, not fine-tuned on the classes first.

    Args:
        encoder: any encoder; a multilingual one where there are several languages.
        prompt_name: one of its prompts.
    """

    learns: ClassVar[bool] = False

    def __init__(self, encoder: Encodes, *, prompt_name: str | None = None) -> None:
        self.encoder = encoder
        self.prompt_name = prompt_name

    def fit(self, texts: Sequence[str], targets: Bool[np.ndarray, "n classes"], languages: Sequence[str]) -> Encoded:
        """Itself."""
        del texts, targets, languages
        return self

    def transform(self, texts: Sequence[str], languages: Sequence[str]) -> Float[np.ndarray, "n dim"]:
        """Vectors of texts, whatever their language."""
        del languages
        encode: Any = getattr(self.encoder, "encode", self.encoder.encode_query)
        return np.asarray(encode(list(texts), prompt_name=self.prompt_name), dtype=np.float64)
