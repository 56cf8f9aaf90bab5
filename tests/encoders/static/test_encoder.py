"""Static encoders: the mean of token vectors, by the same calls as any other encoder."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_tokenizer

from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders.heads import Dense, Normalize
from accord.encoders.static import StaticEncoder, TokenTable

PROMPTS = {"query": "query: ", "document": "the document: "}


@pytest.mark.parametrize("skip_unknown", [True, False])
def test_vectors_are_the_means_of_token_vectors(make, texts, oracle, skip_unknown):
    encoder = make(skip_unknown=skip_unknown)
    found = encoder.encode(texts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, oracle(encoder, texts), atol=1e-6)
    assert not found[1].any()  # no token, no direction


def test_without_heads_lengths_are_kept(texts, oracle):
    tokenizer = tiny_tokenizer()
    table = torch.randn(len(tokenizer), 8, generator=torch.Generator().manual_seed(1))
    encoder = StaticEncoder(table, tokenizer)
    np.testing.assert_allclose(encoder.encode(texts), oracle(encoder, texts), atol=1e-6)
    assert not encoder.normalizes


def test_vectors_depend_neither_on_order_nor_on_company(make, texts):
    encoder = make()
    together = encoder.encode(texts, batch_tokens=7)
    np.testing.assert_allclose(together, [encoder.encode(text) for text in texts], atol=1e-6)
    np.testing.assert_allclose(together[::-1], encoder.encode(texts[::-1]), atol=1e-6)


def test_prompts_by_name_and_role(make, texts, oracle):
    encoder = make(prompts=PROMPTS, default_prompt_name="document")
    np.testing.assert_allclose(encoder.encode_query(texts), oracle(encoder, texts, prompt="query: "), atol=1e-6)
    assert np.array_equal(encoder.encode(texts), encoder.encode_document(texts))
    assert np.abs(encoder.encode_query(texts) - encoder.encode(texts, prompt="")).max() > 0.01
    with pytest.raises(InputError, match="Did you mean `query`"):
        encoder.encode(texts, prompt_name="queri")


def test_nothing_is_cut_unless_asked(make, texts, oracle, caplog):
    encoder = make()
    assert encoder.max_length is None
    encoder.encode(texts)
    assert not caplog.records
    encoder.max_length = 3
    np.testing.assert_allclose(encoder.encode(texts), oracle(encoder, texts, limit=3), atol=1e-6)
    assert "longer than max_length = 3" in caplog.text


def test_views_and_cuts_agree(make, texts):
    encoder = make()
    view = View(dim=5)
    found = encoder.encode(texts, view=view)
    assert found.shape == (len(texts), 5)
    np.testing.assert_allclose(encoder.cut(view).encode(texts), found, atol=1e-6)
    lengths = np.linalg.norm(found, axis=1)
    np.testing.assert_allclose(lengths[lengths > 0], 1, atol=1e-6)
    dense = make(Dense(16, 12, activation="tanh"), Normalize())
    np.testing.assert_allclose(dense.cut(view).encode(texts), dense.encode(texts, view=view), atol=1e-6)
    assert (dense.dim, dense.cut(view).dim) == (12, 5)


def test_a_file_of_vectors(make, texts, tmp_path):
    encoder = make()
    found = encoder.encode(texts, out=tmp_path / "v.npy")
    assert np.array_equal(found, encoder.encode(texts))


def test_gradients_reach_the_rows_that_were_read(make):
    encoder = make()
    encoder(encoder.prepare(["read file", "file"])).pooled[View()].sum().backward()
    moved = encoder.backbone.embeddings.grad.abs().sum(dim=1) > 0
    wanted = {encoder.tokenizer.token_to_id(word) for word in ("read", "file")}
    assert set(torch.nonzero(moved).flatten().tolist()) == wanted


def test_fingerprint_sees_what_decides_the_vectors(make):
    known = {
        make().fingerprint(),
        make(seed=1).fingerprint(),
        make(max_length=9).fingerprint(),
        make(skip_unknown=False).fingerprint(),
        make(prompts=PROMPTS).fingerprint(),
    }
    assert len(known) == 5
    assert make().fingerprint() in known


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": torch.zeros(3, 4)}, "does not fit the table"),
        ({"backbone": torch.zeros(7)}, r"must be \(rows, dim\)"),
        ({"tokenizer": "bert"}, "`tokenizer` must be"),
        ({"max_length": 0}, "`max_length` must be at least 1"),
        ({"stored": "int4"}, "`stored` must be one of"),
        ({"default_prompt_name": "query"}, "`prompt_name` must be one of"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    tokenizer = tiny_tokenizer()
    given = {"backbone": torch.zeros(len(tokenizer), 4), "tokenizer": tokenizer}
    with pytest.raises(InputError, match=message):
        StaticEncoder(**given | change)


def test_bad_texts_and_views_are_refused(make):
    encoder = make()
    with pytest.raises(InputError, match="position 1"):
        encoder.encode(["a", 3])
    with pytest.raises(InputError, match="not valid Unicode"):
        encoder.encode(["a", "\ud800"])
    with pytest.raises(InputError, match="no layers"):
        encoder.encode("a", view=View(layer=1))
    with pytest.raises(InputError, match=r"\[1, 16\]"):
        encoder.encode("a", view=View(dim=17))


def test_a_shared_row_and_weights(texts, oracle):
    tokenizer = tiny_tokenizer()
    g = torch.Generator().manual_seed(2)
    mapping = torch.randint(5, (len(tokenizer),), generator=g)
    weights = torch.rand(len(tokenizer), generator=g)
    table = TokenTable(torch.randn(5, 6, generator=g), weights=weights, mapping=mapping)
    encoder = StaticEncoder(table, tokenizer)
    np.testing.assert_allclose(encoder.encode(texts), oracle(encoder, texts), atol=1e-6)
