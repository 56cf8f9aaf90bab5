"""Students of layers: which layers, what stays, and what other libraries see."""

import numpy as np
import pytest
import torch
from tiny_models import family_backbone, family_tokenizer, tiny_encoder

from accord.compression.distil.layer_student import layer_student, spread_layers
from accord.compression.distil.target_space import principal_axes
from accord.core.errors import InputError
from accord.encoders import TextEncoder, load
from accord.encoders.heads import Normalize
from accord.encoders.layer_mix import LayerMix
from accord.encoders.pooling import Mean

TEXTS = ["read the file", "sort two rows", "a name is in the list", ""]


@pytest.mark.parametrize("depth", range(1, 14))
def test_layers_are_spread_evenly_and_hold_both_ends(depth):
    for layers in range(2, depth + 1):
        kept = spread_layers(depth, layers)
        gaps = np.diff(kept)
        assert kept[0] == 0
        assert kept[-1] == depth - 1
        assert len(kept) == layers
        assert gaps.min() >= 1
        assert gaps.max() - gaps.min() <= 1
    assert spread_layers(depth, depth) == list(range(depth))


@pytest.mark.parametrize("layers", [0, 7])
def test_layers_that_are_not_there_are_refused(layers):
    with pytest.raises(InputError, match="layers"):
        spread_layers(6, layers)


def test_a_student_of_layers_computes_what_those_layers_compute():
    teacher = tiny_encoder(layers=3)
    before = teacher.fingerprint()
    student = layer_student(teacher, 2)
    assert (student.num_layers, student.dim) == (2, 32)
    batch = teacher.prepare(TEXTS)
    with torch.no_grad():
        hidden = teacher.backbone.embeddings(batch.input_ids)
        seen = batch.attention_mask[:, None, None, :].bool()
        mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
        for number in (0, 2):
            found = teacher.backbone.encoder.layer[number](hidden, mask)
            hidden = found[0] if isinstance(found, tuple) else found
        expected = teacher.project(teacher.pool(hidden, batch.attention_mask)).numpy()
    np.testing.assert_allclose(student.encode(TEXTS), expected, atol=1e-5)
    assert teacher.fingerprint() == before
    np.testing.assert_array_equal(layer_student(teacher, 3).encode(TEXTS), teacher.encode(TEXTS))


def test_axes_become_a_dense_before_the_normalisation(tmp_path):
    teacher = tiny_encoder(layers=2, prompts={"query": "query "})
    vectors = teacher.encode(TEXTS)
    axes = principal_axes(vectors, 5)
    student = layer_student(teacher, 2, axes=axes)
    assert student.dim == 5
    expected = vectors @ axes
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(student.encode(TEXTS), expected, atol=1e-5)
    student.save(tmp_path / "student")
    again = load(tmp_path / "student")
    assert again.prompts == teacher.prompts
    np.testing.assert_allclose(again.encode(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("family", ["distilbert", "modernbert", "gemma2"])
def test_layers_of_other_families_keep_their_kind(family, tmp_path):
    backbone, tokenizer = family_backbone(family), family_tokenizer(family)
    teacher = TextEncoder(backbone, tokenizer, [Mean()], [Normalize()], max_length=32).eval()
    kinds = list(getattr(backbone.config, "layer_types", None) or [])
    student = layer_student(teacher, 2)
    assert student.num_layers == 2
    if kinds:
        assert list(student.backbone.config.layer_types) == [kinds[0], kinds[2]]
    student.save(tmp_path / "student")
    np.testing.assert_allclose(load(tmp_path / "student").encode(TEXTS), student.encode(TEXTS), atol=1e-5)


def test_a_teacher_that_averages_its_layers_is_refused():
    teacher = tiny_encoder(layers=2)
    teacher.layer_mix = LayerMix(2, start=1)
    with pytest.raises(InputError, match="averages all its layers"):
        layer_student(teacher, 1)
