"""What a student is asked to give: teachers' vectors in as many dimensions as it has, turned towards its own space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_at_least
from accord.core.errors import InputError

__all__ = ["joined_vectors", "principal_axes", "turn"]


def principal_axes(vectors: Float[np.ndarray, "n dim"], rank: int) -> Float[np.ndarray, "dim rank"]:
    r"""The orthonormal axes that keep most of the inner products of some vectors.

    .. math:: \frac1n X^\top X = U \Lambda U^\top, \qquad A = U_{:, :r}

    The vectors are not centred: among all products :math:`X A A^\top X^\top` of this rank, the one of the leading axes
    is nearest to :math:`X X^\top`, and cosines are what a student must keep.

    Also known as: uncentred principal component analysis, truncated singular value decomposition, latent semantics.

    Reference: Eckart & Young (1936), Psychometrika 1.

    Args:
        vectors: X.
        rank: r, from 1 to dim.

    Returns:
        Columns by falling share; the largest number of each is positive.

    Raises:
        InputError: another rank, or no vectors.

    >>> principal_axes(np.array([[3.0, 0.0, 0.0], [0.0, 0.0, -2.0]]), 2).tolist()
    [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]
    """
    check_at_least("rank", rank, 1)
    if vectors.ndim != 2 or not len(vectors) or rank > vectors.shape[1]:
        raise InputError(f"`rank` must be at most the dimensions of some vectors. Got {rank} for {vectors.shape}.")
    moment = np.zeros((vectors.shape[1],) * 2)
    for start in range(0, len(vectors), 8192):
        block = vectors[start : start + 8192].astype(np.float64)
        moment += block.T @ block
    axes = np.linalg.eigh(moment)[1][:, ::-1][:, :rank]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(rank)])
    return axes * np.where(signs == 0, 1.0, signs) + 0.0


def turn(vectors: Float[np.ndarray, "n dim"], towards: Float[np.ndarray, "n other"]) -> Float[np.ndarray, "dim other"]:
    r"""The turn of some vectors that lays them as near as possible to others, with all inner products kept.

    .. math:: \max_{R R^\top = I} \operatorname{tr}(R^\top X^\top Y) \;\Rightarrow\; X^\top Y = U \Sigma V^\top,\;
              R = U V^\top

    A student that is asked for turned vectors need not learn a turn, and ranks as it would without.

    Also known as: orthogonal Procrustes.

    Reference: Schönemann (1966), Psychometrika 31.

    Args:
        vectors: X, in at most as many dimensions as the others.
        towards: Y, vectors of the same texts.

    Returns:
        R, with orthonormal rows.

    Raises:
        InputError: other vectors of fewer dimensions, or of other texts.

    >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> turn(x, np.array([[0.0, 2.0, 0.0], [-3.0, 0.0, 0.0]])).round(3).tolist()
    [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]
    """
    if vectors.shape[1] > towards.shape[1] or len(vectors) != len(towards):
        raise InputError(f"`towards` must have as many rows, and dimensions enough. Got {vectors.shape}, "
                         f"{towards.shape}.")  # fmt: skip
    u, _, v = np.linalg.svd(vectors.astype(np.float64).T @ towards.astype(np.float64), full_matrices=False)
    return u @ v + 0.0


def joined_vectors(
    vectors: Sequence[Float[np.ndarray, "n _"]], weights: Sequence[float]
) -> Float[np.ndarray, "n total"]:
    r"""One vector a text whose cosines are the weighted means of several teachers' cosines.

    .. math:: z_i = \bigl(\sqrt{\alpha_1}\, \hat t^{\,1}_i, \dots, \sqrt{\alpha_S}\, \hat t^{\,S}_i\bigr), \qquad
              z_i^\top z_j = \sum_s \alpha_s \cos(t^s_i, t^s_j)

    Also known as: concatenated embeddings, meta-embedding; the target of DistillWeighted for vectors.

    Reference: Borup et al. (2023), arXiv:2304.12314 (the sum over teachers of DistillWeighted); Yin & Schütze (2016),
    arXiv:1508.04257 (weighted concatenation).

    Differs from the paper: cosines are averaged in the place of divergences between labels, so that teachers of any
    dimension need neither a common space nor heads.

    Args:
        vectors: of each teacher, of the same texts; a teacher without weight is left out.
        weights: at least 0, one a teacher; divided by their sum.

    Returns:
        (n, total) float32, of length 1 where no teacher gives zeros.

    Raises:
        InputError: no weight above 0, or not one a teacher.

    >>> joined_vectors([np.eye(2), np.ones((2, 1))], [0.75, 0.25]).tolist()  # doctest: +ELLIPSIS
    [[0.866..., 0.0, 0.5], [0.0, 0.866..., 0.5]]
    """
    total = float(sum(weights))
    if len(vectors) != len(weights) or not total > 0 or min(weights) < 0:
        raise InputError(f"`weights` must be one a teacher, none below 0 and some above. Got {list(weights)}.")
    parts = []
    for one, weight in zip(vectors, weights):
        if weight:
            lengths = np.linalg.norm(one, axis=1, keepdims=True)
            unit = np.divide(one, lengths, out=np.zeros(one.shape, dtype=np.float32), where=lengths > 0)
            parts.append(np.float32(np.sqrt(weight / total)) * unit)
    return np.concatenate(parts, axis=1, dtype=np.float32)
