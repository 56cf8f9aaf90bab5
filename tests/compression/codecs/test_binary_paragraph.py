"""Bits are learned from words: what they predict, and that they then tell topics apart better than signs do."""

import math

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from accord.compression.codecs import BinaryParagraph
from accord.compression.codecs.binary_paragraph import balanced_bits, word_bits, word_loss
from accord.core.errors import InputError


def plain_loss(vectors, words, away, offset, table, common):
    """One text and one word at a time."""
    found = []
    for vector, counts in zip(vectors, words):
        bits = [1 if sum(w * x for w, x in zip(row, vector)) + o > 0 else -1 for row, o in zip(away, offset)]
        logits = [sum(u * b for u, b in zip(row, bits)) + c for row, c in zip(table, common)]
        total = math.log(sum(math.exp(value) for value in logits))
        if sum(counts):
            found.append(-sum(n * (value - total) for n, value in zip(counts, logits)) / sum(counts))
    return sum(found) / len(found)


def test_the_loss_is_that_of_a_plain_loop():
    draws = np.random.default_rng(0)
    parts = [draws.normal(size=shape) for shape in ((6, 4), (3, 4), (3,), (5, 3), (5,))]
    words = draws.integers(3, size=(6, 5)).astype(float)
    words[2] = 0
    vectors, *weights = parts
    found = word_loss(torch.tensor(vectors), torch.tensor(words), *map(torch.tensor, weights))
    assert found.item() == pytest.approx(plain_loss(vectors.tolist(), words.tolist(), *(w.tolist() for w in weights)))


def test_gradients_pass_the_rounding():
    draws = torch.Generator().manual_seed(0)
    weights = [torch.randn(*shape, generator=draws).requires_grad_() for shape in ((3, 4), (3,), (5, 3), (5,))]
    word_loss(torch.randn(6, 4, generator=draws), torch.ones(6, 5).tril(), *weights).backward()
    assert all(weight.grad.abs().sum() > 0 for weight in weights)


def test_the_start_puts_half_of_the_vectors_on_either_side():
    vectors = np.random.default_rng(0).normal(size=(101, 8)).astype(np.float32) + 1
    away, offset = balanced_bits(vectors, 20, seed=0)
    values = vectors @ away.T + offset
    assert (np.abs((values > 1e-5).sum(axis=0) - 50) <= 1).all()
    assert values.std(axis=0).mean() == pytest.approx(1.0, abs=0.01)


@pytest.fixture(scope="module")
def topics():
    """Texts of eight topics that their words tell; most of what vectors say is something else."""
    draws = np.random.default_rng(0)
    topic = draws.integers(8, size=600)
    vectors = np.hstack(
        [0.7 * np.eye(8)[topic] + 0.1 * draws.normal(size=(600, 8)), draws.normal(size=(600, 24)) * 0.5]
    )
    likely = draws.dirichlet(np.full(60, 0.1), size=8)
    words = np.array([draws.multinomial(30, likely[each]) for each in topic])
    return vectors.astype(np.float32), words, topic


def precision(codec, vectors, topic):
    codes = codec.encode(vectors)
    scores = codec.code_scores(codes[500:], codes[:500])
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    return (topic[nearest] == topic[500:, None]).mean()


def test_bits_learn_from_words_what_texts_are_about(topics):
    vectors, words, topic = topics
    start = BinaryParagraph(bits=16, steps=0).fit(vectors, words=words)
    learned = BinaryParagraph(bits=16, steps=200, batch=64, learning_rate=1e-2).fit(vectors, words=csr_matrix(words))
    assert learned.code_bytes == 2
    assert precision(learned, vectors, topic) > precision(start, vectors, topic) + 0.2


def test_scores_are_shares_of_equal_bits_and_products_with_what_bits_stand_for(topics):
    vectors, words, _ = topics
    codec = BinaryParagraph(bits=20, steps=5).fit(vectors, words=words)
    codes = codec.encode(vectors[:30])
    bits = np.unpackbits(codes, axis=1, count=20, bitorder="little").astype(int)
    equal = (bits[:5, None] == bits[None]).mean(axis=2)
    np.testing.assert_allclose(codec.code_scores(codes[:5], codes), 2 * equal - 1, atol=1e-6)
    units = vectors[:5] / np.linalg.norm(vectors[:5], axis=1, keepdims=True)
    np.testing.assert_allclose(codec.scores(vectors[:5], codes), units @ codec.decode(codes).T, atol=1e-5)


def test_learning_is_a_function_of_its_seed(topics):
    vectors, words, _ = topics
    units = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[:100]
    given = {"bits": 8, "steps": 5, "batch": 16, "learning_rate": 1e-2}
    first, again, other = (word_bits(units, csr_matrix(words[:100]), seed=seed, **given) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


def test_words_that_do_not_fit_are_refused(topics):
    vectors, words, _ = topics
    for given, message in (
        (None, r"pass `words=word_counts\(texts\)`"),
        (words[:5], r"`words` must be \(600, words\), one row a vector\. Got \(5, 60\)"),
        (-words, "`words` must be counts"),
    ):
        with pytest.raises(InputError, match=message):
            BinaryParagraph().fit(vectors, words=given)
    for name, value in (("bits", 0), ("steps", -1), ("batch", 0), ("learning_rate", 0.0)):
        with pytest.raises(InputError, match=f"`{name}`"):
            BinaryParagraph(**{name: value})
