"""Shifts of small tuned encoders added to a large one, with weights that are solved for each query."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_positive
from accord.core.spec import Described
from accord.maths.score_shifts import check_shifts, divergence, shifted

__all__ = ["DynamicShift", "dynamic_weights"]

ROUNDS = 60
CLOSE = 1e-12


def dynamic_weights(
    base: Float[np.ndarray, "queries docs"],
    tuned: Float[np.ndarray, "experts queries docs"],
    untuned: Float[np.ndarray, "experts queries docs"],
    *,
    temperature: float = 0.05,
    most: float = 2.0,
) -> Float[np.ndarray, "queries experts"]:
    r"""How much of each expert's shift to add to the large encoder's scores, for each query.

    With the distribution of a query over its candidates :math:`P = \mathrm{softmax}(s / \tau)`, expert t moved it by
    :math:`k_t = \mathrm{KL}(P_t \,\|\, P_{0,t})` when it was tuned. Its weight is :math:`\alpha_t = \lambda w_t` with

    .. math:: w_t = \frac{k_t}{\sum_u k_u}, \qquad
              \mathrm{KL}\Bigl(\mathrm{softmax}\bigl(\tfrac{s_L + \lambda \sum_t w_t \delta_t}{\tau}\bigr) \,\Big\|\,
              \mathrm{softmax}\bigl(\tfrac{s_L}{\tau}\bigr)\Bigr) = \sum_t w_t k_t

    and :math:`\delta_t = s_t - s_{0,t}`: the large encoder is moved as far from where it was as the experts were moved
    from where they were. The left side rises with :math:`\lambda`, so there is one solution, found by Newton steps
    within brackets for all queries at once.

    Also known as: dynamic logit fusion, weak-to-strong fusion.

    Reference: Fan et al. (2024), On Giant's Shoulders, arXiv:2406.15480 (weights under KL constraints); the shifted
    scores are those of its logit arithmetic.

    Differs from the paper: candidates of a query in place of tokens of a decoding step, similarities over a temperature
    in place of logits. For one expert the condition is the paper's, solved exactly instead of by search. For several a
    single divergence does not settle several weights; here an expert's share goes by how far tuning moved it on this
    query, and the length along that direction is what the condition settles.

    Args:
        base: scores of the large encoder for the candidates of each query.
        tuned: of small encoders after tuning, for the same candidates.
        untuned: of the same before it.
        temperature: > 0; about the one that the encoders were tuned with.
        most: the largest :math:`\lambda`, where experts contradict each other or the condition cannot be met; > 0.

    Returns:
        In [0, most]; the rows sum to at most `most`, and are 0 where no expert moved.

    Raises:
        InputError: shapes that do not fit, a score that is not finite, a temperature or bound that is not above 0.

    >>> base, before = np.array([[0.6, 0.5, 0.1]]), np.array([[[0.4, 0.4, 0.2]], [[0.3, 0.1, 0.1]]])
    >>> after = before + np.array([[[0.0, 0.2, 0.0]], [[0.0, 0.0, 0.0]]])
    >>> dynamic_weights(base, after, before).round(2).tolist()
    [[0.58, 0.0]]
    """
    check_positive("temperature", temperature)
    check_positive("most", most)
    base, shifts, before = check_shifts(base, tuned, untuned)
    moved = divergence(before, shifts, temperature).T
    total = moved.sum(axis=1, keepdims=True)
    shares = np.divide(moved, total, out=np.full_like(moved, 1.0 / len(shifts)), where=total > 0)
    wanted = (shares * moved).sum(axis=1)
    direction = np.einsum("qt,tqd->qd", shares, shifts)
    return shares * _length(base / temperature, direction / temperature, wanted, most)[:, None]


def _length(
    base: Float[np.ndarray, "queries docs"],
    direction: Float[np.ndarray, "queries docs"],
    wanted: Float[np.ndarray, " queries"],
    most: float,
) -> Float[np.ndarray, " queries"]:
    """Where the divergence from the base reaches what is wanted; `most` where it does not."""
    low, high = np.zeros_like(wanted), np.full_like(wanted, most)
    length = np.where(_reached(base, direction, high)[0] <= wanted, most, 0.5 * most)
    open_rows = np.flatnonzero((wanted > 0) & (length < most))
    length[wanted <= 0] = 0.0
    for _ in range(ROUNDS):
        if not len(open_rows):
            break
        rows = open_rows
        value, slope = _reached(base[rows], direction[rows], length[rows])
        over = value > wanted[rows]
        high[rows] = np.where(over, length[rows], high[rows])
        low[rows] = np.where(over, low[rows], length[rows])
        step = np.divide(value - wanted[rows], slope, out=np.full_like(value, np.inf), where=slope > 0)
        newton = length[rows] - step
        inside = (newton > low[rows]) & (newton < high[rows])
        met = np.abs(value - wanted[rows]) <= CLOSE * wanted[rows]
        length[rows] = np.where(met, length[rows], np.where(inside, newton, 0.5 * (low[rows] + high[rows])))
        open_rows = rows[~met & (high[rows] - low[rows] > CLOSE * most)]
    return length


def _reached(base: np.ndarray, direction: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The divergence from the base at a length, and its derivative."""
    value, variance = shifted(base, length[:, None] * direction)
    return value, np.divide(variance, length, out=np.zeros_like(value), where=length > 0)


class DynamicShift(Described):
    """Fuse by :func:`dynamic_weights`.

    Reference: Fan et al. (2024), On Giant's Shoulders, arXiv:2406.15480.

    Args:
        temperature: of the distribution over a query's candidates, > 0.
        most: the largest sum of a query's weights, > 0.

    Raises:
        InputError: one that is not above 0.
    """

    def __init__(self, *, temperature: float = 0.05, most: float = 2.0) -> None:
        check_positive("temperature", temperature)
        check_positive("most", most)
        self.temperature = temperature
        self.most = most

    def fuse(
        self,
        base: Float[np.ndarray, "queries docs"],
        tuned: Float[np.ndarray, "experts queries docs"],
        untuned: Float[np.ndarray, "experts queries docs"],
    ) -> Float[np.ndarray, "queries docs"]:
        """One score for each query and candidate."""
        weights = dynamic_weights(base, tuned, untuned, temperature=self.temperature, most=self.most)
        base, shifts, _ = check_shifts(base, tuned, untuned)
        return base + np.einsum("qt,tqd->qd", weights, shifts)
