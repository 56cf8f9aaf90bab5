"""Sketches keep inner products, with the error that they state."""

import pytest
import torch

from accord.core.errors import InputError
from accord.maths.sketch import CountSketch, sketch_error


def test_a_plain_loop_gives_the_same(generator):
    sketch = CountSketch(50, width=7, generator=generator)
    vector = torch.randn(50, generator=generator)
    expected = [0.0] * 7
    for code, value in zip(sketch.codes.tolist(), vector.tolist()):
        expected[code // 2] += value if code % 2 == 0 else -value
    assert torch.allclose(sketch(vector), torch.tensor(expected), atol=1e-6)


def test_mostly_empty_vectors_take_the_short_way_to_the_same_numbers(generator):
    sketch = CountSketch(1000, width=16, generator=generator)
    rare, noise = torch.zeros(1000), torch.randn(1000, generator=generator)
    rare[::100] = 1.0
    assert torch.allclose(sketch(rare + noise), sketch(rare) + sketch(noise), atol=1e-5)


def test_what_fits_is_kept_as_it_is(generator):
    vector = torch.arange(5.0)
    assert torch.equal(CountSketch(5, width=8, generator=generator)(vector), vector)


def test_the_stated_error_holds(generator):
    a = torch.randn(4000, generator=generator)
    b = 0.6 * a + 0.8 * torch.randn(4000, generator=generator)
    exact = torch.cosine_similarity(a, b, dim=0)
    width, errors = 256, []
    for _ in range(60):
        sketch = CountSketch(4000, width=width, generator=generator)
        errors.append(torch.cosine_similarity(sketch(a), sketch(b), dim=0) - exact)
    errors = torch.stack(errors)
    assert errors.std() < 1.2 * sketch_error(width)
    assert errors.mean().abs() < 3 * sketch_error(width) / 60**0.5


def test_no_width_is_refused(generator):
    with pytest.raises(InputError, match="width"):
        CountSketch(5, width=0, generator=generator)
