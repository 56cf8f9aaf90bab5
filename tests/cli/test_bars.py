"""Plain progress lines: nothing for short work, a rate and the time left for long work."""

from accord.cli import bars


def test_lines_for_long_work_only(monkeypatch):
    clock = iter([0.0, 1.0, 5.0, 8.0, 10.0])
    monkeypatch.setattr(bars.time, "monotonic", lambda: next(clock))
    lines = []
    with bars.plain_lines(lines.append, every=4.0)("encode", total=40, unit="texts") as advance:
        for _ in range(3):
            advance(10)
    assert lines == ["encode: 20 of 40 texts, 4.00/s, 5 s left", "encode: 30 texts in 10 s (3.00/s)"]


def test_short_work_says_nothing():
    lines = []
    with bars.plain_lines(lines.append)("encode", total=1) as advance:
        advance(1)
    assert lines == []
