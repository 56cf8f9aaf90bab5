"""A tokenizer of another model is refused at load, with the numbers that do not fit."""

import json

import pytest
from tiny_models import BERT, byte_tokenizer, family_folder, tiny_tokenizer

from accord.core.errors import ModelError
from accord.encoders import load


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_ids_beyond_the_token_table(tmp_path):
    folder = family_folder(tmp_path / "m", "roberta", vocab_size=200)
    with pytest.raises(ModelError, match=r"ids up to 259, but the model's token table has 200 rows.*own tokenizer"):
        load(folder)


def test_a_vocabulary_of_less_than_half_the_table(tmp_path):
    folder = family_folder(tmp_path / "m", "distilbert", vocab_size=1000)
    with pytest.raises(ModelError, match=r"has 260 tokens, but the model's token table has 1000 rows"):
        load(folder)


def test_a_table_that_is_rounded_up_is_fine(tmp_path):
    assert load(family_folder(tmp_path / "m", "distilbert", vocab_size=320), device="cpu").dim == 32


def test_special_tokens_elsewhere_than_the_model_has_them(tmp_path):
    folder = family_folder(tmp_path / "m", "modernbert", cls_token_id=1)
    with pytest.raises(ModelError, match="cls_token_id is 1, the tokenizer's is 2"):
        load(folder)
    folder = family_folder(tmp_path / "n", "xlm-roberta")
    byte_tokenizer(BERT, prefix="[CLS]", suffix="[SEP]").save_pretrained(folder)
    with pytest.raises(ModelError, match="pad_token_id is 1, the tokenizer's is 0"):
        load(folder)


def test_special_tokens_that_the_tokenizer_does_not_hold(tmp_path):
    folder = family_folder(tmp_path / "m", "distilbert")
    edit(folder / "tokenizer_config.json", cls_token="<cls>", mask_token="<mask>")
    with pytest.raises(ModelError, match=r"260 tokens, but not the cls_token '<cls>', mask_token '<mask>'"):
        load(folder)


def test_another_tokenizer_in_a_model_of_ours(tmp_path):
    load(family_folder(tmp_path / "m", "roberta"), device="cpu").save(tmp_path / "ours")
    tiny_tokenizer().save_pretrained(tmp_path / "ours")
    with pytest.raises(ModelError, match="was changed after the model was saved"):
        load(tmp_path / "ours")
