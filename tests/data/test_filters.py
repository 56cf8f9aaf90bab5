import pytest

from accord.core.errors import InputError
from accord.data.filters import min_per_label
from accord.data.signals import Labelled

ROWS = Labelled.of({"text": [f"t{i}" for i in range(9)], "label": list("aaaabbbcc")})


def test_drops_and_reports():
    kept = min_per_label(ROWS, 3)
    assert kept.signal.column("label") == list("aaaabbb") and kept.dropped == {"c": 2}
    assert kept.signal.column("text") == [f"t{i}" for i in range(7)]


def test_nothing_to_drop_gives_the_same_rows():
    kept = min_per_label(ROWS, 2)
    assert kept.signal is ROWS and kept.dropped == {}


@pytest.mark.parametrize(("least", "found"), [(4, "only 'a'"), (5, "none")])
def test_one_class_is_an_error(least, found):
    with pytest.raises(InputError, match=f"at least two labels, and of 3 {found}"):
        min_per_label(ROWS, least)


def test_a_single_label_is_an_error_without_a_threshold():
    with pytest.raises(InputError, match="at least two labels"):
        min_per_label(Labelled.of({"text": ["a", "b"], "label": ["x", "x"]}))
