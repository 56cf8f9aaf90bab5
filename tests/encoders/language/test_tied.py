"""Heads tied to the token table: beside transformers' own, made alike by equal seeds, grown with the table."""

import pytest
import torch
from tiny_models import tiny_encoder, tiny_tokenizer
from transformers import BertForMaskedLM

from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders import StaticEncoder
from accord.encoders.heads import Dense, Normalize
from accord.encoders.language import TiedLanguageModel, TokenHead, tie_head

TEXTS = ["read a [MASK]", "the row of the list [MASK] [MASK]", "two three"]


def test_scores_are_those_of_a_bert_with_its_own_head():
    encoder = tiny_encoder()
    model = TiedLanguageModel(encoder)
    head = tie_head(encoder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        theirs = BertForMaskedLM(encoder.backbone.config).eval()
    theirs.bert.load_state_dict(encoder.backbone.state_dict(), strict=False)
    predictions = theirs.cls.predictions
    with torch.no_grad():
        for parameter in predictions.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) / 10)
        theirs.get_output_embeddings().weight = encoder.backbone.get_input_embeddings().weight
        theirs.bert.embeddings.word_embeddings.weight = encoder.backbone.get_input_embeddings().weight
        head.dense.load_state_dict(predictions.transform.dense.state_dict())
        head.norm.load_state_dict(predictions.transform.LayerNorm.state_dict())
        head.bias.copy_(predictions.bias if hasattr(predictions, "bias") else predictions.decoder.bias)
    batch = encoder.prepare(TEXTS)
    places = torch.nonzero(batch.attention_mask.flatten())[:, 0]
    wanted = theirs(batch.input_ids, attention_mask=batch.attention_mask).logits.flatten(0, 1)[places]
    torch.testing.assert_close(model.at_places(batch, places), wanted, rtol=0, atol=1e-5)
    named = model.fill(TEXTS, top=2)
    assert [len(masks) for masks in named] == [1, 2, 0] and len(named[0][0]) == 2


def test_the_table_is_shared_and_gets_its_gradient():
    encoder = tiny_encoder()
    batch = encoder.prepare(TEXTS)
    TiedLanguageModel(encoder).of_texts(batch).logsumexp(1).sum().backward()
    table = encoder.backbone.get_input_embeddings().weight
    assert (table.grad.abs().sum(1) > 0).all()
    assert not any("table" in name for name, _ in encoder.token_heads.named_parameters())


def test_equal_seeds_give_equal_heads_and_vectors_do_not_depend_on_them():
    encoder, same, other = tiny_encoder(), tiny_encoder(), tiny_encoder()
    before, vectors = encoder.fingerprint(), encoder.encode(TEXTS)
    first, second, third = tie_head(encoder), tie_head(same), tie_head(other, seed=1)
    assert torch.equal(first.dense.weight, second.dense.weight)
    assert not torch.equal(first.dense.weight, third.dense.weight)
    assert tie_head(encoder) is first
    assert encoder.fingerprint() == before
    assert (encoder.encode(TEXTS) == vectors).all()


def test_a_transform_is_there_where_it_is_needed():
    encoder = tiny_encoder()
    assert tie_head(encoder, "places").transform and not tie_head(encoder, "texts").transform
    narrow = tiny_encoder(heads=[Dense(32, 8), Normalize()])
    assert tie_head(narrow, "texts").inner == 8
    assert TiedLanguageModel(narrow).of_texts(narrow.prepare(TEXTS)).shape == (3, len(narrow.tokenizer))
    assert sorted(encoder.cut(View(layer=1)).token_heads) == ["places", "texts"]
    assert sorted(encoder.cut(View(dim=4)).token_heads) == ["places"]


def test_new_tokens_find_room():
    encoder = tiny_encoder()
    head = tie_head(encoder)
    with torch.no_grad():
        head.bias.fill_(1.0)
    encoder.add_task_tokens(["one"])
    rows = encoder.backbone.get_input_embeddings().num_embeddings
    assert tie_head(encoder) is head and len(head.bias) == rows
    assert head.bias.tolist() == [1.0] * (rows - 1) + [0.0]


def test_what_has_no_table_to_tie_to_is_refused():
    tokenizer = tiny_tokenizer()
    with pytest.raises(InputError, match="no token head can be tied"):
        tie_head(StaticEncoder(torch.ones(len(tokenizer), 2), tokenizer))
    with pytest.raises(InputError, match="`kind` must be one of places, texts"):
        tie_head(tiny_encoder(), "words")
    with pytest.raises(InputError, match="needs its transform"):
        TokenHead(8, 32, 100, transform=False)
