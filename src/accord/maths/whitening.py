"""Whitening: a linear map after which a cloud of vectors has mean zero and the same spread in every direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.core.errors import InputError

__all__ = ["Whitening", "whitening"]


@dataclass(frozen=True)
class Whitening:
    r"""Vectors to white vectors: :math:`(x - \mu)\,W`.

    Args:
        mean: (dim,).
        matrix: (dim, rank); its columns are sorted by the variance that they had.
    """

    mean: np.ndarray
    matrix: np.ndarray

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """(n, rank) white vectors of (n, dim)."""
        return (vectors - self.mean) @ self.matrix


def whitening(
    vectors: np.ndarray, *, dim: int | None = None, symmetric: bool = False, shrinkage: float = 0.0
) -> Whitening:
    r"""Fit a whitening to vectors.

    .. math:: \Sigma = U \Lambda U^\top, \qquad W = U \Lambda^{-1/2} \ \ \text{or}\ \ U \Lambda^{-1/2} U^\top

    Also known as: sphering; PCA whitening, ZCA whitening (symmetric), isotropic post-processing.

    Reference: Su et al. (2021), Whitening Sentence Representations, arXiv:2103.15316, eq. 6-8; Kessy et al. (2018),
    The American Statistician 72, for the symmetric form.

    Differs from the paper: shrinkage, for fewer vectors than dimensions allow a stable covariance; directions without
    any variance map to zero.

    Args:
        vectors: (n, dim) with n at least 2.
        dim: directions to keep, those of greatest variance; all when None. Not with `symmetric`.
        symmetric: stay as near as possible to the vectors as they are, instead of turning to the principal axes.
        shrinkage: in [0, 1], how far the covariance is drawn towards its mean variance times the identity.

    Raises:
        InputError: fewer than two vectors, or `dim` with `symmetric`.

    >>> x = np.random.default_rng(0).normal(size=(500, 3)) @ np.diag([5.0, 1.0, 0.1]) + 7
    >>> bool(np.allclose(np.cov(whitening(x)(x).T), np.eye(3)))
    True
    """
    if vectors.ndim != 2 or len(vectors) < 2:
        raise InputError(f"`vectors` must be (n, dim) with n at least 2. Got shape {vectors.shape}.")
    if symmetric and dim is not None:
        raise InputError("`dim` chooses principal axes, which a symmetric whitening does not have. Leave one out.")
    values = vectors.astype(np.float64)
    mean = values.mean(axis=0)
    covariance = np.cov(values.T).reshape(values.shape[1], values.shape[1])
    level = np.trace(covariance) / len(covariance)
    covariance = (1 - shrinkage) * covariance + shrinkage * level * np.eye(len(covariance))
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1], axes[:, ::-1]
    real = variances > max(variances[0], 0.0) * 1e-10
    scale = np.where(real, 1.0 / np.sqrt(np.where(real, variances, 1.0)), 0.0)
    matrix = (axes * scale) @ axes.T if symmetric else (axes * scale)[:, :dim]
    return Whitening(mean, matrix)
