"""Classes of pairs of texts as the numbers of a model's labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from accord.core.errors import InputError

__all__ = ["class_name", "class_numbers"]


def class_numbers(values: Iterable[object], labels: Sequence[str], *, where: str) -> dict[str, int]:
    """Classes of pairs as numbers of a model's labels: by name, else as they are where they are numbers, else in order.

    Args:
        values: the classes of all rows; repeats do not count.
        labels: the model's.
        where: of the message.

    Returns:
        Number of each class, by its name (:func:`class_name`).

    Raises:
        InputError: classes that the model does not have.

    >>> class_numbers(["no", "yes", "no"], ["yes", "no"], where="nli")
    {'no': 1, 'yes': 0}
    >>> class_numbers([2.0, 0.0], ["a", "b", "c"], where="nli")
    {'0': 0, '2': 2}
    """
    distinct = sorted({class_name(value) for value in values})
    unnamed = all(name == f"LABEL_{n}" for n, name in enumerate(labels))
    if set(distinct) <= set(labels):
        return {name: labels.index(name) for name in distinct}
    if all(word.isdecimal() and int(word) < len(labels) for word in distinct):
        return {word: int(word) for word in distinct}
    if unnamed and len(distinct) == len(labels):
        return {word: number for number, word in enumerate(distinct)}
    shown = ", ".join(distinct[:8]) + (", ..." if len(distinct) > 8 else "")
    raise InputError(
        f"{where}: the rows have {len(distinct)} classes ({shown}), the model has {len(labels)} labels "
        f"({', '.join(labels)}). Start from a model with `num_labels: {len(distinct)}`, or rename the labels."
    )


def class_name(value: object) -> str:
    """A class as a word; whole numbers without their point.

    >>> class_name(2.0), class_name("yes")
    ('2', 'yes')
    """
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
