"""Pruned vocabularies: same vectors of the corpus, nothing unknown that was not, ids that hang together."""

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tiny_models import byte_tokenizer, family_folder, tiny_encoder
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from accord.compression.prune import Vocabulary, prune_vocabulary
from accord.core.errors import InputError
from accord.encoders import TextEncoder, load
from accord.encoders.pooling import Mean

TEXTS = ["read the file row by row", "write the code", "open the list: 42!"]
OTHERS = ["a query to the document", "sorting names, splitting text", "zzz q1 ~ #"]


def ids(encoder, texts):
    return [encoder.tokenize([text]).ids[0].tolist() for text in texts]


def words(encoder, text):
    return [encoder.tokenizer.convert_ids_to_tokens(int(n)) for n in encoder.tokenize([text]).ids[0]]


def test_vectors_of_the_corpus_stay_the_same_and_the_table_shrinks(tmp_path):
    encoder = tiny_encoder(prompts={"query": "find: "})
    pruned = Vocabulary().prune(encoder, TEXTS)
    smaller = pruned.encoder
    assert pruned.record["kept"] < pruned.record["of"] == len(encoder.tokenizer)
    assert smaller.backbone.embeddings.word_embeddings.num_embeddings == pruned.record["kept"]
    for options in ({}, {"prompt_name": "query"}):
        np.testing.assert_allclose(smaller.encode(TEXTS, **options), encoder.encode(TEXTS, **options), atol=1e-6)
    for text in TEXTS:
        assert words(smaller, text) == words(encoder, text)
    smaller.save(tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m").encode(TEXTS), smaller.encode(TEXTS))
    model = SentenceTransformer(str(tmp_path / "m"), device="cpu")
    np.testing.assert_allclose(model.encode(OTHERS), smaller.encode(OTHERS), atol=1e-6)


def test_no_text_becomes_unknown():
    encoder = tiny_encoder()
    smaller, _ = prune_vocabulary(encoder, TEXTS)
    for text in [*OTHERS, "naïve ☃ ~"]:
        before, after = (words(one, text).count("[UNK]") for one in (encoder, smaller))
        assert before == after
    assert words(smaller, "document") == ["[CLS]", "d", *(f"##{c}" for c in "ocument"), "[SEP]"]


def test_a_character_without_a_piece_of_its_own_keeps_its_words():
    encoder = tiny_encoder()
    state = json.loads(encoder.tokenizer.backend_tokenizer.to_str())
    state["model"]["vocab"] = {("##é" if token == "##z" else token): n for token, n in state["model"]["vocab"].items()}
    odd = next(token for token in state["model"]["vocab"] if token == "false")
    state["model"]["vocab"]["cafñ"] = state["model"]["vocab"].pop(odd)
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(state)), **names)
    smaller, _ = prune_vocabulary(TextEncoder(encoder.backbone, tokenizer, [Mean()], max_length=32), TEXTS)
    assert "cafñ" in smaller.tokenizer.get_vocab()
    assert "document" not in smaller.tokenizer.get_vocab()


@pytest.mark.parametrize("family", ["roberta", "distilbert", "qwen3", "llama"])
def test_byte_level_families_keep_their_special_tokens_and_vectors(tmp_path, family):
    encoder = load(family_folder(tmp_path / "m", family), device="cpu")
    smaller, record = prune_vocabulary(encoder, TEXTS)
    assert record["kind"] == "BPE"
    np.testing.assert_allclose(smaller.encode(OTHERS), encoder.encode(OTHERS), atol=1e-5)
    smaller.save(tmp_path / "s")
    np.testing.assert_allclose(load(tmp_path / "s", device="cpu").encode(OTHERS), encoder.encode(OTHERS), atol=1e-5)


def trained(model, trainer):
    backend = Tokenizer(model)
    backend.pre_tokenizer = (
        pre_tokenizers.Metaspace() if isinstance(model, models.Unigram) else pre_tokenizers.ByteLevel()
    )
    backend.train_from_iterator([*TEXTS * 4, *OTHERS * 3, "the theory of the others, then there"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>")


SPECIAL = ["<pad>", "<unk>"]


@pytest.mark.parametrize("kind", ["BPE", "Unigram"])
def test_merges_and_scores_split_the_corpus_as_before(kind):
    if kind == "BPE":
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        model = models.BPE()
        trainer = trainers.BpeTrainer(
            vocab_size=360, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
        )
    else:
        model = models.Unigram()
        trainer = trainers.UnigramTrainer(vocab_size=90, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)
    tokenizer = trained(model, trainer)
    base = tiny_encoder()
    base.backbone.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    encoder = TextEncoder(base.backbone, tokenizer, [Mean()], max_length=60).eval()
    smaller, record = prune_vocabulary(encoder, TEXTS[:2])
    assert record["kind"] == kind
    assert record["kept"] < record["of"]
    for text in TEXTS[:2]:
        assert words(smaller, text) == words(encoder, text)
    np.testing.assert_allclose(smaller.encode(TEXTS[:2]), encoder.encode(TEXTS[:2]), atol=1e-6)
    assert "<unk>" not in words(smaller, OTHERS[0])


def test_padding_and_frames_follow_the_new_ids():
    encoder = tiny_encoder()
    smaller, _ = prune_vocabulary(encoder, TEXTS)
    config, tokenizer = smaller.backbone.config, smaller.tokenizer
    assert config.pad_token_id == tokenizer.pad_token_id == smaller.backbone.embeddings.word_embeddings.padding_idx
    assert ids(smaller, [""])[0] == [tokenizer.cls_token_id, tokenizer.sep_token_id]
    batch = smaller.prepare(TEXTS)
    assert torch.all(batch.input_ids[batch.attention_mask == 0] == tokenizer.pad_token_id)


def test_refusals():
    encoder = tiny_encoder()
    with pytest.raises(InputError, match=r"at least 1\. Got 0"):
        prune_vocabulary(encoder, [])
    tokenizer = byte_tokenizer({"pad": "[PAD]", "unk": "[UNK]"})
    backend = Tokenizer(models.WordLevel(tokenizer.get_vocab(), unk_token="[UNK]"))
    plain = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")
    encoder.backbone.resize_token_embeddings(300, mean_resizing=False)
    with pytest.raises(InputError, match="WordLevel"):
        prune_vocabulary(TextEncoder(encoder.backbone, plain, [Mean()], max_length=32), TEXTS)
