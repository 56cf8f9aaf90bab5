"""K-means with a seed and without a race: the same clusters on every run."""

from __future__ import annotations

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.random import derive

__all__ = ["k_means"]

LARGE = 20_000


def k_means(vectors: np.ndarray, clusters: int, *, starts: int = 10, seed: int = 0) -> np.ndarray:
    """Partition of least squared distance to the cluster means, the best of several k-means++ starts.

    OpenMP adds partial sums in whatever order threads finish; one thread keeps two runs equal to the bit.

    Reference: Lloyd (1982); Arthur & Vassilvitskii (2007) for the starts; Sculley (2010) for mini-batches.

    Args:
        vectors: (n, dim).
        clusters: at least 1, at most n.
        starts: runs of which the tightest is kept.
        seed: of the starts.

    Returns:
        (n,) cluster codes from 0; past 20,000 rows by mini-batches.

    Raises:
        InputError: more clusters than rows.

    >>> k_means(np.array([[0.0], [0.1], [5.0], [5.1]]), 2).tolist() in ([0, 0, 1, 1], [1, 1, 0, 0])
    True
    """
    import warnings

    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    check_at_least("clusters", clusters, 1)
    if clusters > len(vectors):
        raise InputError(f"`clusters` must be at most the number of rows, {len(vectors)}. Got {clusters} instead.")
    state = derive(seed, "k-means") % 2**32
    if len(vectors) > LARGE:
        model = MiniBatchKMeans(
            clusters,
            n_init=starts,  # pyright: ignore[reportArgumentType]
            random_state=state,
            batch_size=4096,
        )
    else:
        model = KMeans(clusters, n_init=starts, random_state=state)  # pyright: ignore[reportArgumentType]
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters: some stay empty
        return model.fit_predict(np.asarray(vectors, dtype=np.float32)).astype(np.int64)
