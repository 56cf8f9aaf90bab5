import pytest

from accord.reporting.plots.palette import COLOURS, KNOWN, OTHERS, PAPER, RULE, VERDICTS, marks


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear))


def _contrast(a, b):
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [c for c in COLOURS if c not in {PAPER, RULE}], ids=lambda c: c.name)
def test_every_colour_reads_as_text_on_both_pages(colour):
    assert _contrast(colour.light, PAPER.light) >= 4.5
    assert _contrast(colour.dark, PAPER.dark) >= 4.5


def test_colours_can_be_told_apart_by_their_values():
    assert len({c.light for c in COLOURS}) == len({c.name for c in COLOURS}) == len(COLOURS)


def test_shapes_differ_wherever_colours_do():
    looks = marks([*KNOWN, "balanced", "merged", "run:x"]).values()
    assert len({m.shape for m in looks}) == len({m.colour for m in looks}) == len({m.dash for m in looks}) == 6
    assert len({(m.shape, m.name) for m in VERDICTS.values()}) == len(VERDICTS)


def test_known_models_look_the_same_in_any_company():
    alone, together = marks(["joint"]), marks(["merged", "odd", "base", "joint"])
    assert alone["joint"] == together["joint"]
    assert len(marks(f"m{i}" for i in range(20))) == 20 > len(OTHERS)
