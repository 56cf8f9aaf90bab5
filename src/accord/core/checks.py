"""Argument checks, written once: each names the argument, the rule and the value it found."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable

from accord.core.errors import InputError

__all__ = [
    "check_at_least",
    "check_choice",
    "check_finite",
    "check_fraction",
    "check_keys",
    "check_positive",
    "did_you_mean",
]


def check_positive(name: str, value: float) -> None:
    """Refuse what is not a finite number above zero.

    Raises:
        InputError: with the name, the rule and the value.

    >>> check_positive("temperature", -1)
    Traceback (most recent call last):
    accord.core.errors.InputError: `temperature` must be positive and finite. Got -1 instead.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise InputError(f"`{name}` must be positive and finite. Got {value!r} instead.")


def check_finite(name: str, value: float) -> None:
    """Refuse what is not a finite number.

    Raises:
        InputError: with the name, the rule and the value.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"`{name}` must be a finite number. Got {value!r} instead.")


def check_at_least(name: str, value: float, least: float) -> None:
    """Refuse what is not a number of at least `least`.

    Raises:
        InputError: with the name, the rule and the value.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
        raise InputError(f"`{name}` must be at least {least}. Got {value!r} instead.")


def check_fraction(name: str, value: float, *, closed: bool = True) -> None:
    """Refuse what lies outside [0, 1], or outside (0, 1) when not `closed`.

    Raises:
        InputError: with the name, the rule and the value.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not (0 <= value <= 1 if closed else 0 < value < 1):
        bounds = "[0, 1]" if closed else "(0, 1)"
        raise InputError(f"`{name}` must lie in {bounds}. Got {value!r} instead.")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion to append to an error, or nothing.

    >>> did_you_mean("temprature", ["temperature", "mask"])
    ' Did you mean `temperature`?'
    >>> did_you_mean("xyz", ["temperature"])
    ''
    """
    close = difflib.get_close_matches(str(word), [str(k) for k in known], n=1)
    return f" Did you mean `{close[0]}`?" if close else ""


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Refuse a word that is not one of `choices`.

    Raises:
        InputError: with the choices and a suggestion.
    """
    if value not in choices:
        raise InputError(
            f"`{name}` must be one of {', '.join(choices)}. Got {value!r} instead.{did_you_mean(str(value), choices)}"
        )


def check_keys(where: str, found: Iterable[str], known: Collection[str]) -> None:
    """Refuse keys that nobody reads.

    Raises:
        InputError: naming the first unknown key, with a suggestion.
    """
    for key in found:
        if key not in known:
            raise InputError(
                f"Unknown key `{key}` in {where}.{did_you_mean(key, known)} Known keys: {', '.join(sorted(known))}."
            )
