"""mteb takes an encoder, and its prompts in mteb's order."""

from types import SimpleNamespace

import numpy as np
import pytest
from tiny_models import tiny_encoder

from accord.core.types import View
from accord.integrations import MtebEncoder

PROMPTS = {
    "SciFact-query": "one: ",
    "SciFact": "two: ",
    "Retrieval-query": "three: ",
    "Retrieval": "four: ",
    "query": "query: ",
    "passage": "the text: ",
}
TASK = SimpleNamespace(name="SciFact", type="Retrieval")


def batches(texts):
    return [{"text": texts[:2]}, {"text": texts[2:]}]


@pytest.mark.parametrize("missing", range(6))
@pytest.mark.parametrize("role", ["query", "document", None])
def test_prompts_go_from_the_special_to_the_general(missing, role):
    left = dict(list(PROMPTS.items())[missing:])
    found = MtebEncoder(tiny_encoder(prompts=left)).prompt("SciFact", "Retrieval", role)
    own = {"query": ("SciFact-query", "SciFact", "Retrieval-query", "Retrieval", "query")}
    order = own.get(str(role), ("SciFact", "Retrieval", "passage") if role else ("SciFact", "Retrieval"))
    assert found == next((left[name] for name in order if name in left), "")


@pytest.mark.slow
def test_the_order_is_that_of_mteb():
    mteb = pytest.importorskip("mteb.models.abs_encoder")
    from mteb.types import PromptType

    for missing in range(5):
        left = dict(list(PROMPTS.items())[missing:5])
        name = mteb.get_prompt_name(left, TASK, PromptType.query)
        assert MtebEncoder(tiny_encoder(prompts=left)).prompt("SciFact", "Retrieval", "query") == left[name]


def test_queries_take_the_query_prompt(model, texts):
    host = MtebEncoder(model)
    found = host.encode(batches(texts), task_metadata=TASK, hf_split="test", hf_subset="default", prompt_type="query")
    assert np.array_equal(found, model.encode_query(texts))
    assert np.abs(found - model.encode(texts)).max() > 0.05
    found = host.encode(batches(texts), task_metadata=TASK, prompt_type="document", batch_size=2)
    assert np.array_equal(found, model.encode_document(texts))


def test_texts_without_a_role_take_the_default_prompt(texts):
    model = tiny_encoder(prompts={"text": "text: "}, default_prompt_name="text")
    found = MtebEncoder(model).encode(batches(texts), task_metadata=TASK)
    assert np.array_equal(found, model.encode(texts))


def test_prompts_may_be_given(model, texts):
    host = MtebEncoder(model, prompts={"Retrieval": "list: "})
    found = host.encode(batches(texts), task_metadata=TASK, prompt_type="query")
    assert np.array_equal(found, model.encode(texts, prompt="list: "))


@pytest.mark.slow
def test_mteb_accepts_it(model):
    protocols = pytest.importorskip("mteb.models.models_protocols")
    from mteb.types import PromptType

    host = MtebEncoder(model, training_datasets=set())
    assert isinstance(host, protocols.EncoderProtocol)
    meta = host.mteb_model_meta
    assert (meta.name, meta.revision) == ("accord/TextEncoder", model.fingerprint())
    assert (meta.embed_dim, meta.max_tokens, meta.use_instructions) == (32, 64, True)
    assert meta.training_datasets == set()
    found = host.encode([{"text": ["a"]}], task_metadata=TASK, prompt_type=PromptType.query)
    assert np.array_equal(found, model.encode_query(["a"]))


def test_similarity_is_the_model_s_own(model, texts):
    host = MtebEncoder(model)
    vectors = model.encode(texts)
    np.testing.assert_allclose(host.similarity(vectors, vectors), vectors @ vectors.T, atol=1e-6)
    np.testing.assert_allclose(host.similarity_pairwise(vectors, vectors), np.ones(3), atol=1e-6)


def test_other_weights_are_another_revision(tmp_path):
    for seed, view in ((0, View()), (1, View())):
        tiny_encoder(seed=seed).cut(view).save(tmp_path / "m")
        host = MtebEncoder(tmp_path / "m", device="cpu")
        assert host.revision == tiny_encoder(seed=seed).fingerprint()
        assert host.name.endswith("/m")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mteb_runs_a_task_with_it(model):
    """A clustering task made on the spot, so that nothing is fetched."""
    mteb = pytest.importorskip("mteb")
    datasets = pytest.importorskip("datasets")
    from mteb.abstasks.sts import AbsTaskSTS
    from mteb.abstasks.task_metadata import TaskMetadata

    class Tiny(AbsTaskSTS):
        metadata = TaskMetadata(
            name="TinySTS", description="Three pairs.", reference=None, type="STS", category="t2t", modalities=["text"],
            eval_splits=["test"], eval_langs=["eng-Latn"], main_score="cosine_spearman",
            dataset={"path": "none/none", "revision": "1"}, date=("2026-01-01", "2026-01-02"), domains=[],
            task_subtypes=[], license="mit", annotations_creators="derived", dialect=[], sample_creation="created",
            bibtex_citation="",
        )  # fmt: skip

        def load_data(self, **kwargs):
            rows = {"sentence1": ["a", "b", "c"], "sentence2": ["a", "the b", "x y"], "score": [1.0, 0.5, 0.0]}
            self.dataset = datasets.DatasetDict(test=datasets.Dataset.from_dict(rows))
            self.data_loaded = True

    found = mteb.evaluate(MtebEncoder(model), Tiny(), cache=None, co2_tracker=False)
    vectors = [model.encode(texts) for texts in (["a", "b", "c"], ["a", "the b", "x y"])]
    scores = model.similarity_pairwise(*vectors)
    wanted = np.corrcoef(np.argsort(np.argsort(scores)), [2, 1, 0])[0, 1]
    assert found.task_results[0].scores["test"][0]["cosine_spearman"] == pytest.approx(wanted)
