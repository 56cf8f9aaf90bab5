"""Heat maps: colours by side and distance, text for every cell."""

import math

from accord.reporting.plots.heat_map import Scale, heat_map


def cell(value, low=None, high=None, **scale):
    return heat_map("t", ["a"], ["b"], {("a", "b"): (value, low, high)}, scale=Scale(**scale)).rows[0][1][0]


def test_sides_of_the_middle_have_their_colours():
    assert "--blue" in cell(0.5).style
    assert "--rose" in cell(-0.5).style
    assert "--rose" in cell(0.5, rising=False).style
    assert "--rose" in cell(0.4, middle=0.5).style


def test_the_strongest_is_as_strong_as_it_gets():
    weak, strong, beyond = (cell(value, reach=1.0).style for value in (0.1, 1.0, 7.0))
    assert strong == beyond != weak


def test_an_interval_over_the_middle_is_unsure():
    assert not cell(0.1, -0.1, 0.3).sure
    assert cell(0.2, 0.1, 0.3).sure
    assert not cell(0.2, 0.1, 0.3, middle=0.25).sure
    assert cell(0.2).interval == ()
    assert not cell(0.2, math.nan, math.nan).sure


def test_what_was_not_measured_is_left_empty():
    assert cell(None) is None
    assert cell(math.nan) is None
    assert heat_map("t", ["a"], ["b"], {}).rows == [("a", [None])]
