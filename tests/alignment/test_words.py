"""Words of one language at a time."""

import pytest

from accord.alignment.words import weigh_words
from accord.core.errors import InputError


def test_characters_are_taken_within_words():
    weigher, rows = weigh_words(["ab cd"], "char", 2, "")
    assert rows.shape[0] == 1
    assert "b " in weigher.get_feature_names_out()
    assert "b c" not in weigher.get_feature_names_out()


def test_texts_without_a_word_are_named_by_their_language():
    with pytest.raises(InputError, match="2 texts of the language 'qq' hold no word"):
        weigh_words(["", "!"], "word", 1, "qq")
