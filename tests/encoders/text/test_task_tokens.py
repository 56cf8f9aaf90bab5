"""Task tokens: new rows only, prompts under the tasks' names, learned, and equal in sentence-transformers."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tiny_models import family_backbone, family_folder, family_tokenizer, tiny_encoder

from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders import TextEncoder, load
from accord.encoders.heads import Normalize
from accord.encoders.pooling import Last, Mean
from accord.encoders.task_names import task_prompt, task_token

NAMES = ("code", "faq pages")
FAMILIES = ("mpnet", "xlm-roberta", "modernbert", "qwen3", "gemma3_text")


def table(encoder):
    return encoder.backbone.get_input_embeddings().weight.detach().clone()


def test_the_old_rows_stay_and_the_new_ones_start_at_the_mean():
    encoder = tiny_encoder()
    before, state = table(encoder), torch.random.get_rng_state()
    assert encoder.add_task_tokens(NAMES) == {"code": "[task:code] ", "faq pages": "[task:faq pages] "}
    after = table(encoder)
    assert len(after) == len(before) + 2
    assert torch.equal(after[: len(before)], before)
    torch.testing.assert_close(after[len(before) :], before.mean(0).expand(2, -1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert encoder.backbone.config.vocab_size == len(after)
    encoder.add_task_tokens(["code"])
    assert torch.equal(table(encoder), after)


def test_a_row_may_start_at_the_words_of_its_name():
    encoder = tiny_encoder()
    before = table(encoder)
    encoder.add_task_tokens(["read file"], init="name")
    rows = [encoder.tokenizer.convert_tokens_to_ids(word) for word in ("read", "file")]
    torch.testing.assert_close(table(encoder)[-1], before[rows].mean(0))


def test_a_table_with_room_keeps_its_size():
    encoder = TextEncoder(family_backbone("qwen3", vocab_size=320), family_tokenizer("qwen3"), [Last()], max_length=32)
    encoder.add_task_tokens(NAMES)
    assert len(table(encoder)) == 320
    torch.testing.assert_close(table(encoder)[257], table(encoder)[:257].mean(0))


def test_the_token_is_one_id_in_front_of_the_text():
    encoder = tiny_encoder()
    encoder.add_task_tokens(NAMES)
    bare, led = (encoder.tokenize(["Read a file"], prompt=p).ids[0].tolist() for p in ("", "[task:faq pages] "))
    assert led == [bare[0], encoder.tokenizer.convert_tokens_to_ids("[task:faq pages]"), *bare[1:]]
    assert encoder.tokenize(["a"], prompt="[task:code] ").prompt_tokens == 2


@pytest.mark.parametrize("family", [f if f in {"mpnet", "qwen3"} else pytest.param(f, marks=pytest.mark.slow)
                                    for f in FAMILIES])  # fmt: skip
@pytest.mark.parametrize("include_prompt", [True, False])
def test_saved_and_loaded_it_is_the_same_here_and_in_sentence_transformers(tmp_path, texts, family, include_prompt):
    backbone, tokenizer = family_backbone(family), family_tokenizer(family)
    poolings = [Mean(), Last()]
    encoder = TextEncoder(
        backbone, tokenizer, poolings, [Normalize()], max_length=48, include_prompt=include_prompt
    ).eval()
    texts = [text for text in texts if text]
    plain, before = encoder.encode(texts), encoder.fingerprint()
    encoder.add_task_tokens(NAMES)
    backbone.get_input_embeddings().weight.data[-1] += 1.0
    assert encoder.fingerprint() != before
    np.testing.assert_allclose(encoder.encode(texts), plain, atol=1e-6)
    encoder.save(tmp_path / "m")
    again, theirs = load(tmp_path / "m", device="cpu"), SentenceTransformer(str(tmp_path / "m"), device="cpu")
    assert again.fingerprint() == encoder.fingerprint()
    for name in NAMES:
        found = encoder.encode(texts, prompt_name=name)
        assert np.array_equal(again.encode_query(texts, task=name), found)
        np.testing.assert_allclose(theirs.encode(texts, prompt_name=name), found, atol=1e-6)
        assert abs(found - plain).max() > 1e-3
    assert again.add_task_tokens(NAMES) == {name: task_prompt(name) for name in NAMES}
    assert again.fingerprint() == encoder.fingerprint()


def test_a_step_moves_the_token_of_its_task_only():
    encoder = tiny_encoder(dropout=0.0)
    encoder.add_task_tokens(NAMES)
    tokens = encoder.tokenize(["read a file"], prompt="[task:code] ")
    batch = encoder.collate(tokens.ids, np.arange(1))
    encoder(batch).pooled[View()][0, 0].backward()
    moved = encoder.backbone.get_input_embeddings().weight.grad.abs().sum(1)
    assert moved[-2] > 0
    assert moved[-1] == 0


@pytest.mark.parametrize("name", ["", "  ", "a]b", "two\nlines"])
def test_names_that_a_token_cannot_carry(name):
    with pytest.raises(InputError, match="task token"):
        task_token(name)


def test_another_start_is_refused(tmp_path):
    encoder = load(family_folder(tmp_path / "m", "distilbert"), device="cpu")
    with pytest.raises(InputError, match="init"):
        encoder.add_task_tokens(["code"], init="random")
