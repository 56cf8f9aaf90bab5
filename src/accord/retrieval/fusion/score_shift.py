"""What tuning changed in the scores of small encoders, added to the scores of a large one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from accord.core.spec import Described
from accord.maths.score_shifts import check_shifts, per_expert_weights

__all__ = ["ScoreShift", "score_shift"]


def score_shift(
    base: Float[np.ndarray, "queries docs"],
    tuned: Float[np.ndarray, "experts queries docs"],
    untuned: Float[np.ndarray, "experts queries docs"],
    weights: Sequence[float] | None = None,
) -> Float[np.ndarray, "queries docs"]:
    r"""The scores :math:`s_L + \sum_t w_t (s_t - s_{0,t})` of a large encoder moved as tuning moved small ones.

    Also known as: logit arithmetic, proxy tuning, emulated fine-tuning.

    Reference: Liu et al. (2024), arXiv:2401.08565, eq. 1; the static baseline of Fan et al. (2024), arXiv:2406.15480.

    Differs from the paper: similarities of candidates instead of logits of tokens.

    Args:
        base: scores of the large encoder.
        tuned: of small encoders after tuning.
        untuned: of the same before it.
        weights: w, one an expert, of any sign; their mean, 1 / experts each, when not given.

    Returns:
        On the scale of `base`; only their order means something.

    Raises:
        InputError: shapes that do not fit, or a score that is not finite.

    >>> score_shift(np.array([[0.5, 0.4]]), np.array([[[0.1, 0.9]]]), np.array([[[0.2, 0.6]]])).round(2).tolist()
    [[0.4, 0.7]]
    """
    base, shifts, _ = check_shifts(base, tuned, untuned)
    return base + np.einsum("t,tqd->qd", per_expert_weights(weights, len(shifts)), shifts)


class ScoreShift(Described):
    """:func:`score_shift` with its weights.

    Reference: Liu et al. (2024), arXiv:2401.08565, eq. 1.

    Args:
        weights: one an expert, of any sign; 1 / experts each when not given.
    """

    def __init__(self, weights: Sequence[float] | None = None) -> None:
        if weights is not None:
            per_expert_weights(weights, len(weights))
        self.weights = weights

    def fuse(
        self,
        base: Float[np.ndarray, "queries docs"],
        tuned: Float[np.ndarray, "experts queries docs"],
        untuned: Float[np.ndarray, "experts queries docs"],
    ) -> Float[np.ndarray, "queries docs"]:
        """One score for each query and candidate."""
        return score_shift(base, tuned, untuned, self.weights)
