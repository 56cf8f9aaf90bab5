import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data.samplers import Proportional, Temperature


def counts(sampler, sizes, steps, weights=None):
    order = sampler.schedule(sizes, weights or [1] * len(sizes), steps, seed=0)
    return np.bincount(order, minlength=len(sizes)).tolist()


def test_golden_square_roots():
    assert counts(Temperature(alpha=0.5), [10_000, 400, 100], 130) == [100, 20, 10]


def test_the_ends_are_proportional_and_equal():
    sizes = [700, 200, 100]
    assert counts(Temperature(alpha=1.0), sizes, 50) == counts(Proportional(), sizes, 50)
    assert counts(Temperature(alpha=0.0), sizes, 51) == [17, 17, 17]


def test_a_task_of_weight_zero_is_never_trained():
    assert counts(Temperature(), [10, 10], 8, weights=[0, 1]) == [0, 8]


@pytest.mark.parametrize("alpha", [-0.1, 1.5, True, "0.5"])
def test_alpha_is_a_fraction(alpha):
    with pytest.raises(InputError, match="`alpha`"):
        Temperature(alpha=alpha)
