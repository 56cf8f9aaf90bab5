"""Words are counted that say something about a text."""

import pytest

from accord.compression.codecs import word_counts
from accord.core.errors import InputError


def test_counts_leave_out_what_is_everywhere_and_what_is_once():
    counts = word_counts(["the cat and the dog", "the dog, the DOG", "the cat"] + ["the rest"] * 3)
    assert counts.shape == (6, 3)
    assert counts.dtype == "float32"
    assert counts.toarray().tolist()[:3] == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_the_most_frequent_are_kept():
    assert word_counts(["aa bb bb", "aa bb cc", "cc"], most=1, share=1.0).toarray().tolist() == [[2], [1], [0]]


def test_nothing_to_count_is_refused():
    with pytest.raises(InputError, match="`texts` must hold words to count: 2 texts leave none"):
        word_counts(["a b", "c d"])
    with pytest.raises(InputError, match="`most`"):
        word_counts(["aa"], most=0)
    with pytest.raises(InputError, match="`share`"):
        word_counts(["aa"], share=2.0)
