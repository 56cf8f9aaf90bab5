"""What `fit` leaves beside a trained model: its card, and its adapter."""

import numpy as np
import pytest

import accord
from accord.core.errors import InputError
from accord.encoders.adapters import load_adapter


def test_each_model_of_a_run_has_a_card_of_its_own(finished):
    joint = (finished / "model" / "README.md").read_text()
    alone = (finished / "models" / "single-faq" / "README.md").read_text()
    results = accord.open_run(finished).results
    value = next(s for s in results.scores if s.model == "joint" and s.metric == "nDCG@10")
    assert f"| faq | nDCG@10 | **joint** | {value.score:.4f} | {value.ci[0]:.4f} to {value.ci[1]:.4f} |" in joint
    assert "# A text encoder for faq, topic" in joint
    assert "# A text encoder for faq\n" in alone
    assert "| topic |" not in alone
    assert results.data_hashes["faq.train"] in joint
    assert results.data_hashes["topic.train"] not in alone
    assert accord.doctor(finished).passed


@pytest.mark.slow
def test_an_adapter_is_kept_and_the_model_is_the_folded_one(job, tiny_folder, tmp_path):
    recipe = job.replace({"train.adapter": {"LoRA": {"rank": 4}}, "evaluate.baselines": ["base"], "train.steps": 4})
    run = accord.fit(recipe, out=tmp_path / "run")
    texts = ["read the file", "sort a list"]
    base = accord.load(str(tiny_folder), max_length=16)
    before = base.encode(texts)
    adapter = load_adapter(base, tmp_path / "run" / "adapters" / "joint")
    np.testing.assert_allclose(base.encode(texts), run.model.encode(texts), atol=1e-6)
    assert np.abs(run.model.encode(texts) - before).max() > 1e-4
    assert adapter.rank == 4
    assert accord.doctor(run.path).passed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train.adapter": {"LoRA": {"rank": 0}}}, "train.adapter.LoRA: `rank` must be at least 1"),
        ({"train.adapter": "Lora"}, "unknown name `Lora`"),
        ({"train.adapter": "LoRA", "encoder.task_tokens": True}, "untrained"),
    ],
)
def test_a_recipe_with_an_impossible_adapter_is_refused(job, change, message):
    with pytest.raises(InputError, match=message):
        problems = accord.plan(job.replace(change)).problems
        raise InputError(problems[0])


def test_targets_that_the_model_lacks_are_said_before_anything_is_measured(job, tmp_path):
    recipe = job.replace({"train.adapter": {"LoRA": {"targets": ["q_proj"]}}})
    with pytest.raises(InputError, match="must name linear layers of this BertModel"):
        accord.fit(recipe, out=tmp_path / "run")
    assert not (tmp_path / "run" / "steps.jsonl").exists()
