"""Fusion that counts how many systems found a document."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_choice
from accord.core.spec import Described
from accord.maths.score_scaling import SCALES, check_systems, scaled

__all__ = ["CombMNZ", "comb_mnz"]


def comb_mnz(
    scores: Float[np.ndarray, "systems queries docs"], *, scale: str = "min-max"
) -> Float[np.ndarray, "queries docs"]:
    r"""The sum of scaled scores times the number of systems that found the document.

    .. math:: \lvert \{m : d \in R_m(q)\} \rvert \sum_{m : d \in R_m(q)} \hat s_m(q, d)

    Where every system scores every document it is the plain sum, up to a factor.

    Also known as: CombMNZ, multiply by non-zero.

    Reference: Fox & Shaw (1994), TREC-2; Lee (1997), SIGIR, section 3, for the min-max scale.

    Differs from the paper: a document counts as found where its score is not NaN, also where it is the lowest.

    Args:
        scores: NaN where a system did not find a document.
        scale: "min-max", "z" or "none".

    Returns:
        Larger is better; minus infinity for what no system found.

    Raises:
        InputError: scores of another shape, or an unknown scale.

    >>> comb_mnz(np.array([[[0.0, 1.0, 0.8]], [[2.0, np.nan, 3.0]]])).tolist()
    [[0.0, 1.0, 3.6]]
    """
    on_scale = scaled(check_systems(scores), scale)
    found = (~np.isnan(on_scale)).sum(axis=0)
    return np.where(found > 0, found * np.nansum(on_scale, axis=0), -np.inf)


class CombMNZ(Described):
    """:func:`comb_mnz` with its settings.

    Reference: Fox & Shaw (1994), TREC-2; Lee (1997), SIGIR.

    Args:
        scale: "min-max", "z" or "none".

    Raises:
        InputError: an unknown scale.
    """

    def __init__(self, *, scale: str = "min-max") -> None:
        check_choice("scale", scale, SCALES)
        self.scale = scale

    def fuse(self, scores: Float[np.ndarray, "systems queries docs"]) -> Float[np.ndarray, "queries docs"]:
        """One score for each query and document."""
        return comb_mnz(scores, scale=self.scale)
