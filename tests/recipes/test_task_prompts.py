"""Prompts and tokens by task, and the switch of attention, from a recipe to the saved model."""

import numpy as np
import pytest
from tiny_models import family_folder

from accord.core.errors import InputError, RecipeError
from accord.encoders import load
from accord.encoders.attention import attention_direction
from accord.recipes.fit import fit
from accord.recipes.plan import plan
from accord.recipes.prepare import prepare

SHORT = {"train.steps": 2, "train.checkpoint_every": 10, "evaluate.baselines": ["base"], "index": None}
PROMPTS = {"tasks.faq.prompts": {"query": "query: "}}


def test_each_task_has_its_token_in_front_of_its_prompts(job):
    tasks = prepare(job.replace({"encoder.task_tokens": True, **PROMPTS})).tasks
    assert tasks["faq"].prompt_texts == ("[task:faq] query: ", "[task:faq] ")
    assert tasks["topic"].prompts == ("topic-query", "topic-document")
    plain = prepare(job.replace(PROMPTS)).tasks
    assert plain["faq"].prompts == ("faq-query", None)
    assert plain["topic"].prompts == (None, None)


@pytest.mark.slow
def test_a_run_with_task_tokens(job, tmp_path):
    run = fit(job.replace({"encoder.task_tokens": True, **SHORT, **PROMPTS}), out=tmp_path / "run")
    model, base = run.model, load(job.spec.encoder.model, device="cpu")
    assert model.prompts == {
        **{name: f"[task:{name}] " for name in ("faq", "topic")},
        **{f"{name}-document": f"[task:{name}] " for name in ("faq", "topic")},
        "faq-query": "[task:faq] query: ",
        "topic-query": "[task:topic] ",
    }
    rows = model.backbone.get_input_embeddings().weight.detach()
    assert len(rows) == len(base.backbone.get_input_embeddings().weight) + 2
    assert (rows[-1] - rows[-2]).abs().max() > 0
    texts = ["read the file", "sort the list"]
    np.testing.assert_array_equal(model.encode_query(texts, task="faq"), model.encode(texts, prompt_name="faq-query"))


def test_a_name_that_no_token_can_carry_is_found_by_plan(job):
    value = job.resolved()
    recipe = job.replace({"tasks": {"a[b]": value["tasks"]["faq"]}, "encoder.task_tokens": True, "index": None})
    with pytest.raises(InputError, match="task token"):
        prepare(recipe)
    assert "task token" in plan(recipe).problems[0]


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["bidirectional", None])
def test_a_run_with_a_decoder(job, tmp_path, attention):
    folder = family_folder(tmp_path / "decoder", "qwen3")
    change = {"encoder": {"model": str(folder), "max_length": 24, "attention": attention}}
    recipe = job.replace({**SHORT, **change})
    assert not plan(recipe).problems
    run = fit(recipe, out=tmp_path / "run")
    assert attention_direction(run.model) == (attention or "causal")


@pytest.mark.parametrize("change", [{"encoder.attention": "causal"}, {"encoder.task_tokens": True}], ids=str)
def test_what_a_cross_encoder_does_not_have_is_refused(job, change):
    with pytest.raises(RecipeError, match="are of encoders"):
        job.replace({"encoder.kind": "cross-encoder", **change})


def test_another_word_for_attention_is_refused(job):
    with pytest.raises(RecipeError, match=r"encoder\.attention"):
        job.replace({"encoder.attention": "both"})


def test_plan_reads_the_sizes_of_other_families(job, tmp_path):
    folder = family_folder(tmp_path / "m", "distilbert")
    assert not plan(job.replace({"encoder.model": str(folder)})).problems
