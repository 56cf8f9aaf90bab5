"""Numbers as people read them: one way for the terminal and the page."""

from __future__ import annotations

import math

__all__ = ["count", "decimals", "difference", "duration", "interval", "p_value", "rounded", "share", "size"]

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


def decimals(value: float | None, digits: int = 3) -> str:
    """A score.

    >>> decimals(0.51239), decimals(float("nan")), decimals(12345.6)
    ('0.512', '–', '12,346')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return _minus(f"{value:,.{digits if abs(value) < 1000 else 0}f}")


def difference(value: float | None) -> str:
    """A difference, with its sign.

    >>> difference(0.0312), difference(-0.2), difference(0.0)
    ('+0.031', '−0.200', '0.000')
    """
    text = decimals(value)
    return f"+{text}" if value is not None and value > 0 and math.isfinite(value) else text


def interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """Both ends in brackets.

    >>> interval(0.4, 0.45), interval(-0.1, 0.2, signed=True), interval(float("nan"), 1.0)
    ('[0.400, 0.450]', '[−0.100, +0.200]', '–')
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    show = difference if signed else decimals
    return f"[{show(low)}, {show(high)}]"


def p_value(value: float | None) -> str:
    """A p-value, never as a bare zero.

    >>> p_value(0.0004), p_value(0.0312), p_value(1.0), p_value(None)
    ('<0.001', '0.031', '1.000', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def count(value: float | None) -> str:
    """A whole number with separators.

    >>> count(1234567), count(None)
    ('1,234,567', '–')
    """
    return MISSING if value is None or not math.isfinite(value) else f"{round(value):,}"


def size(value: float | None) -> str:
    """A large count in short.

    >>> [size(v) for v in (950, 12_345, 22_700_000, 3e9, None)]
    ['950', '12.3 k', '22.7 M', '3.0 G', '–']
    """
    if value is None or not math.isfinite(value):
        return MISSING
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= scale:
            return f"{value / scale:.1f} {unit}"
    return f"{value:.0f}"


def rounded(value: float) -> str:
    """About so many: two significant digits.

    >>> rounded(4321), rounded(87)
    ('4,300', '87')
    """
    digits = max(0, len(str(round(abs(value)))) - 2)
    return f"{round(value, -digits):,.0f}"


def duration(seconds: float | None) -> str:
    """A time span.

    >>> [duration(s) for s in (0.42, 7.26, 59.7, 192.4, 3725, None)]
    ['0.4 s', '7.3 s', '1 min 00 s', '3 min 12 s', '1 h 02 min', '–']
    """
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def share(fraction: float | None) -> str:
    """A fraction in per cent.

    >>> share(0.423), share(0.95), share(None)
    ('42 %', '95 %', '–')
    """
    return MISSING if fraction is None or not math.isfinite(fraction) else f"{100 * fraction:.0f} %"
