"""The door of the room: what a codec takes and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Float, UInt8

from accord.core.spec import Described

__all__ = ["Codec", "FittedCodec"]


class FittedCodec(ABC):
    """Vectors to bytes and back, with distances of its own; immutable.

    Attributes:
        kind: name of the class of settings that it comes from, such as "Int8".
        dim: numbers in a vector.
        code_bytes: bytes of one code.
        similarity: "cosine" (vectors are brought to unit length before they are encoded) or "dot".
        settings: constructor arguments of the settings, as plain values.
        made_for: fingerprint of the model whose vectors it was fitted on; empty when not known.
    """

    kind: str
    dim: int
    code_bytes: int
    similarity: str
    settings: Mapping[str, Any]
    made_for: str

    @abstractmethod
    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """One code a vector.

        Raises:
            InputError: another dimension, NaN or infinity, or a zero vector under cosine.
        """

    @abstractmethod
    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """The vectors that the codes stand for, float32.

        Raises:
            InputError: codes of another length.
        """

    @abstractmethod
    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Asymmetric: similarities of float queries to codes, float32, higher is nearer."""

    @abstractmethod
    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Symmetric: similarities of codes to codes, float32, higher is nearer."""

    @abstractmethod
    def arrays(self) -> Mapping[str, np.ndarray]:
        """What was learned, by name: what a codec folder keeps beside the settings."""

    @classmethod
    @abstractmethod
    def of_arrays(
        cls, arrays: Mapping[str, np.ndarray], *, settings: Mapping[str, Any], dim: int, similarity: str, made_for: str
    ) -> Self:
        """The codec that :meth:`arrays` came from."""


class Codec(Described, ABC):
    """A codec before it has seen a vector: its settings.

    Attributes:
        fitted: the class that :meth:`fit` gives.
    """

    fitted: ClassVar[type[FittedCodec]]

    @abstractmethod
    def fit(
        self, vectors: Float[np.ndarray, "n dim"], *, similarity: str = "cosine", seed: int = 0, made_for: str = ""
    ) -> FittedCodec:
        """Learn from vectors of a corpus.

        Args:
            vectors: float32.
            similarity: how vectors are compared.
            seed: of what is drawn.
            made_for: fingerprint of the model.

        Raises:
            InputError: too few vectors, NaN, infinity or zeros.
        """
