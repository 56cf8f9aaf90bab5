"""Principal directions: the few numbers of a row that say most about its inner products."""

from __future__ import annotations

import numpy as np

__all__ = ["principal_directions"]


def principal_directions(sample: np.ndarray, share: float, *, multiple: int = 1) -> np.ndarray:
    r"""The fewest orthogonal directions that hold a share of the rows' squared lengths.

    .. math:: X^\top X = V \,\mathrm{diag}(\lambda)\, V^\top, \qquad
        r = \min \Big\{ r : \sum_{i \le r} \lambda_i \ge s \sum_i \lambda_i \Big\}

    The mean is not taken away, so that inner products of turned rows and queries stay what they were but for the
    directions that are left out.

    Also known as: uncentred PCA, truncated SVD, latent semantic analysis.

    Reference: Eckart & Young (1936), The approximation of one matrix by another of lower rank, Psychometrika 1.

    Args:
        sample: (n, dim) rows.
        share: of the sum of their squared lengths, in (0, 1].
        multiple: their number is rounded up to one of its multiples, dim at most.

    Returns:
        (r, dim) float32, orthonormal rows, the most important first.

    >>> principal_directions(np.array([[3.0, 4.0], [-6.0, -8.0]]), 0.9).round(3).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    wide = sample.astype(np.float64)
    values, vectors = np.linalg.eigh(wide.T @ wide)
    held = np.cumsum(np.maximum(values[::-1], 0))
    count = 1 + int(np.searchsorted(held, share * held[-1] * (1 - 1e-12)))
    count = min(-(-count // multiple) * multiple, sample.shape[1])
    chosen = vectors[:, ::-1][:, :count].T
    largest = np.abs(chosen).argmax(axis=1)
    signs = np.sign(chosen[np.arange(count), largest])
    return np.ascontiguousarray(chosen * signs[:, None], dtype=np.float32)
