"""Token numbers for a table."""

import numpy as np
from tiny_models import tiny_tokenizer

from accord.encoders.static.tokens import StaticTokens, unknown_token

BACKEND = tiny_tokenizer().backend_tokenizer


def test_no_special_tokens_and_the_unknown_left_out():
    tokens = StaticTokens(BACKEND, None, skip_unknown=True)(["read 日 file", "日", "", "read"])
    words = [[BACKEND.id_to_token(i) for i in tokens.ids[n]] for n in range(4)]
    assert words == [["read", "file"], [], [], ["read"]]
    kept = StaticTokens(BACKEND, None, skip_unknown=False)(["read 日 file"])
    assert unknown_token(BACKEND) in kept.ids[0].tolist()


def test_the_cut_comes_before_unknown_tokens_are_left_out():
    tokens = StaticTokens(BACKEND, 2, skip_unknown=True)(["read 日 file", "read file", "one two three"])
    assert tokens.ids.lengths.tolist() == [1, 2, 2]
    assert tokens.truncated == 2


def test_many_blocks_are_one_ragged():
    texts = [f"read {'file ' * (n % 5)}" for n in range(9000)]
    tokens = StaticTokens(BACKEND, None, skip_unknown=True)(texts)
    assert np.array_equal(tokens.ids.lengths, [1 + n % 5 for n in range(9000)])
