"""Between which magnitudes a share of the elements lies: over a row, a tensor or a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from accord.maths.selection import Tally, count_magnitudes, count_of_share, kth_magnitudes, row_magnitudes
from accord.maths.sparsify import keep_between, keep_largest

__all__ = ["Band", "keep_bands", "keep_row_bands", "locate_bands", "survey_bands"]

Limits = tuple[float, float | None]


@dataclass(frozen=True)
class Band:
    """A share of the elements by magnitude, below the very largest.

    Elements that tie with the first or the last of the band belong to it.

    Args:
        density: share of all elements that is in the band; at least one element is.
        gamma: share that is larger than the band.
    """

    density: float
    gamma: float = 0.0

    def ranks(self, number: int) -> list[int]:
        """Ranks of the smallest magnitude inside and, below a `gamma`, of the largest; 1 for the largest of all.

        >>> Band(0.5).ranks(10), Band(0.5, 0.1).ranks(10)
        ([5], [6, 2])
        """
        kept = count_of_share(self.density, number)
        if self.gamma == 0:
            return [kept]
        above = min(int(self.gamma * number + 1e-6), number - kept)
        return [above + kept, above + 1]


def survey_bands(tensors: Iterable[Tensor], before: Sequence[Tally], bands: Sequence[Band]) -> Tally:
    """What pieces add to the first or the second of two surveys; see :func:`~accord.maths.selection.count_magnitudes`.

    Args:
        tensors: (N,) float32, a piece of each.
        before: sums of the earlier surveys.
        bands: (N,) all with a `gamma` or all without.
    """
    return count_magnitudes(tensors, before, _ranks(before, bands))


def locate_bands(surveys: Sequence[Tally], bands: Sequence[Band]) -> list[Limits]:
    """The smallest and the largest magnitude of each band; None where nothing is too large.

    Args:
        surveys: sums of both surveys.
        bands: (N,).

    >>> x = torch.tensor([[1.0, -2.0, 3.0, -4.0]])
    >>> first = survey_bands(x, [], [Band(0.5, 0.25)])
    >>> locate_bands([first, survey_bands(x, [first], [Band(0.5, 0.25)])], [Band(0.5, 0.25)])
    [(2.0, 3.0)]
    """
    return [(row[0], row[1] if len(row) > 1 else None) for row in kth_magnitudes(surveys, _ranks(surveys, bands))]


def keep_bands(tensors: Iterable[Tensor], limits: Sequence[Limits]) -> Iterable[Tensor]:
    """Drop what lies outside of its tensor's band.

    Args:
        tensors: (N,) taken one at a time.
        limits: (N,) of :func:`locate_bands`.
    """
    for tensor, (least, most) in zip(tensors, limits):
        yield keep_largest(tensor, least) if most is None else keep_between(tensor, least, most)


def keep_row_bands(tensors: Iterable[Tensor], bands: Sequence[Band], row_length: int) -> Iterable[Tensor]:
    """Drop what lies outside of its row's band.

    Args:
        tensors: (N,) taken one at a time.
        bands: (N,).
        row_length: elements in a row.
    """
    for tensor, band in zip(tensors, bands):
        rows = tensor.reshape(-1, row_length)
        limits = row_magnitudes(rows, band.ranks(row_length))
        kept = keep_largest(rows, limits[0]) if len(limits) == 1 else keep_between(rows, limits[0], limits[1])
        yield kept.view(tensor.shape)


def _ranks(before: Sequence[Tally], bands: Sequence[Band]) -> list[list[int]]:
    number = before[0].total(0) if before else 1
    return [band.ranks(number) for band in bands]
