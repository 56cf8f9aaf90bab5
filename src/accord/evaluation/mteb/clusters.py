"""Clusterings by mini-batch k-means: of documents drawn again and again, or once of each set."""

from __future__ import annotations

import random
import warnings

import numpy as np

from accord.maths.contingency import v_measure

__all__ = ["legacy_clusters", "resampled_v_measures", "sampled_rows"]

SEED = 42
EXPERIMENTS = 10


def sampled_rows(n: int, sample: float, generator: random.Random) -> np.ndarray:
    """The rows that are encoded at all: a share of them, or a number where `sample` is above 1.

    >>> len(sampled_rows(100, 0.04, random.Random(42))), len(sampled_rows(100, 250, random.Random(42)))
    (4, 100)
    """
    size = min(n, int(sample * n) if sample <= 1 else int(sample))
    return np.array(generator.sample(range(n), k=size), dtype=np.int64)


def resampled_v_measures(vectors: np.ndarray, labels: np.ndarray, generator: random.Random, *, draw: int) -> np.ndarray:
    """V-measure of ten clusterings, each of `draw` rows drawn with replacement.

    Reference: Enevoldsen et al. (2025), MMTEB, arXiv:2502.13595, section 2.3.2 (fast clustering); Sculley (2010) for
    mini-batch k-means.

    Differs from the paper: rows are drawn with replacement, as mteb does.

    Args:
        vectors: (n, dim), as the model gives them.
        labels: (n,) codes.
        generator: continues from the draw of the rows that were encoded.
        draw: rows of each clustering.

    Returns:
        (10,) in [0, 1].
    """
    clusters = len(np.unique(labels))
    values = []
    for _ in range(EXPERIMENTS):
        rows = np.array(generator.choices(range(len(vectors)), k=draw), dtype=np.int64)
        values.append(v_measure(labels[rows], _mini_batch(vectors[rows], clusters, batch=512, starts=1)))
    return np.array(values)


def legacy_clusters(vectors: np.ndarray, clusters: int) -> np.ndarray:
    """One clustering of all rows of a set.

    Reference: Muennighoff et al. (2023), MTEB, arXiv:2210.07316, section 3.2 (clustering).

    Args:
        vectors: (n, dim), as the model gives them.
        clusters: labels that occur among them.

    Returns:
        (n,) cluster codes.
    """
    return _mini_batch(vectors, clusters, batch=500, starts="auto")


def _mini_batch(vectors: np.ndarray, clusters: int, *, batch: int, starts: int | str) -> np.ndarray:
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    model = MiniBatchKMeans(
        clusters,
        batch_size=batch,
        n_init=starts,  # pyright: ignore[reportArgumentType]
        random_state=SEED,
    )
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters: some stay empty
        return model.fit_predict(vectors).astype(np.int64)
