r"""Vectors to planes of signs, each plane reading what those before it left over; and how the maps are learned.

Maps are plain arrays, one a name, for p planes of m signs of vectors of d numbers:

* `skip` (p, m, d) and `offset` (p, m): the straight part of the maps to signs, W,
* `inner` (p, h, d), `inner_offset` (p, h) and `outer` (p, m, h): their bent part, of h hidden units,
* `back` (p - 1, d, m): from a plane to what it accounts for, R,
* `read` (d, p m) and `mean` (d): from all planes to the vector, their signs being divided by :func:`code_lengths`.

All of them work on vectors of length :math:`\sqrt d`, so that weights of every kind are of one size to the optimiser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from accord.core.random import numpy_generator, torch_generator
from accord.maths.nearest import nearest
from accord.maths.rotation import random_rotation

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = [
    "MAPS",
    "Lesson",
    "code_lengths",
    "drawn_rows",
    "following_maps",
    "learn_maps",
    "recurrent_signs",
    "rotated_maps",
]

MAPS = ("skip", "offset", "inner", "inner_offset", "outer", "back", "read", "mean")
SAMPLE = 20_000
"""Most vectors that are learned from; of more, so many are drawn."""
NEIGHBOURS = 10
"""Of each vector, one of which is drawn beside it."""
CLIP = 5.0
NOISE = 0.2
"""Length of what is added to a unit vector each time it is drawn, so that few vectors are not learned by heart."""
RIDGE = 10.0
"""Rows, for each input of a regression, that hold its matrix back."""
STEPS = (1.596, 0.9957, 0.5860, 0.3352, 0.1881, 0.1041, 0.0569, 0.0308)
"""Steps, in deviations, of the uniform quantisers of 1 to 8 bits that lose least of a normal variable (Max, 1960)."""


def recurrent_signs(vectors: np.ndarray, maps: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    r"""The planes of vectors, the heaviest first.

    .. math:: b_j = \mathrm{sign}(W_j x_j), \qquad x_{j+1} = x_j - R_j b_j, \qquad x_0 = \sqrt d\, f

    .. math:: W_j(x) = A_j x + a_j + C_j \max(0, B_j x + e_j)

    Reference: Gan et al. (2023), Binary Embedding-based Retrieval at Tencent, arXiv:2302.08714, section 3.2.

    Differs from the paper: the maps back are linear, and nothing is brought to unit length on the way.

    Args:
        vectors: (n, dim) float32, of unit length.
        maps: see the module.

    Returns:
        One (n, m) array of booleans a plane.

    >>> none = np.zeros((1, 0))
    >>> maps = {"skip": np.eye(2)[None], "offset": np.zeros((1, 2)), "inner": none[:, :, None], "outer": none[:, None],
    ...         "inner_offset": none, "back": np.zeros((0, 2, 2)), "read": np.eye(2), "mean": np.zeros(2)}
    >>> recurrent_signs(np.array([[0.6, -0.8]]), maps)[0].tolist()
    [[True, False]]
    """
    left, planes = vectors * np.float32(vectors.shape[1] ** 0.5), []
    for plane in range(len(maps["skip"])):
        values = left @ maps["skip"][plane].T + maps["offset"][plane]
        if maps["inner"].shape[1]:
            bent = left @ maps["inner"][plane].T + maps["inner_offset"][plane]
            values += np.maximum(bent, 0, out=bent) @ maps["outer"][plane].T
        planes.append(values > 0)
        if plane < len(maps["back"]):
            left = left - _as_signs(planes[-1]) @ maps["back"][plane].T
    return planes


def code_lengths(planes: Sequence[np.ndarray]) -> np.ndarray:
    r"""Lengths of codes as numbers, beside that of a code whose planes are independent.

    .. math:: r = \Bigl( \frac{|c|^2}{m \sum_j 4^{-j}} \Bigr)^{1/2}, \qquad
        |c|^2 = \sum_{ij} 2^{-(i+j)} (m - 2\,\mathrm{popcount}(b_i \oplus b_j))

    Args:
        planes: (n, m) booleans each, the heaviest first.

    Returns:
        (n,) float32, about 1; exactly 1 of a single plane.

    >>> code_lengths([np.array([[True, True]]), np.array([[True, False]])]).tolist()
    [1.0]
    """
    signs = planes[0].shape[1]
    total = sum(4.0**-plane for plane in range(len(planes)))
    square = np.full(len(planes[0]), signs * total)
    for one, first in enumerate(planes):
        for two, second in enumerate(planes[:one]):
            square += 2.0 ** (1 - one - two) * (signs - 2 * np.count_nonzero(first ^ second, axis=1))
    return np.sqrt(square / (signs * total)).astype(np.float32)


def drawn_rows(count: int, seed: int) -> np.ndarray:
    """The rows of the vectors that are learned from, rising: all, or 20,000 drawn at random.

    >>> drawn_rows(3, 0).tolist(), len(drawn_rows(50_000, 0))
    ([0, 1, 2], 20000)
    """
    return np.sort(numpy_generator(seed, "sample of vectors").permutation(count)[:SAMPLE])


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """How maps are learned.

    Args:
        steps: of the optimiser.
        batch: vectors a step.
        learning_rate: the largest.
        temperature: of the contrast.
        fidelity: weight of the squared distance between a vector and what its code stands for.
    """

    steps: int
    batch: int
    learning_rate: float
    temperature: float
    fidelity: float


def rotated_maps(vectors: np.ndarray, *, planes: int, signs: int, hidden: int, seed: int) -> dict[str, np.ndarray]:
    """Maps before anything is learned: a uniform quantiser after a random rotation.

    The rotation turns the directions in which vectors reach farthest, as many as there are signs a plane. The way back
    from all planes is the turn back, with what a ridge regression adds to it.

    Args:
        vectors: (n, dim), of unit length.
        planes: p.
        signs: m, of a plane.
        hidden: h.
        seed: of the rotation and the hidden units.

    Returns:
        Arrays by name, float32.
    """
    _, axes = np.linalg.eigh(vectors.astype(np.float64).T @ vectors)
    kept = axes[:, ::-1][:, :signs]
    turn = random_rotation(kept.shape[1], signs, seed=seed).T.astype(np.float64) @ kept.T
    wide = vectors.astype(np.float64) * vectors.shape[1] ** 0.5
    values = wide @ turn.T
    spread = max(float(values.std()), 1e-12)
    reaches = [spread * STEPS[planes - 1] * 2.0 ** (planes - 2 - plane) for plane in range(planes)]
    found = []
    for reach in reaches:
        found.append(_as_signs(values > 0).astype(np.float64))
        values = values - reach * found[-1]
    falling = np.hstack([reach * turn.T for reach in reaches])
    every = np.hstack(found) / code_lengths([plane > 0 for plane in found])[:, None]
    guess = every @ falling.T
    falling *= float((guess * wide).sum() / max(float((guess * guess).sum()), 1e-12))
    read = falling + _ridge(every, wide - every @ falling.T)
    skip, back = np.stack([turn / spread] * planes), [reach * turn.T for reach in reaches[:-1]]
    return _maps(skip, back, read, hidden=hidden, seed=seed)


def following_maps(
    vectors: np.ndarray, known: Sequence[np.ndarray], *, hidden: int, seed: int
) -> dict[str, np.ndarray]:
    """Maps before anything is learned: those that come nearest to signs that are known.

    Args:
        vectors: (n, dim), of unit length.
        known: (n, m) booleans a plane.
        hidden: h.
        seed: of the hidden units.

    Returns:
        Arrays by name, float32.
    """
    signs = [_as_signs(plane).astype(np.float64) for plane in known]
    wide = vectors.astype(np.float64) * vectors.shape[1] ** 0.5
    left, skip, offset, back = wide, [], [], []
    for plane in signs:
        middle, mean = left.mean(axis=0), plane.mean(axis=0)
        away = _ridge(left - middle, plane - mean, rows=1.0)
        scale = 1 / max(float(((left - middle) @ away.T).std()), 1e-12)
        skip.append(scale * away)
        offset.append(scale * (mean - away @ middle))
        back.append(_ridge(plane, left))
        left = left - plane @ back[-1].T
    every = np.hstack(signs) / code_lengths(known)[:, None]
    middle, mean = every.mean(axis=0), wide.mean(axis=0)
    read = _ridge(every - middle, wide - mean)
    maps = _maps(np.stack(skip), back[:-1], read, hidden=hidden, seed=seed)
    found = {"offset": np.stack(offset), "mean": mean - read @ middle}
    return maps | {name: array.astype(np.float32) for name, array in found.items()}


def learn_maps(
    vectors: np.ndarray,
    maps: Mapping[str, np.ndarray],
    lesson: Lesson,
    *,
    seed: int,
    older: Sequence[np.ndarray] | None = None,
    weight: float = 0.0,
) -> dict[str, np.ndarray]:
    r"""Maps whose codes find the neighbours that vectors have.

    With c a code as a number, :math:`\hat f` what it stands for, and the others of a batch to choose from, the loss is

    .. math:: \mathrm{NCE}(c, c) + \mathrm{NCE}(f, \hat f) + \lambda\,|f - \hat f|^2
        + w\,[\mathrm{NCE}(c, c_{\mathrm{old}}) + \mathrm{NCE}(f, \hat f_{\mathrm{old}})]

    .. math:: \mathrm{NCE}(q, d) = - \frac1n \sum_{ij} p_{ij} \log \mathrm{softmax}_j(\langle q_i, d_j \rangle / \tau),
        \qquad p_{ij} = \mathrm{softmax}_j(\langle f_i, f_j \rangle / \tau)

    Half of a batch is drawn, and one of each one's nearest neighbours beside it.

    Reference: Gan et al. (2023), arXiv:2302.08714, section 3 (contrast of vectors alone, and with old codes).

    Differs from the paper: positives are graded by how near the vectors are, where the paper has one a vector;
    negatives are hard because neighbours are drawn together, where the paper keeps the hardest of a queue.

    Args:
        vectors: (n, dim), of unit length.
        maps: to start from.
        lesson: how.
        seed: of batches.
        older: (n, m) booleans a plane, the codes that the same texts already have.
        weight: w, of the contrast with those.

    Returns:
        Arrays by name, float32.

    Raises:
        InputError: a loss that runs away.
    """
    if not lesson.steps:
        return dict(maps)
    import torch

    from accord.maths.descent import adam_descent

    weights = {name: torch.from_numpy(np.array(array)).requires_grad_() for name, array in maps.items()}
    old = None if older is None else torch.from_numpy(np.stack([_as_signs(plane) for plane in older], axis=1))
    course = _Course(vectors, weights, lesson, torch_generator(seed, "batches"), older=old, weight=weight)
    learned = [tensor for tensor in weights.values() if tensor.numel()]
    adam_descent(
        learned, course.loss, steps=lesson.steps, learning_rate=lesson.learning_rate, clip=CLIP, name="binarise"
    )
    return {name: tensor.detach().numpy() for name, tensor in weights.items()}


class _Course:
    """The loss of a step."""

    def __init__(
        self,
        vectors: np.ndarray,
        weights: Mapping[str, Tensor],
        lesson: Lesson,
        generator: Generator,
        *,
        older: Tensor | None,
        weight: float,
    ) -> None:
        import torch

        everyone = np.arange(len(vectors))
        near, _ = nearest(vectors, vectors, min(NEIGHBOURS, len(vectors) - 1), order=everyone, leave_out=everyone)
        self.near = torch.from_numpy(near)
        self.vectors = torch.from_numpy(vectors)
        self.weights, self.lesson, self.generator = weights, lesson, generator
        self.older, self.weight = older, weight

    def loss(self, step: int) -> Tensor:
        """Of a batch that is drawn."""
        import torch
        import torch.nn.functional as F

        del step
        rows = self._batch()
        noise = torch.randn(len(rows), self.vectors.shape[1], generator=self.generator)
        vectors = F.normalize(self.vectors[rows] + NOISE / self.vectors.shape[1] ** 0.5 * noise, dim=1)
        same = rows[:, None] == rows
        signs = _forward(vectors, self.weights)
        codes, meant = F.normalize(_codes(signs), dim=1), _vectors(signs, self.weights)
        wanted = self._wanted(vectors, same)
        total = self._contrast(codes, codes, wanted, same) + self._contrast(vectors, meant, wanted, same)
        total = total + self.lesson.fidelity * ((meant - vectors) ** 2).sum(1).mean()
        if self.older is not None and self.weight:
            old, every = self.older[rows], torch.zeros_like(same)
            wanted = self._wanted(vectors, every)
            by_codes = self._contrast(codes, F.normalize(_codes(old), dim=1), wanted, every)
            by_vectors = self._contrast(vectors, _vectors(old, self.weights), wanted, every)
            total = total + self.weight * (by_codes + by_vectors)
        return total

    def _batch(self) -> Tensor:
        import torch

        rows = torch.randint(len(self.vectors), (self.lesson.batch // 2,), generator=self.generator)
        which = torch.randint(self.near.shape[1], rows.shape, generator=self.generator)
        return torch.cat([rows, self.near[rows, which]])

    def _wanted(self, vectors: Tensor, hidden: Tensor) -> Tensor:
        """What of each row's attention each column should have, (n, n)."""
        return (vectors @ vectors.T / self.lesson.temperature).masked_fill(hidden, -1e9).softmax(1)

    def _contrast(self, queries: Tensor, documents: Tensor, wanted: Tensor, hidden: Tensor) -> Tensor:
        scores = (queries @ documents.T / self.lesson.temperature).masked_fill(hidden, -1e9)
        return -(wanted * scores.log_softmax(1)).sum(1).mean()


def _forward(vectors: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """:func:`recurrent_signs` with gradients, (n, planes, m)."""
    import torch
    import torch.nn.functional as F

    from accord.maths.straight_through import sign_through

    left, planes = vectors * vectors.shape[1] ** 0.5, []
    for plane in range(len(weights["skip"])):
        values = F.linear(left, weights["skip"][plane], weights["offset"][plane])
        if weights["inner"].shape[1]:
            bent = F.linear(left, weights["inner"][plane], weights["inner_offset"][plane]).relu()
            values = values + F.linear(bent, weights["outer"][plane])
        planes.append(sign_through(values))
        if plane < len(weights["back"]):
            left = left - F.linear(planes[-1], weights["back"][plane])
    return torch.stack(planes, dim=1)


def _codes(signs: Tensor) -> Tensor:
    """Sums of signs of falling weight, (n, m)."""
    falling = signs.new_tensor([2.0**-plane for plane in range(signs.shape[1])])
    return (signs * falling[:, None]).sum(1)


def _vectors(signs: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """What signs stand for, (n, dim)."""
    import torch.nn.functional as F

    total = signs.shape[2] * sum(4.0**-plane for plane in range(signs.shape[1]))
    lengths = _codes(signs).norm(dim=1, keepdim=True) / total**0.5
    return F.linear(signs.flatten(1) / lengths, weights["read"], weights["mean"]) / len(weights["read"]) ** 0.5


def _maps(
    skip: np.ndarray, back: Sequence[np.ndarray], read: np.ndarray, *, hidden: int, seed: int
) -> dict[str, np.ndarray]:
    """All maps, the bent parts giving nothing yet."""
    planes, signs, dim = skip.shape
    draws = numpy_generator(seed, "hidden units")
    maps = {
        "skip": skip, "offset": np.zeros((planes, signs)), "inner": draws.normal(size=(planes, hidden, dim)) / dim**0.5,
        "inner_offset": np.zeros((planes, hidden)), "outer": np.zeros((planes, signs, hidden)),
        "back": np.array(back).reshape(planes - 1, dim, signs), "read": read, "mean": np.zeros(dim),
    }  # fmt: skip
    return {name: maps[name].astype(np.float32) for name in MAPS}


def _ridge(inputs: np.ndarray, outputs: np.ndarray, *, rows: float = RIDGE) -> np.ndarray:
    """(out, in): the matrix that takes inputs to outputs, held back as by so many more rows for each input."""
    square = inputs.T @ inputs
    square[np.diag_indices_from(square)] += max(rows * np.trace(square) / len(inputs), 1e-12)
    return np.linalg.solve(square, inputs.T @ outputs).T


def _as_signs(plane: np.ndarray) -> np.ndarray:
    return np.where(plane, np.float32(1), np.float32(-1))
