"""Fit a codec on the vectors that a model gives to a corpus, encode with it, and say what it keeps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from accord.compression import codecs
from accord.compression.codecs.base import kind_of
from accord.compression.codecs.folder import read_description
from accord.core.checks import check_at_least, check_choice, check_keys
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.random import numpy_generator
from accord.core.spec import parameters
from accord.encoders import load
from accord.encoders.cache import VectorCache
from accord.recipes.encode import column_texts

__all__ = ["codec_report", "encode_vectors", "fit_codec", "made_codec", "read_vectors"]

HELD_OUT = 0.1
MOST_HELD_OUT = 5000
LEAST_HELD_OUT = 40
CANDIDATES = 100


def made_codec(kind: str, settings: Mapping[str, object]) -> codecs.Codec:
    """The codec of a kind and its settings, before it is fitted.

    Args:
        kind: name of a codec, such as "Int8" or "rotated-sign".
        settings: constructor arguments.

    Raises:
        InputError: an unknown kind or setting, or a value that the codec refuses.

    >>> made_codec("rabitq", {"bits": 2})
    RaBitQ(bits=2)
    """
    found = kind_of(kind, "--kind")
    check_keys(f"the settings of {found.__name__}", settings, parameters(found))
    try:
        return found(**settings)
    except TypeError as error:
        raise InputError(f"The settings of {found.__name__} do not fit: {error}.") from error


def fit_codec(
    model: str,
    source: Path | str,
    out: Path | str,
    *,
    codec: codecs.Codec,
    column: str = "text",
    limit: int | None = None,
    seed: int = 0,
    cache: VectorCache | Path | str | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Fit a codec on a corpus, measure it on a tenth of it that is held out, and write its folder.

    Texts are encoded in bfloat16 where a probe allows it, as for an index.

    Args:
        model: what :func:`accord.load` takes; the codec is made for it alone.
        source: texts (JSONL(.gz), CSV, TSV, Parquet, .txt), or a `.npy` file of the model's vectors.
        out: the codec's folder.
        codec: to fit.
        column: of the texts.
        limit: most rows, drawn at random; all when None.
        seed: of all that is drawn.
        cache: a folder, or a :class:`~accord.encoders.cache.VectorCache`, where vectors are kept.
        progress: opens the bar.

    Returns:
        What `codec.json` says, and where it is.

    Raises:
        InputError: an unusable source, vectors of another dimension than the model's, or too few.
    """
    encoder, texts = load(model), None
    if Path(source).suffix == ".npy":
        vectors = _drawn(read_vectors(source), limit, seed)
        if vectors.shape[1] != encoder.dim:
            raise InputError(
                f"{source} holds vectors of {vectors.shape[1]} dimensions, but {model} gives {encoder.dim}."
            )
    else:
        texts = _drawn(np.array(column_texts(source, column), dtype=object), limit, seed).tolist()
        if cache is None:
            vectors = encoder.encode_document(texts, precision="auto", progress=progress)
        else:
            held = cache if isinstance(cache, VectorCache) else VectorCache(cache)
            vectors = held.encode(encoder, texts, role="document", precision="auto", progress=progress)
    check_choice("similarity of the model", encoder.similarity_name, codecs.SIMILARITIES)
    rows, held_out = _parts(len(vectors), seed)
    given: dict[str, Any] = {} if not isinstance(codec, codecs.BinaryParagraph) else {"words": _words(texts, rows)}
    fitted = codec.fit(
        vectors[rows], similarity=encoder.similarity_name, seed=seed, made_for=encoder.fingerprint(), **given
    )
    kept = _measured(fitted, vectors[held_out], seed) if len(held_out) else None
    path = codecs.save(fitted, out, seed=seed, fidelity=kept)
    return {"path": str(path), "fitted_on": len(rows), **read_description(path)}


def encode_vectors(codec: Path | str, vectors: Path | str, out: Path | str) -> dict[str, Any]:
    """Encode a `.npy` file of vectors into a `.npy` file of codes.

    Args:
        codec: its folder.
        vectors: floats, (n, dim).
        out: ends in .npy; `OUT.json` beside it says what it is.

    Returns:
        What was written: rows, code_bytes, path.

    Raises:
        InputError: an unusable codec or file.
    """
    fitted = codecs.load(codec)
    path = codecs.write_codes(out, fitted, fitted.encode(read_vectors(vectors)))
    rows = len(np.load(path, mmap_mode="r"))
    return {"rows": rows, "code_bytes": fitted.code_bytes, "path": str(path)}


def codec_report(
    codec: Path | str,
    vectors: Path | str | None = None,
    *,
    queries: Path | str | None = None,
    candidates: int = CANDIDATES,
    seed: int = 0,
) -> dict[str, Any]:
    """What a codec is and keeps: as measured when it was fitted, or on vectors that are given.

    Args:
        codec: its folder, which is checked.
        vectors: a `.npy` file of vectors that it was not fitted on; None for what its folder says.
        queries: a `.npy` file of vectors to search with; up to 500 of the vectors when None.
        candidates: scored again by the vectors themselves.
        seed: of which vectors are queries.

    Returns:
        What `codec.json` says, with `fidelity` as measured now.

    Raises:
        InputError: an unusable codec or file, or queries without vectors.
    """
    fitted, said = codecs.load(codec), read_description(codec)
    if vectors is None:
        if queries is not None:
            raise InputError("`--queries` search among vectors. Give a .npy file of vectors as well.")
        return said
    found = codecs.fidelity(
        fitted,
        read_vectors(vectors),
        queries=None if queries is None else read_vectors(queries),
        candidates=candidates,
        seed=seed,
    )
    return said | {"fidelity": dataclasses.asdict(found)}


def read_vectors(path: Path | str) -> np.ndarray:
    """A `.npy` file of floats, (n, dim).

    Raises:
        InputError: no such file, or something else in it.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist.")
    try:
        vectors = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path} is no .npy file of numbers ({error}).") from error
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.floating):
        shown = f"{vectors.dtype} of shape {vectors.shape}" if isinstance(vectors, np.ndarray) else "several arrays"
        raise InputError(f"{path} must hold floats of shape (n, dim). Got {shown}.")
    return vectors


def _drawn(rows: np.ndarray, limit: int | None, seed: int) -> np.ndarray:
    """Some rows, in their order."""
    if limit is None:
        return rows
    check_at_least("limit", limit, 1)
    return rows[np.sort(numpy_generator(seed, "codec rows").permutation(len(rows))[:limit])]


def _parts(total: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows that are fitted on and those that are held out; none of a corpus that is too small."""
    count = min(MOST_HELD_OUT, math.floor(HELD_OUT * total))
    if count < LEAST_HELD_OUT:
        return np.arange(total), np.arange(0)
    order = numpy_generator(seed, "held-out vectors").permutation(total)
    return np.sort(order[count:]), np.sort(order[:count])


def _words(texts: list[str] | None, rows: np.ndarray) -> Any:
    """Counts of the words of some texts.

    Raises:
        InputError: no texts.
    """
    if texts is None:
        raise InputError("BinaryParagraph learns from words: give a file of texts, not a .npy file of their vectors.")
    return codecs.word_counts([texts[row] for row in rows])


def _measured(fitted: codecs.FittedCodec, held_out: np.ndarray, seed: int) -> dict[str, Any]:
    candidates = min(CANDIDATES, len(held_out) // 4)
    return dataclasses.asdict(codecs.fidelity(fitted, held_out, candidates=max(10, candidates), seed=seed))
