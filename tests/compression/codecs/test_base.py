"""What every codec promises, whichever it is; a new one is found by itself."""

from __future__ import annotations

import numpy as np
import pytest

from accord.compression.codecs import FittedCodec, identity, load, save
from accord.compression.codecs.base import codec_of, kind_of, kinds, settings_of
from accord.core.errors import InputError

SMALL: dict[str, dict[str, object]] = {
    "BinaryParagraph": {"bits": 48, "steps": 10},
    "PCA": {"dim": 12},
    "ProductQuantizer": {"parts": 8},
    "RaBitQ": {"bits": 2},
    "RecurrentBinary": {"steps": 20, "batch": 32},
}
"""Settings for tests of kinds whose defaults want more than 400 vectors of 24 dimensions, or seconds."""

DIM = 24
every_kind = pytest.mark.parametrize("name", sorted(kinds()))
every_similarity = pytest.mark.parametrize("similarity", ["cosine", "dot"])


def corpus(count: int = 400, dim: int = DIM, seed: int = 0) -> np.ndarray:
    """Vectors in a few directions more than in others, off the origin, of several lengths."""
    draws = np.random.default_rng(seed)
    rows = draws.normal(size=(count, dim)) * np.linspace(2.0, 0.3, dim) + 0.2
    return (rows * draws.uniform(0.5, 2.0, size=(count, 1))).astype(np.float32)


GIVEN: dict[str, dict[str, object]] = {"BinaryParagraph": {"words": corpus() > 0}}
"""What the fit of a kind wants beside vectors."""

FITTED: dict[tuple[str, str], FittedCodec] = {}


def fitted(name: str, similarity: str = "cosine") -> FittedCodec:
    """Each codec is fitted once for all tests."""
    if (name, similarity) not in FITTED:
        codec = kinds()[name](**SMALL.get(name, {}))
        FITTED[name, similarity] = codec.fit(
            corpus(), similarity=similarity, seed=3, made_for="a model", **GIVEN.get(name, {})
        )
    return FITTED[name, similarity]


@every_kind
@every_similarity
def test_codes_are_bytes_and_decode_to_vectors_that_point_the_same_way(name: str, similarity: str) -> None:
    codec, rows = fitted(name, similarity), corpus(60, seed=1)
    codes = codec.encode(rows)
    assert codes.dtype == np.uint8
    assert codes.shape == (60, codec.code_bytes)
    decoded = codec.decode(codes)
    assert decoded.dtype == np.float32
    assert decoded.shape == rows.shape
    cosines = (decoded * rows).sum(1) / np.linalg.norm(decoded, axis=1) / np.linalg.norm(rows, axis=1)
    assert cosines.mean() > 0.5


@every_kind
@every_similarity
def test_scores_rank_like_the_vectors_do(name: str, similarity: str) -> None:
    codec, rows, queries = fitted(name, similarity), corpus(200, seed=1), corpus(8, seed=2)
    codes = codec.encode(rows)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True) if similarity == "cosine" else rows
    for scores in (codec.scores(queries, codes), codec.code_scores(codec.encode(queries), codes)):
        assert scores.dtype == np.float32
        assert scores.shape == (8, 200)
        assert np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(scores, queries @ unit.T)]) > 0.4


@every_kind
def test_code_scores_do_not_depend_on_the_side(name: str) -> None:
    codec = fitted(name)
    codes = codec.encode(corpus(30, seed=1))
    scores = codec.code_scores(codes, codes)
    np.testing.assert_allclose(scores, scores.T, atol=1e-5)


@every_kind
def test_a_code_depends_on_its_vector_alone(name: str) -> None:
    codec, rows = fitted(name), corpus(40, seed=1)
    before = rows.copy()
    alone = np.concatenate([codec.encode(row[None]) for row in rows])
    assert (codec.encode(rows) != alone).any(axis=1).mean() <= 0.05  # a product's last bit may tip a rounding
    np.testing.assert_array_equal(rows, before)


@every_kind
def test_scores_of_parts_are_parts_of_scores(name: str) -> None:
    codec, queries = fitted(name), corpus(3, seed=2)
    codes = codec.encode(corpus(50, seed=1))
    whole = codec.scores(queries, codes)
    np.testing.assert_allclose(
        np.hstack([codec.scores(queries, c) for c in (codes[:20], codes[20:])]), whole, atol=1e-5
    )
    assert codec.scores(queries, codes[:0]).shape == (3, 0)
    assert codec.encode(corpus(5)[:0]).shape == (0, codec.code_bytes)
    assert codec.decode(codes[:0]).shape == (0, DIM)


@every_kind
def test_cosine_codes_do_not_depend_on_length(name: str) -> None:
    codec, rows = fitted(name), corpus(40, seed=1)
    np.testing.assert_array_equal(codec.encode(rows), codec.encode(rows * 4))
    np.testing.assert_allclose(
        codec.scores(rows[:3], codec.encode(rows)), codec.scores(rows[:3] * 4, codec.encode(rows)), atol=1e-6
    )


@every_kind
def test_fitting_is_a_function_of_vectors_settings_and_seed(name: str) -> None:
    again = kinds()[name](**SMALL.get(name, {})).fit(corpus(), seed=3, made_for="a model", **GIVEN.get(name, {}))
    assert identity(again) == identity(fitted(name))


@every_kind
@every_similarity
def test_folder_gives_the_same_codec(name: str, similarity: str, tmp_path) -> None:
    codec, rows = fitted(name, similarity), corpus(30, seed=1)
    again = load(save(codec, tmp_path / "codec", seed=3))
    assert type(again) is type(codec)
    assert identity(again) == identity(codec)
    assert (again.dim, again.code_bytes, again.similarity, again.made_for) == (
        DIM,
        codec.code_bytes,
        similarity,
        "a model",
    )
    np.testing.assert_array_equal(again.encode(rows), codec.encode(rows))
    np.testing.assert_array_equal(again.scores(rows, codec.encode(rows)), codec.scores(rows, codec.encode(rows)))


@every_kind
def test_arrays_cannot_be_changed(name: str) -> None:
    for array in fitted(name).arrays().values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@every_kind
def test_what_is_no_vector_is_refused_by_row(name: str) -> None:
    codec, rows = fitted(name), corpus(5)
    with pytest.raises(InputError, match=r"made for model a model.* 24 dimensions. Got 23"):
        codec.encode(rows[:, :23])
    with pytest.raises(InputError, match="Row 2 holds NaN"):
        codec.encode(np.where(np.arange(5)[:, None] == 2, np.nan, rows))
    with pytest.raises(InputError, match="row 3 has no direction"):
        codec.scores(np.where(np.arange(5)[:, None] == 3, 0, rows), codec.encode(rows))
    with pytest.raises(InputError, match=rf"\(n, {codec.code_bytes}\)"):
        codec.decode(codec.encode(rows)[:, :-1])
    with pytest.raises(InputError, match="uint8"):
        codec.code_scores(codec.encode(rows).astype(np.int32), codec.encode(rows))


@every_kind
def test_what_cannot_be_learned_from_is_refused(name: str) -> None:
    codec = kinds()[name](**SMALL.get(name, {}))
    with pytest.raises(InputError, match="`similarity` must be one of cosine, dot"):
        codec.fit(corpus(), similarity="euclidean")
    with pytest.raises(InputError, match="holds NaN or infinity"):
        codec.fit(np.full((400, DIM), np.inf, dtype=np.float32))
    with pytest.raises(InputError, match="at least"):
        codec.fit(corpus()[:0])


@every_kind
def test_arrays_of_another_shape_are_refused(name: str) -> None:
    codec = fitted(name)
    for missing in codec.arrays():
        fewer = {key: array for key, array in codec.arrays().items() if key != missing}
        known = {"settings": codec.settings, "dim": codec.dim, "similarity": "cosine", "made_for": ""}
        with pytest.raises(InputError, match=r"[aA]rray"):
            type(codec).of_arrays(fewer, **known).decode(np.zeros((1, codec.code_bytes), dtype=np.uint8))
        other = codec.arrays() | {missing: np.zeros((3, 3, 3, 3), dtype=np.float32)}
        with pytest.raises(InputError, match="of shape"):
            type(codec).of_arrays(other, **known).decode(np.zeros((1, codec.code_bytes), dtype=np.uint8))


def test_names_may_be_written_with_hyphens() -> None:
    assert {kind_of(name.lower(), "kind") for name in kinds()} == set(kinds().values())
    with pytest.raises(InputError, match=r"unknown codec 'Int9'\. Did you mean `Int8`\?"):
        kind_of("Int9", "kind")


def test_a_name_never_decides_what_is_imported() -> None:
    for spec in ("os:system", {"os:system": {"command": "exit 1"}}):
        with pytest.raises(InputError, match="unknown codec"):
            codec_of(spec, "then")


def test_settings_are_all_arguments_as_plain_values() -> None:
    assert settings_of(kinds()["Int8"](tail=0.01)) == {"tail": 0.01}
