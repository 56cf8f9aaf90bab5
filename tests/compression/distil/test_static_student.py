"""Students that are tables: each token as the teacher reads it, its weight, and what is saved."""

import numpy as np
import pytest
from tiny_models import family_backbone, family_tokenizer, tiny_encoder

from accord.compression.distil.static_student import frequency_weights, static_student, token_vectors, zipf_counts
from accord.compression.distil.target_space import principal_axes
from accord.core.errors import InputError
from accord.encoders import StaticEncoder, TextEncoder, load
from accord.encoders.heads import Normalize
from accord.encoders.pooling import Mean

TEXTS = ["read the file", "sort two rows", "the name of the list"]


@pytest.fixture(scope="module")
def teacher():
    return tiny_encoder(layers=2, prompts={"query": "query "})


@pytest.fixture(scope="module")
def table(teacher):
    return token_vectors(teacher, precision="float32")


def test_each_row_is_the_vector_of_its_token_read_alone(teacher, table):
    vocabulary = teacher.tokenizer.get_vocab()
    assert table.shape == (len(vocabulary), 32)
    words = ["file", "row", "name", "7", "?"]
    np.testing.assert_allclose(table[[vocabulary[w] for w in words]], teacher.encode(words), atol=1e-5)
    apart = np.abs(table[vocabulary["##e"]] - table[vocabulary["e"]]).max()
    assert apart > 0.01  # by its number, not by its letters


@pytest.mark.parametrize("family", ["roberta", "qwen2", "llama"])
def test_special_tokens_stand_around_each_token(family):
    backbone, tokenizer = family_backbone(family), family_tokenizer(family)
    teacher = TextEncoder(backbone, tokenizer, [Mean()], [Normalize()], max_length=32).eval()
    rows = token_vectors(teacher, precision="float32")
    letters = ["a", "x", "7"]
    numbers = [tokenizer.get_vocab()[letter] for letter in letters]
    np.testing.assert_allclose(rows[numbers], teacher.encode(letters), atol=1e-5)


def test_the_student_is_the_weighted_mean_of_its_tokens(teacher, table):
    student = static_student(teacher, table, texts=TEXTS)
    ids = [student.tokenize([text]).ids[0] for text in TEXTS]
    weights = frequency_weights(np.bincount(np.concatenate(ids), minlength=len(table)))
    expected = np.stack([(weights[row, None] * table[row]).mean(0) for row in ids])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(student.encode(TEXTS), expected, atol=1e-5)
    assert student.max_length is None
    assert student.prompts == teacher.prompts


def test_fewer_dimensions_by_axes(teacher, table, tmp_path):
    axes = principal_axes(teacher.encode(TEXTS), 3)
    student = static_student(teacher, table, axes=axes)
    assert student.dim == 3
    weights = frequency_weights(zipf_counts(len(table)))
    np.testing.assert_allclose(student.backbone.embeddings.detach()[5:], (weights[:, None] * (table @ axes))[5:],
                               atol=1e-6)  # fmt: skip
    student.save(tmp_path / "student")
    np.testing.assert_allclose(load(tmp_path / "student").encode(TEXTS), student.encode(TEXTS), atol=1e-6)


def test_a_static_teacher_gives_its_own_table(teacher, table):
    first = static_student(teacher, table)
    again = token_vectors(first, precision="float32")
    assert isinstance(first, StaticEncoder)
    rows = first.backbone.embeddings.detach().numpy()
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    np.testing.assert_allclose(again, rows, atol=1e-5)


def test_weights_fall_with_frequency():
    weights = frequency_weights(np.array([0, 1, 10, 100]), a=0.01)
    assert weights[0] == 1.0
    assert (np.diff(weights) < 0).all()
    np.testing.assert_allclose(weights[2], 0.01 / (0.01 + 10 / 111))
    assert frequency_weights(np.zeros(3)).tolist() == [1, 1, 1]
    assert zipf_counts(3).tolist() == [1.0, 0.5, 1 / 3]
    with pytest.raises(InputError, match="`a`"):
        frequency_weights(np.ones(2), a=0)
