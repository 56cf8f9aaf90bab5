"""Planes of signs are compared as the sums that they are, float queries by what they stand for, old codes by new."""

import numpy as np
import pytest

from accord.compression.codecs import RecurrentBinary
from accord.core.errors import InputError
from accord.maths.bit_planes import plane_levels

QUICK = {"steps": 40, "batch": 64, "hidden": 6}


def rows(count, seed=0, dim=24):
    """Vectors around centres, so that there are neighbours."""
    draws = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(40, dim))
    return (centres[draws.integers(40, size=count)] + 0.6 * draws.normal(size=(count, dim))).astype(np.float32)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def codec():
    return RecurrentBinary(bits=2, **QUICK).fit(rows(400), seed=1)


@pytest.mark.parametrize(("bits", "dim"), [(1, None), (2, 20), (4, 33)])
def test_symmetric_scores_are_cosines_of_sums_of_signs(bits, dim):
    codec = RecurrentBinary(bits=bits, dim=dim, steps=0).fit(rows(400))
    queries, codes = codec.encode(rows(5, seed=1)), codec.encode(rows(50, seed=2))
    assert codec.code_bytes == bits * -(-(dim or 24) // 8)
    sums = [plane_levels(each, dim or 24, bits).astype(np.float64) for each in (queries, codes)]
    np.testing.assert_allclose(codec.code_scores(queries, codes), unit(sums[0]) @ unit(sums[1]).T, atol=1e-5)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_asymmetric_scores_are_products_with_what_codes_stand_for(similarity):
    codec = RecurrentBinary(steps=0).fit(rows(400), similarity=similarity)
    queries, codes = rows(5, seed=1), codec.encode(rows(50, seed=2))
    sent = unit(queries) if similarity == "cosine" else queries
    np.testing.assert_allclose(codec.scores(queries, codes), sent @ codec.decode(codes).T, rtol=1e-4, atol=1e-4)


def test_lengths_travel_with_the_codes_of_dot_products():
    codec = RecurrentBinary(steps=0).fit(rows(400), similarity="dot")
    vectors = rows(6, seed=1)
    assert codec.code_bytes == 2 * 3 + 4
    codes = codec.encode(np.vstack([vectors, 3 * vectors, 0 * vectors]))
    for scores in (codec.scores(vectors, codes), codec.code_scores(codes[:6], codes)):
        np.testing.assert_allclose(scores[:, 6:12], 3 * scores[:, :6], rtol=1e-5)
        assert not scores[:, 12:].any()


def test_more_bits_lose_less():
    vectors, errors = rows(400), []
    for bits in (1, 2, 3, 4):
        codec = RecurrentBinary(bits=bits, **QUICK).fit(vectors)
        errors.append(np.square(codec.decode(codec.encode(vectors)) - unit(vectors)).sum(1).mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 10


def test_learning_keeps_more_neighbours_than_its_start():
    draws = np.random.default_rng(3)
    low = np.tanh(draws.normal(size=(500, 6)) @ draws.normal(size=(6, 24)))  # a bent surface, which a turn cannot see
    vectors, queries = low[:400].astype(np.float32), low[400:].astype(np.float32)
    nearest = np.argsort(-unit(queries) @ unit(vectors).T, axis=1)[:, :10]

    def found(codec, symmetric):
        codes = codec.encode(vectors)
        scores = codec.code_scores(codec.encode(queries), codes) if symmetric else codec.scores(queries, codes)
        return np.mean([len({*a} & {*b}) for a, b in zip(np.argsort(-scores, axis=1)[:, :10], nearest)])

    start = RecurrentBinary(bits=1, steps=0).fit(vectors)
    learned = RecurrentBinary(bits=1, steps=150, batch=64, learning_rate=3e-3).fit(vectors)
    for symmetric in (False, True):
        assert found(learned, symmetric) > found(start, symmetric) + 0.5


@pytest.mark.parametrize("away", [0.0, 3.0])
def test_new_codes_are_compared_with_old_ones(away):
    """A new encoder of another dimension, its vectors bent and off the origin, searches what the old one encoded."""
    old_rows, mix = rows(500), np.random.default_rng(5).normal(size=(24, 32))
    new_rows, old_queries = (np.tanh(old_rows @ mix / 4) + away).astype(np.float32), rows(60, seed=1)
    new_queries = (np.tanh(old_queries @ mix / 4) + away).astype(np.float32)
    kind = RecurrentBinary(bits=2, dim=24, **QUICK)
    old = kind.fit(old_rows)
    codes = old.encode(old_rows)
    nearest = np.argsort(-unit(old_queries) @ unit(old_rows).T, axis=1)[:, :10]

    def found(scores):
        return np.mean([len({*a} & {*b}) for a, b in zip(np.argsort(-scores, axis=1)[:, :10], nearest)])

    alone = kind.fit(new_rows)
    kept = kind.fit_compatible(new_rows, old=old, old_vectors=old_rows, made_for="new")
    assert (kept.dim, kept.code_bytes, kept.made_for, kept.similarity) == (32, old.code_bytes, "new", "cosine")
    for codec, least in ((alone, 0.0), (kept, 4.0)):
        assert found(codec.scores(new_queries, codes)) >= least
        assert found(codec.code_scores(codec.encode(new_queries), codes)) >= least
    assert found(kept.scores(new_queries, codes)) > found(alone.scores(new_queries, codes)) + 2
    new_codes = kept.encode(new_rows)
    assert found(kept.scores(new_queries, new_codes)) > 4


def test_what_cannot_be_compared_is_refused(codec):
    with pytest.raises(InputError, match=r"`old` has codes of 2 bits in 24 dimensions\. Got bits=3"):
        RecurrentBinary(bits=3).fit_compatible(rows(20), old=codec)
    with pytest.raises(InputError, match=r"`old_vectors` must be 20, one a vector\. Got 19"):
        RecurrentBinary().fit_compatible(rows(20), old=codec, old_vectors=rows(19))
    with pytest.raises(InputError, match="`weight`"):
        RecurrentBinary().fit_compatible(rows(20), old=codec, weight=-1.0)


def test_settings_out_of_range_are_named():
    for name, value in (("bits", 0), ("bits", 9), ("steps", -1), ("batch", 1), ("dim", 0), ("hidden", -1)):
        with pytest.raises(InputError, match="planes" if name == "bits" else f"`{name}`"):
            RecurrentBinary(**{name: value})
    with pytest.raises(InputError, match="at least 2 for the maps of RecurrentBinary"):
        RecurrentBinary().fit(rows(1))
