"""Which layers go together: spread evenly, the last with the last, tables first."""

import pytest

from accord.compression.distil.layer_pairs import even_layers, layer_pairs
from accord.core.errors import InputError


@pytest.mark.parametrize("student", range(1, 9))
@pytest.mark.parametrize("teacher", range(1, 9))
def test_even_layers_rise_and_end_with_the_last(student, teacher):
    found = even_layers(student, teacher)
    assert [own for own, _ in found] == list(range(1, student + 1))
    taught = [layer for _, layer in found]
    assert taught == sorted(taught)
    assert taught[-1] == teacher
    assert min(taught) >= 1
    for own, layer in found:
        assert abs(layer - own * teacher / student) <= 0.5 or layer == 1


def test_tables_come_first_and_named_layers_are_kept():
    assert layer_pairs(None, 2, 6) == [(0, 0), (1, 3), (2, 6)]
    assert layer_pairs([[2, 1]], 2, 6) == [(0, 0), (2, 1)]


@pytest.mark.parametrize(("layers", "message"), [([[3, 1]], "layer 3 of the student"), ([[1, 7]], "7 of the teacher")])
def test_layers_that_are_not_there_are_refused(layers, message):
    with pytest.raises(InputError, match=message):
        layer_pairs(layers, 2, 6)


def test_models_without_layers_are_refused():
    with pytest.raises(InputError, match="teacher"):
        even_layers(2, 0)
