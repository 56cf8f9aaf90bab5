"""Pairs put together from parts, beside transformers' own."""

import random

import numpy as np
import pytest
from tiny_pairs import typed_tokenizer

from accord.core.errors import InputError
from accord.encoders.pairs.tokens import PairTokens, shared_lengths


@pytest.mark.slow
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("max_length", [5, 23, 24, 64])
def test_equals_the_tokenizer_of_transformers(side, max_length):
    draw = random.Random(0)
    texts = ["".join(draw.choices("ab cd", k=draw.choice([0, 1, 3, 10, 20, 40, 90]))) for _ in range(60)]
    left, right = np.array([[draw.randrange(60) for _ in range(300)] for _ in range(2)])
    tokenizer = typed_tokenizer(max_length)
    tokenizer.truncation_side = side
    ours = PairTokens(tokenizer, max_length, with_types=True)
    found = ours.texts(texts)
    batch = ours.collate(found, left, right)
    sides = [texts[i] for i in left], [texts[i] for i in right]
    theirs = tokenizer(*sides, padding=True, truncation=True, max_length=max_length, return_tensors="np")
    np.testing.assert_array_equal(batch.input_ids, theirs["input_ids"])
    np.testing.assert_array_equal(batch.token_type_ids, theirs["token_type_ids"])
    np.testing.assert_array_equal(batch.attention_mask, theirs["attention_mask"])
    lengths, cut = ours.lengths(found, left, right)
    np.testing.assert_array_equal(lengths, theirs["attention_mask"].sum(1))
    whole = [len(encoding.ids) for encoding in ours.backend.encode_batch(list(zip(*sides)))]
    np.testing.assert_array_equal(cut, np.array(whole) > max_length)


def test_the_longer_side_gives_way_first():
    left, right = np.random.default_rng(0).integers(0, 40, (2, 500))
    for room in (7, 20):
        a, b = shared_lengths(left, right, room)
        assert (a + b == np.minimum(left + right, room)).all()
        assert (a[left <= room // 2] == left[left <= room // 2]).all()
        assert (b[right <= room // 2] == right[right <= room // 2]).all()


def test_no_room_for_two_texts_is_an_error():
    with pytest.raises(InputError, match="leaves no room for two texts"):
        PairTokens(typed_tokenizer(4), 4, with_types=True)


def test_what_is_no_text_is_named():
    tokens = PairTokens(typed_tokenizer(), 64, with_types=False)
    with pytest.raises(InputError, match="Got None"):
        tokens.texts(["a", None])
    with pytest.raises(InputError, match="not valid Unicode"):
        tokens.texts(["a", "\ud800"])
