import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.data.cleaning.shingles import shingles

texts = st.lists(st.text(alphabet="ab ü语", max_size=12), max_size=6)


def plain(text, unit, size):
    """The shingles of one text, one by one."""
    parts = text.split(" ") if unit == "word" else list(text)
    parts = [part for part in parts if part] if unit == "word" else parts
    width = min(size, len(parts))
    return [tuple(parts[i : i + width]) for i in range(len(parts) - width + 1)] if parts else []


@given(texts, st.sampled_from(["character", "word"]), st.integers(1, 4))
def test_as_many_and_as_different_as_one_by_one(given_texts, unit, size):
    found = shingles(given_texts, unit=unit, size=size)
    names = {}
    for row, text in enumerate(given_texts):
        expected = plain(text, unit, size)
        assert len(found[row]) == len(expected)
        for value, shingle in zip(found[row].tolist(), expected):
            assert names.setdefault(shingle, value) == value
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize("options", [{"unit": "letter"}, {"size": 0}])
def test_bad_arguments(options):
    with pytest.raises(InputError):
        shingles(["a"], **options)
