"""The door of the room: what a codec takes and gives, and the checks that all of them share."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Float, UInt8

from accord.core.checks import check_choice, did_you_mean
from accord.core.errors import InputError
from accord.core.spec import Described, build, catalogue, parameters, to_spec

__all__ = ["SIMILARITIES", "Codec", "FittedCodec", "codec_of", "kind_of", "kinds", "settings_of", "training_vectors"]

SIMILARITIES = ("cosine", "dot")
ROOM = "accord.compression.codecs"
BLOCK = 8192


class FittedCodec(ABC):
    """Vectors to bytes and back, with distances of its own; immutable.

    A subclass reads its arrays by :meth:`array`; its methods begin with :meth:`ready` for vectors and with
    :meth:`checked` for codes.

    Attributes:
        kind: name of the class of settings that it comes from, such as "Int8".
        bitwise: whether :meth:`code_scores` counts differing bits, and so is much faster than :meth:`scores`.
        dim: numbers in a vector.
        similarity: "cosine" (vectors are brought to unit length before they are encoded) or "dot".
        settings: constructor arguments of the settings, as plain values.
        made_for: fingerprint of the model whose vectors it was fitted on; empty when not known.

    Args:
        arrays: what was learned, by name.
        settings: of :func:`settings_of`.
        dim: numbers in a vector.
        similarity: "cosine" or "dot".
        made_for: fingerprint of the model.

    Raises:
        InputError: an array that is missing or has another shape, or an unknown similarity.
    """

    kind: ClassVar[str]
    bitwise: ClassVar[bool] = False

    def __init__(
        self, arrays: Mapping[str, np.ndarray], *, settings: Mapping[str, Any], dim: int, similarity: str, made_for: str
    ) -> None:
        check_choice("similarity", similarity, SIMILARITIES)
        self._arrays = {name: _frozen(array) for name, array in arrays.items()}
        self.settings = dict(settings)
        self.dim = int(dim)
        self.similarity = similarity
        self.made_for = made_for

    @property
    @abstractmethod
    def code_bytes(self) -> int:
        """Bytes of one code."""

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

    def arrays(self) -> Mapping[str, np.ndarray]:
        """What was learned, by name: what a codec folder keeps beside the settings."""
        return dict(self._arrays)

    @classmethod
    def of_arrays(
        cls, arrays: Mapping[str, np.ndarray], *, settings: Mapping[str, Any], dim: int, similarity: str, made_for: str
    ) -> Self:
        """The codec that :meth:`arrays` came from.

        Raises:
            InputError: arrays that do not belong to these settings.
        """
        return cls(arrays, settings=settings, dim=dim, similarity=similarity, made_for=made_for)

    def array(self, name: str, *shape: int, dtype: Any = np.float32) -> np.ndarray:
        """One of the arrays, checked.

        Raises:
            InputError: it is missing, or of another shape or type.
        """
        found = self._arrays.get(name)
        if found is None:
            raise InputError(
                f"A codec of kind {self.kind} needs the array `{name}`. It has: {', '.join(self._arrays)}."
            )
        if found.shape != shape or found.dtype != dtype:
            raise InputError(
                f"Array `{name}` of a codec of kind {self.kind} must be {np.dtype(dtype).name} of shape {shape}. "
                f"Got {found.dtype} of shape {found.shape}."
            )
        return found

    def ready(self, vectors: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, "n dim"]:
        """Vectors as float32, checked, and of unit length under cosine.

        Raises:
            InputError: another dimension, NaN or infinity, or a zero vector under cosine.
        """
        vectors = checked_vectors(vectors, self.similarity)
        if vectors.shape[1] != self.dim:
            raise InputError(
                f"This codec{f' (made for model {self.made_for[:12]})' if self.made_for else ''} takes vectors of "
                f"{self.dim} dimensions. Got {vectors.shape[1]}: they come from another model or from a cut one."
            )
        return vectors

    def checked(self, codes: UInt8[np.ndarray, "n bytes"]) -> UInt8[np.ndarray, "n bytes"]:
        """Codes as they came, when their type and length are right.

        Raises:
            InputError: another length or type.
        """
        codes = np.asarray(codes)
        if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] != self.code_bytes:
            raise InputError(
                f"Codes of this {self.kind} codec are uint8 of shape (n, {self.code_bytes}). "
                f"Got {codes.dtype} of shape {codes.shape}."
            )
        return codes

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"<fitted {self.kind}({shown}): {self.dim} dimensions to {self.code_bytes} bytes, {self.similarity}>"


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


def settings_of(codec: Codec) -> dict[str, Any]:
    """Every constructor argument of a codec as a plain value, defaults included."""
    return {name: to_spec(getattr(codec, name)) for name in parameters(type(codec))}


def kinds() -> dict[str, type[Codec]]:
    """The codecs that there are, by name."""
    found = catalogue(importlib.import_module(ROOM))
    return {name: kind for name, kind in found.items() if issubclass(kind, Codec)}


def kind_of(name: str, where: str) -> type[Codec]:
    """The codec of a name such as "ProductQuantizer", also written "product-quantizer".

    Only accord's own codecs are named: a name in a file never decides what is imported.

    Args:
        name: of the class.
        where: what asks, for messages.

    Raises:
        InputError: an unknown name, with a suggestion.

    >>> kind_of("float16", "kind").__name__
    'Float16'
    """
    known = {_plain(each): kind for each, kind in kinds().items()}
    if _plain(name) not in known:
        names = sorted(kind.__name__ for kind in known.values())
        spelled = {each.lower(): each for each in names}
        hint = did_you_mean(_plain(name), spelled)
        for lower, each in spelled.items():
            hint = hint.replace(f"`{lower}`", f"`{each}`")
        raise InputError(
            f"{where}: unknown codec {name!r}.{hint} Known: {', '.join(names)}, also in lower case with hyphens."
        )
    return known[_plain(name)]


def codec_of(spec: object, where: str) -> Codec:
    """The codec that a specification such as ``"Int8"`` or ``{"PCA": {"dim": 128}}`` describes.

    Raises:
        RecipeError: an unknown argument, or a value that the codec refuses.
        InputError: an unknown kind, or something that is no codec.
    """
    if isinstance(spec, str):
        spec = kind_of(spec, where).__name__
    elif isinstance(spec, Mapping) and len(spec) == 1:
        name, arguments = next(iter(spec.items()))
        spec = {kind_of(str(name), where).__name__: arguments}
    made = build(spec, importlib.import_module(ROOM), where)
    if not isinstance(made, Codec):
        raise InputError(f"`{where}` must be a codec such as Int8. Got {spec!r} instead.")
    return made


def training_vectors(
    vectors: Float[np.ndarray, "n dim"], similarity: str, *, least: int = 1, purpose: str = "fitting"
) -> Float[np.ndarray, "n dim"]:
    """Vectors to fit on: checked, float32, of unit length under cosine.

    Args:
        vectors: (n, dim).
        similarity: "cosine" or "dot".
        least: how many the codec needs.
        purpose: what needs them, for the message.

    Raises:
        InputError: fewer vectors than `least`, NaN, infinity, or zeros under cosine.
    """
    check_choice("similarity", similarity, SIMILARITIES)
    vectors = checked_vectors(vectors, similarity)
    if len(vectors) < max(1, least):
        raise InputError(f"`vectors` must be at least {max(1, least)} for {purpose}. Got {len(vectors)}.")
    return vectors


def checked_vectors(vectors: Float[np.ndarray, "n dim"], similarity: str) -> Float[np.ndarray, "n dim"]:
    """Finite float32 rows, of unit length under cosine.

    Raises:
        InputError: another shape, NaN or infinity, or a zero vector under cosine; names the row.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise InputError(f"`vectors` must be of shape (n, dim). Got {vectors.shape}.")
    squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    if not np.isfinite(squares).all():
        bad = int(np.flatnonzero(~np.isfinite(squares))[0])
        raise InputError(f"`vectors` must be finite. Row {bad} holds NaN or infinity.")
    if similarity != "cosine":
        return vectors
    if not squares.all():
        bad = int(np.flatnonzero(squares == 0)[0])
        raise InputError(f"`vectors` must not be zero under cosine similarity: row {bad} has no direction.")
    return vectors / np.sqrt(squares)[:, None].astype(np.float32)


def blocked_scores(
    queries: Float[np.ndarray, "q dim"],
    codes: UInt8[np.ndarray, "n bytes"],
    decode: Callable[[np.ndarray], np.ndarray],
) -> Float[np.ndarray, "q n"]:
    """Dot products of queries with decoded codes, a block of codes at a time."""
    scores = np.empty((len(queries), len(codes)), dtype=np.float32)
    for first in range(0, len(codes), BLOCK):
        some = slice(first, first + BLOCK)
        np.matmul(queries, decode(codes[some]).T, out=scores[:, some])
    return scores


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array
