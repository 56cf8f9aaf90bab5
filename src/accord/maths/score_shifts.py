"""Scores of a base, of experts and of what the experts come from: their shapes, shifts and divergences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from accord.core.errors import InputError

__all__ = ["check_shifts", "divergence", "per_expert_weights", "shifted"]


def check_shifts(
    base: object, tuned: object, untuned: object
) -> tuple[
    Float[np.ndarray, "queries docs"],
    Float[np.ndarray, "experts queries docs"],
    Float[np.ndarray, "experts queries docs"],
]:
    """The scores of the base, the shifts (tuned minus untuned) and the untuned scores, in float64.

    Raises:
        InputError: shapes that do not fit, no candidate, or a score that is not finite.
    """
    arrays = [np.asarray(one, dtype=np.float64) for one in (base, tuned, untuned)]
    for name, one in zip(("base", "tuned", "untuned"), arrays):
        if not np.isfinite(one).all():
            raise InputError(f"`{name}` must be finite: all models score the same candidates. Got NaN or infinity.")
    first, after, before = arrays
    if first.ndim != 2 or after.shape != before.shape or after.shape[1:] != first.shape or not after.size:
        raise InputError(
            "`base` must be (queries, documents), `tuned` and `untuned` (experts, queries, documents). Got "
            f"{first.shape}, {after.shape} and {before.shape}."
        )
    return first, after - before, before


def per_expert_weights(weights: Sequence[float] | None, experts: int) -> Float[np.ndarray, " experts"]:
    """One finite weight an expert; equal ones that sum to 1 when not given.

    Raises:
        InputError: another number of them, or one that is not finite.
    """
    found = np.full(experts, 1.0 / experts) if weights is None else np.asarray(weights, dtype=np.float64)
    if found.shape != (experts,) or not np.isfinite(found).all():
        raise InputError(f"`weights` must be one finite number for each of {experts} experts. Got {weights!r} instead.")
    return found


def divergence(
    scores: Float[np.ndarray, "*rows docs"], shift: Float[np.ndarray, "*rows docs"], temperature: float
) -> Float[np.ndarray, "*rows"]:
    r"""Row by row :math:`\mathrm{KL}(\mathrm{softmax}((s + \delta) / \tau) \,\|\, \mathrm{softmax}(s / \tau))`.

    Args:
        scores: s.
        shift: :math:`\delta`.
        temperature: :math:`\tau` > 0.

    Returns:
        Nats, at least 0; small ones to many digits.

    >>> divergence(np.zeros((1, 2)), np.array([[0.0, np.log(3)]]), 1.0).round(4).tolist()
    [0.1308]
    """
    return shifted(scores / temperature, shift / temperature)[0]


def shifted(
    scores: Float[np.ndarray, "*rows docs"], shift: Float[np.ndarray, "*rows docs"]
) -> tuple[Float[np.ndarray, "*rows"], Float[np.ndarray, "*rows"]]:
    r"""What a shift does to softmax: the divergence of the distribution after it from the one before, and its variance.

    With c, the shift less its mean under the distribution p after it, the divergence is
    :math:`\log \sum_i p_i e^{-c_i} = \mathrm{log1p} \sum_i p_i (e^{-c_i} - 1 + c_i)`: a sum without a negative term, so
    that nothing cancels where the shift is small.

    Args:
        scores: over their temperature.
        shift: over it too.

    Returns:
        The divergence in nats, and the variance of the shift under p.
    """
    from scipy.special import logsumexp

    after = scores + shift
    total = logsumexp(after, axis=-1, keepdims=True)
    logs = after - total
    shares = np.exp(logs)
    mean = (shares * shift).sum(axis=-1, keepdims=True)
    c = shift - mean
    plain = (mean - total)[..., 0] + logsumexp(scores, axis=-1)
    with np.errstate(over="ignore"):  # where it overflows, the plain difference is exact enough
        far = np.exp(logs - c) - shares + shares * c
        near = shares * np.square(c) * (0.5 - c / 6 + np.square(c) / 24)
        summed = np.where(np.abs(c) < 1e-3, near, far).sum(axis=-1)
    small = plain < 1.0
    return np.where(small, np.log1p(np.where(small, summed, 0.0)), plain), (shares * np.square(c)).sum(axis=-1)
