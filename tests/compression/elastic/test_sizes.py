"""How sizes are written, refused and named."""

import pytest

from accord.compression.elastic.sizes import Shape, fit_view, read_sizes, size_name
from accord.core.errors import InputError
from accord.core.types import View

MINILM = Shape(6, 384, 1536)


def test_sizes_are_pairs_triples_or_dimensions():
    assert read_sizes([[6, 384], [4, 256]]) == (View(6, 384), View(4, 256))
    assert read_sizes([[None, 384], (4, None, 768)]) == (View(None, 384), View(4, None, width=768))
    assert read_sizes([256, 128]) == (View(dim=256), View(dim=128))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([], "`sizes` must be a list"),
        ("4x256", "`sizes` must be a list"),
        ([[4, 256], [6, 384]], r"ordered from large to small.*\[6, 384\] after \[4, 256\]"),
        ([[6, 128], [6, 256]], "ordered from large to small"),
        ([[4, 256], [4, 256]], r"holds \[4, 256\] twice"),
        ([256, 256], "holds 256 twice"),
        ([[4, 0]], "The dimensions of a size must be at least 1. Got 0"),
        ([0], "The dimensions of a size must be at least 1"),
        ([[0, 256]], "The layers of a size must be at least 1"),
        ([[4, 256, 0]], "The width of a size must be at least 1"),
        ([[4]], "A size must be"),
        ([["4", 256]], "A size must be"),
        ([[4, True]], "A size must be"),
    ],
)
def test_sizes_that_mean_nothing_are_refused(sizes, message):
    with pytest.raises(InputError, match=message):
        read_sizes(sizes)


def test_a_view_in_the_terms_of_a_model_leaves_out_what_is_not_cut():
    assert fit_view(View(6, 384, width=1536), MINILM) == View()
    assert fit_view(View(4, 384, width=768), MINILM) == View(4, width=768)
    assert fit_view(View(dim=128), Shape(0, 256)) == View(dim=128)


@pytest.mark.parametrize(
    ("view", "shape", "message"),
    [
        (View(7, 384), MINILM, "7x384 is larger than the model, which has 6 layers"),
        (View(6, 385), MINILM, "which has 384 dimensions"),
        (View(6, 384, width=1537), MINILM, "which has 1536 width"),
        (View(4, 128), Shape(0, 256), r"A static model has no layers.*sizes: \[256, 128\]"),
        (View(width=8), Shape(6, 384), "feed-forward layers of this model were not found"),
    ],
)
def test_a_view_that_a_model_does_not_have_is_refused(view, shape, message):
    with pytest.raises(InputError, match=message):
        fit_view(view, shape)


def test_names_tell_what_is_kept():
    assert size_name(View(4, 256), MINILM) == "4x256"
    assert size_name(View(layer=2), MINILM) == "2x384"
    assert size_name(View(dim=64), Shape(0, 256)) == "64"
    assert size_name(View(width=768), MINILM) == "6x384x768"
