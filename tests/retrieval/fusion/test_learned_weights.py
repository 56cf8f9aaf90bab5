"""Learned weights: the best of all that there are, or a summit."""

from itertools import product

import pytest

from accord.core.errors import InputError
from accord.retrieval.fusion import learn_weights


@pytest.mark.parametrize("steps", [1, 4, 20])
def test_two_systems_are_searched_through(steps):
    def value(weights):
        return -((weights[0] - 0.33) ** 2)

    every = [n / steps for n in range(steps + 1)]
    assert learn_weights(value, 2, steps=steps)[0] == max(every, key=lambda w: value([w]))


def test_a_smooth_summit_of_three_is_found():
    wanted = [0.1, 0.25, 0.65]

    def value(weights):
        return -sum((w - t) ** 2 for w, t in zip(weights, wanted))

    every = [(a / 20, b / 20, (20 - a - b) / 20) for a, b in product(range(21), repeat=2) if a + b <= 20]
    assert learn_weights(value, 3) == pytest.approx(max(every, key=value))


def test_of_equal_values_the_most_even_is_taken():
    assert learn_weights(lambda weights: 1.0, 2) == [0.5, 0.5]
    assert learn_weights(lambda weights: float(weights[0] >= 0.7), 2) == [0.7, 0.3]
    assert learn_weights(lambda weights: 1.0, 4) == [0.25] * 4
    assert learn_weights(lambda weights: 1.0, 1) == [1.0]


def test_no_weights_are_tried_twice():
    seen = []
    learn_weights(lambda weights: seen.append(tuple(weights)) or weights[1], 3)
    assert len(seen) == len(set(seen)) and all(sum(weights) == pytest.approx(1) for weights in seen)


def test_bad_numbers_are_refused():
    with pytest.raises(InputError, match="systems"):
        learn_weights(sum, 0)
    with pytest.raises(InputError, match="steps"):
        learn_weights(sum, 2, steps=0)
