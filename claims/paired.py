"""The test that decides a claim: paired over examples and seeds, with every task weighed equally."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.core.errors import InputError
from accord.core.random import numpy_generator

__all__ = ["Paired", "compare", "verdict"]

FLIPS = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Paired:
    """A method beside its baseline.

    Args:
        effect: mean difference, method minus baseline; each task counts the same.
        ci: interval of the effect over examples and seeds.
        p: two-sided.
        n: examples of all tasks, each counted once whatever the number of seeds.
    """

    method_score: float
    baseline_score: float
    effect: float
    ci: tuple[float, float]
    p: float
    n: int

    @property
    def verdict(self) -> str:
        """What the numbers allow to say."""
        return verdict(self.ci, self.p)


def verdict(ci: tuple[float, float], p: float, *, alpha: float = 0.05) -> str:
    """`holds`, `fails` or `inconclusive`.

    The method must be better (worse) by both accounts: p below `alpha`, and an interval, which knows the seeds, wholly
    above (below) zero. Everything else is inconclusive, a difference of nothing included.

    >>> verdict((0.01, 0.03), 0.001), verdict((-0.03, -0.01), 0.001), verdict((-0.01, 0.03), 0.001)
    ('holds', 'fails', 'inconclusive')
    """
    if p < alpha and ci[0] > 0:
        return "holds"
    if p < alpha and ci[1] < 0:
        return "fails"
    return "inconclusive"


def compare(
    method: Mapping[str, np.ndarray],
    baseline: Mapping[str, np.ndarray],
    *,
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Paired:
    """Compare two sides that were measured on the same examples with the same seeds.

    The effect is the mean over tasks of the mean difference over seeds and examples. Its interval comes from drawing
    seeds and, within each task, examples with replacement, both at once, so that a method whose gain depends on the
    seed has a wide one. p comes from flipping the sign of each example's difference (its mean over seeds), within
    tasks, which keeps the weight of each task.

    Reference: Owen (2007), The pigeonhole bootstrap, arXiv:0712.1111 (examples and seeds drawn together); Fisher (1935)
    for the sign flips; Phipson and Smyth (2010) for p = (1 + extreme) / (1 + resamples).

    Args:
        method: for each task, values of shape (seeds, examples).
        baseline: the same, in the same order.
        level: of the interval.
        resamples: draws of each kind.
        seed: of the draws.

    Raises:
        InputError: no task, or two sides that do not match.

    >>> side = {"a": np.array([[1.0, 1.0, 1.0]]), "b": np.array([[0.5]])}
    >>> compare(side, {"a": np.zeros((1, 3)), "b": np.array([[0.5]])}).effect
    0.5
    """
    _check(method, baseline)
    differences = [np.asarray(method[task], float) - np.asarray(baseline[task], float) for task in method]
    effect = float(np.mean([d.mean() for d in differences]))
    drawn = _draws(differences, resamples, seed)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Paired(
        method_score=float(np.mean([np.mean(v) for v in method.values()])),
        baseline_score=float(np.mean([np.mean(v) for v in baseline.values()])),
        effect=effect,
        ci=(float(low), float(high)),
        p=_sign_flip_p(differences, resamples, seed),
        n=sum(d.shape[1] for d in differences),
    )


def _check(method: Mapping[str, np.ndarray], baseline: Mapping[str, np.ndarray]) -> None:
    if not method or list(method) != list(baseline):
        raise InputError(f"Both sides must have the same tasks. Got {list(method)} and {list(baseline)}.")
    seeds = {np.shape(side[task])[:1] for side in (method, baseline) for task in side}
    for task in method:
        shapes = np.shape(method[task]), np.shape(baseline[task])
        if shapes[0] != shapes[1] or len(shapes[0]) != 2 or 0 in shapes[0] or len(seeds) > 1:
            raise InputError(
                f"Values of `{task}` must be (seeds, examples) on both sides, with equal seeds. Got {shapes}."
            )


def _draws(differences: list[np.ndarray], resamples: int, seed: int) -> np.ndarray:
    generator = numpy_generator(seed, "pigeonhole")
    seeds = differences[0].shape[0]
    weights = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds  # (resamples, seeds)
    total = np.zeros(resamples)
    for task in differences:
        n = task.shape[1]
        for start in range(0, resamples, max(1, FLIPS // n)):
            part = slice(start, min(resamples, start + max(1, FLIPS // n)))
            rows = generator.integers(0, n, size=(part.stop - part.start, n))
            means = np.stack([values[rows].mean(axis=1) for values in task], axis=1)  # (draws, seeds)
            total[part] += (means * weights[part]).sum(axis=1) / len(differences)
    return total


def _sign_flip_p(differences: list[np.ndarray], resamples: int, seed: int) -> float:
    generator = numpy_generator(seed, "sign flips")
    shares = np.concatenate([d.mean(axis=0) / d.shape[1] for d in differences])
    moving = shares[shares != 0]
    if not len(moving):
        return 1.0
    reach = abs(moving.sum()) - 1e-12 * np.abs(moving).sum()
    extreme, step = 0, max(1, FLIPS // len(moving))
    for start in range(0, resamples, step):
        signs = generator.integers(0, 2, size=(min(step, resamples - start), len(moving))) * 2 - 1
        extreme += int((np.abs(signs @ moving) >= reach).sum())
    return (1 + extreme) / (1 + resamples)
