"""The nearest second text of each first one, one for one: equal texts are different rows."""

from __future__ import annotations

import numpy as np

__all__ = ["nearest_translations"]

CHUNK = 100


def nearest_translations(left: np.ndarray, right: np.ndarray, *, kind: str = "cosine") -> np.ndarray:
    """Row of `right` with the highest score for each row of `left`; which of several equal ones is the backend's whim.

    Reference: Muennighoff et al. (2023), MTEB, arXiv:2210.07316, section 3.2 (bitext mining).

    Args:
        left: (n, dim).
        right: (m, dim).
        kind: "cosine" or "dot".

    Returns:
        (n,) row numbers.

    >>> nearest_translations(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)[::-1].copy()).tolist()
    [1, 0]
    """
    import torch

    from accord.maths.similarity import similarity

    first, second = (torch.as_tensor(np.asarray(x, dtype=np.float32)) for x in (left, right))
    parts = (first[start : start + CHUNK] for start in range(0, len(first), CHUNK))
    found = [torch.topk(similarity(part, second, kind=kind), 1, dim=1, sorted=False).indices[:, 0] for part in parts]
    return torch.cat(found).numpy()
