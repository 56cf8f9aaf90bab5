"""TextEncoder: views, prompts, training, batches."""

import copy

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder

from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders.encode import encode_few
from accord.encoders.heads import Dense, Normalize


@pytest.mark.parametrize("heads", [[], [Normalize()], [Dense(32, 16), Normalize()]])
@pytest.mark.parametrize(
    "view", [View(), View(layer=3), View(layer=1), View(dim=8), View(layer=2, dim=4), View(layer=0)]
)
def test_a_view_equals_the_model_cut_there(view, heads, texts):
    encoder = tiny_encoder(heads=copy.deepcopy(heads))
    with torch.no_grad():
        found = encoder(encoder.prepare(texts), (View(), view)).pooled[view].numpy()
    cut = encoder.cut(view)
    assert found.shape == (len(texts), cut.dim)
    np.testing.assert_allclose(found, encode_few(cut, texts), atol=1e-6)


def test_a_cut_model_saves_and_loads_there(tmp_path, texts):
    from sentence_transformers import SentenceTransformer

    cut = tiny_encoder().cut(View(layer=2, dim=8))
    cut.save(tmp_path / "m")
    found = SentenceTransformer(str(tmp_path / "m"), device="cpu").encode(texts)
    np.testing.assert_allclose(found, cut.encode(texts), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_hidden_states_are_asked_for_only_by_a_view_that_needs_them(tiny, texts, monkeypatch):
    asked = []
    forward = tiny.backbone.forward
    monkeypatch.setattr(tiny.backbone, "forward", lambda **k: asked.append("output_hidden_states" in k) or forward(**k))
    batch = tiny.prepare(texts)
    tiny(batch)
    tiny(batch, (View(dim=4), View(layer=3)))
    tiny(batch, (View(layer=2),))
    assert asked == [False, False, True]


def test_views_that_do_not_exist_are_refused(tiny):
    for view in (View(layer=4), View(layer=-1), View(dim=0), View(dim=33), View(aspect="title")):
        with pytest.raises(InputError):
            tiny.encode(["a"], view=view)


def test_gradients_reach_the_token_table_and_dropout_is_on_in_training(tiny, texts):
    tiny.train()
    batch = tiny.prepare(texts)
    first, second = (tiny(batch).pooled[View()] for _ in range(2))
    assert not torch.equal(first, second)
    first.sum().backward()
    assert tiny.backbone.embeddings.word_embeddings.weight.grad.abs().sum() > 0


def test_collate_pads_to_the_longest_of_its_rows(tiny):
    tokens = tiny.tokenize(["one two three four", "one", "one two"])
    batch = tiny.collate(tokens.ids, np.array([1, 2]))
    assert batch.input_ids.shape == (2, 4)
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch.input_ids[0, 3] == tiny.tokenizer.pad_token_id
    assert len(batch.to("cpu")) == 2


def test_prompts_by_name_by_text_and_by_default(texts):
    prompts = {"query": "query: ", "passage": "the document: "}
    encoder = tiny_encoder(prompts=prompts, default_prompt_name="query")
    bare = tiny_encoder()
    asked, kept = (bare.encode([prompt + text for text in texts]) for prompt in prompts.values())
    for found in (encoder.encode(texts), encoder.encode_query(texts), encoder.encode(texts, prompt="query: ")):
        np.testing.assert_allclose(found, asked, atol=1e-6)
    np.testing.assert_allclose(encoder.encode_document(texts), kept, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(texts, prompt=""), bare.encode(texts), atol=1e-6)
    with pytest.raises(InputError, match="one of this model's prompts"):
        tiny_encoder(default_prompt_name="query")


def test_prompts_per_task_and_role(texts):
    prompts = {
        "query": "query: ",
        "passage": "the text: ",
        "code-query": "find code: ",
        "code-document": "code: ",
        "faq": "one two ",
        "name-query": "name: ",
    }
    encoder = tiny_encoder(prompts=prompts)
    for task, query, document in (
        (None, "query: ", "the text: "),
        ("code", "find code: ", "code: "),
        ("faq", "one two ", "one two "),
        ("name", "name: ", "the text: "),
    ):
        assert encoder.role_prompt("query", task=task) == query
        assert encoder.role_prompt("document", task=task) == document
        np.testing.assert_array_equal(encoder.encode_query(texts, task=task), encoder.encode(texts, prompt=query))
        np.testing.assert_array_equal(encoder.encode_document(texts, task=task), encoder.encode(texts, prompt=document))
    assert encoder.role_prompt("query", "faq", task="code") == "one two "
    with pytest.raises(InputError, match=r"prompts for \(code, faq, name\)\. Got 'cod' instead.*code"):
        encoder.encode_query(texts, task="cod")
    with pytest.raises(InputError, match=r"prompts for \(none\)"):
        tiny_encoder().encode_document(texts, task="code")


def test_a_prompt_that_fills_the_maximum_length_is_refused():
    encoder = tiny_encoder(max_length=8)
    with pytest.raises(InputError, match="no room"):
        encoder.encode(["a"], prompt="one two three four five six seven ")


def test_similarities(tiny, texts):
    vectors = tiny.encode(texts)
    scores = tiny.similarity(vectors, vectors)
    torch.testing.assert_close(scores.diagonal(), torch.ones(len(texts)))
    torch.testing.assert_close(tiny.similarity_pairwise(vectors, vectors), scores.diagonal())
    assert tiny.similarity(vectors[0], vectors).shape == (1, len(texts))


def test_names_that_users_of_sentence_transformers_expect(tiny):
    assert tiny.get_sentence_embedding_dimension() == tiny.get_embedding_dimension() == tiny.dim == 32
    tiny.max_seq_length = 16
    assert tiny.max_length == tiny.max_seq_length == 16
    assert max(tiny.tokenize(["one " * 50]).ids.lengths) == 16


def test_a_copy_is_independent(tiny, texts):
    wanted = tiny.encode(texts * 40)
    twin = copy.deepcopy(tiny)
    with torch.no_grad():
        twin.backbone.embeddings.word_embeddings.weight.mul_(0.5)
    assert np.array_equal(tiny.encode(texts * 40), wanted)
    assert not np.array_equal(twin.encode(texts * 40), wanted)
