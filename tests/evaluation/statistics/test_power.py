import numpy as np
import pytest

from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.evaluation.statistics.power import examples_needed
from accord.maths.resampling import sign_flip_p


def test_textbook_values():
    assert examples_needed(0.5, 1.0) == 32  # (1.96 + 0.84)^2 / 0.25
    assert examples_needed(-0.5, 1.0) == 32
    assert examples_needed(0.5, 1.0, level=0.99) == 47


def test_no_effect_needs_no_number_and_a_sure_one_a_few():
    assert examples_needed(0.0, 1.0) is None
    assert examples_needed(1.0, 0.0) == 6
    assert sign_flip_p(np.ones(6), 1, numpy_generator(0)) < 0.05 < sign_flip_p(np.ones(5), 1, numpy_generator(0))


def test_that_many_examples_do_show_it_four_times_in_five():
    generator = np.random.default_rng(0)
    n = examples_needed(0.3, 1.0)
    found = [sign_flip_p(generator.normal(0.3, 1, size=n), 200, generator) < 0.05 for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def test_levels_are_fractions():
    with pytest.raises(InputError, match="level"):
        examples_needed(0.1, 1.0, level=1.0)
