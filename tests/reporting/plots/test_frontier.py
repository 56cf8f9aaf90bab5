"""The drawing of a frontier: what is drawn, and labels that lie on nothing."""

import random

import pytest

from accord.reporting.plots import frontier


def row(ms, mb, kept, **more):
    dev = {"kept": kept, "low": kept - 0.01, "high": kept + 0.01}
    return {"name": f"{ms}/{mb}", "size": "6x384", "backend": "float32", "codec": "Int8", "rescore": False, "ms": ms,
            "mb_per_million": mb, "dev": dev, "test": dev, "frontier": True, "chosen": False, **more}  # fmt: skip


@pytest.fixture
def rows():
    return [row(9, 1536, 1.0), row(7, 384, 0.995, chosen=True), row(6, 48, 0.97), row(3, 768, 0.5, frontier=False)]


LIMITS = {"ms": 8.0, "mb_per_million": None, "model_mb": None, "keep": 0.97}


def test_two_panels_say_what_they_show(rows):
    size, time = frontier.frontier_panels(rows, LIMITS, level=0.95)
    assert "6/48 97.0 % at 48; 7/384 99.5 % at 384; 9/1536 100.0 % at 1.54e+03" in size.alt
    assert "95 %" in time.alt
    assert "3/768" not in size.alt
    assert "6x384 Int8" in size.svg


def test_stairs_rise():
    found = frontier._best_for_the_price([row(1, 5, 0.5), row(2, 1, 0.4), row(3, 9, 0.45), row(4, 2, 0.9)], "ms")
    assert [one["ms"] for one in found] == [1, 4]


def test_the_lowest_drawn_never_hides_what_was_asked(rows):
    assert frontier.lowest_drawn(rows, None) == frontier.LOWEST
    assert frontier.lowest_drawn(rows, 0.6) == pytest.approx(0.55)
    assert frontier.lowest_drawn(rows[:2], None) == 0.995


def test_labels_meet_neither_points_nor_each_other():
    generator = random.Random(0)
    for _ in range(50):
        taken = [(x, y, x + 8, y + 8) for x, y in ((generator.uniform(0, 240), generator.uniform(0, 220))
                                                   for _ in range(25))]  # fmt: skip
        for _ in range(6):
            at = (generator.uniform(0, 240), generator.uniform(0, 220))
            spot = frontier._free_spot(at, 70.0, taken, must=False)
            if spot is not None:
                assert not any(frontier._meet(spot[3], other) for other in taken)
                assert frontier._within(spot[3], (0, 0, frontier.WIDTH, frontier.HEIGHT))
                taken.append(spot[3])
        assert frontier._free_spot((120, 110), 70.0, taken, must=True) is not None


def test_test_rows_are_drawn_where_they_were_read(rows):
    panel = frontier.kept_panel(rows, 0.97, level=0.95)
    assert panel is not None
    assert "7/384 99.5 [98.5, 100.5]" in panel.alt
    assert frontier.kept_panel([row(1, 1, 1, test=None)], None, level=0.95) is None
