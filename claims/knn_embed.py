"""kNN-Embed: a user as a mixture over clusters of items, beside the user as one vector.

The paper asks for candidates with a vector for each of a user's interests, in proportion to their weights, which are
smoothed by those of the nearest users; recall and diversity rise over one vector a user.

Here items are factors of who chose what before (singular vectors of the normalised counts), films and artists. The
last fifth of every user's choices is to be found among 100 candidates, the fifth before it chooses the settings. Both
sides try equally many: dimensions, neighbour smoothing, and the number of clusters or how fast the past is forgotten.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.paired import compare
from claims.study import row

if TYPE_CHECKING:
    from accord.retrieval.choices import Interests

__all__ = ["CLAIM"]

CANDIDATES = 100
LEAST, LIKED = 10, 4.0
"""Choices that a user must have made, and the rating from which a film counts as chosen."""
NEIGHBOURS = 10
DIMS, CLUSTERS, SMOOTHING, HALF_LIVES = (64, 128, 256), (4, 8, 16), (0.0, 0.2, 0.5, 0.8), (0, 20, 5)
USERS = {"quick": 300, "full": 2_000}
MIXTURE, BARE, SINGLE = "a mixture", "a mixture, not smoothed", "one vector"


def run(context: Context) -> Outcome:
    """Tune both sides on the second last fifth, and find the last."""
    begun = time.perf_counter()
    sides: dict[str, dict[str, np.ndarray]] = {MIXTURE: {}, BARE: {}, SINGLE: {}}
    spread: dict[str, dict[str, Any]] = {}
    for role, folder in context.data.items():
        past = _histories(folder, USERS[context.scale])
        parts = {"dev": Choices(past, 0.6, 0.8), "test": Choices(past, 0.8, 1.0)}
        mixtures = list(product(DIMS, CLUSTERS, SMOOTHING))
        grids = {
            MIXTURE: mixtures,
            BARE: [settings for settings in mixtures if not settings[2]],
            SINGLE: list(product(DIMS, HALF_LIVES, SMOOTHING)),
        }
        spread[role] = {"users": len(parts["test"].users), "items": len(parts["test"].items)}
        for arm, grid in grids.items():
            dev = {
                settings: np.mean(_measured(context, role, parts, "dev", arm, settings, context.seeds[0])["recall"])
                for settings in grid
            }
            best = max(dev, key=dev.__getitem__)
            runs = [_measured(context, role, parts, "test", arm, best, seed) for seed in context.seeds]
            sides[arm][role] = np.array([found["recall"] for found in runs])
            spread[role][arm] = {
                "settings": list(best),
                "dev": round(float(dev[best]), 4),
                "recall": round(float(sides[arm][role].mean()), 4),
                "diversity": round(float(np.mean([found["diversity"] for found in runs])), 4),
            }
            context.say(f"{role}, {arm}: {spread[role][arm]}")
    method, baseline = sides[MIXTURE], sides[SINGLE]
    return Outcome(
        paired=compare(method, baseline),
        seconds=time.perf_counter() - begun,
        tasks=[row(compare({task: method[task]}, {task: baseline[task]}), task=task) for task in method],
        details={
            "found": spread,
            "comparisons": {
                f"{a} against {b}": row(compare(sides[a], sides[b])) for a, b in ((MIXTURE, BARE), (BARE, SINGLE))
            },
        },
        notes=[
            "Item vectors are singular vectors of counts, where the paper trains vectors of users and items together.",
            "Diversity is the mean cosine distance of two candidates. Settings: dimensions, clusters or half-life "
            "(0: none), the neighbours' share.",
            *_ends(spread),
        ],
    )


def _ends(spread: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A note on settings that are the largest of their grid, so that the best may lie beyond."""
    at = [
        f"{what} of {arm} ({role})"
        for role, arms in spread.items()
        for arm in (MIXTURE, BARE, SINGLE)
        for what, value, grid in zip(
            ("dimensions", "half-life" if arm == SINGLE else "clusters", "share"),
            arms[arm]["settings"],
            (DIMS, HALF_LIVES if arm == SINGLE else CLUSTERS, SMOOTHING),
        )
        if value == max(grid)
    ]
    return [f"At the upper end of their grid: {', '.join(at)}."] if at else []


@dataclass(frozen=True)
class Choices:
    """What users chose up to a point, and what they chose from there to the next.

    Args:
        past: items of each user, in order.
        now: the share of them that is known.
        end: where what is to be found ends.
    """

    past: Mapping[str, Sequence[str]]
    now: float
    end: float

    @cached_property
    def users(self) -> dict[str, tuple[list[str], set[str]]]:
        """What is known of each user, and what is to be found."""
        found = {}
        for name, items in self.past.items():
            cut, end = round(self.now * len(items)), round(self.end * len(items))
            found[name] = list(items[:cut]), set(items[cut:end]) - set(items[:cut])
        return found

    @cached_property
    def items(self) -> dict[str, int]:
        """Known items, by number."""
        return {item: n for n, item in enumerate(dict.fromkeys(i for known, _ in self.users.values() for i in known))}

    def vectors(self, dim: int) -> np.ndarray:
        """Unit vectors of the known items: right singular vectors of the normalised counts."""
        from scipy.sparse import csr_matrix, diags
        from scipy.sparse.linalg import svds

        from accord.core.random import numpy_generator
        from accord.maths.nearest import unit_rows

        rows = [self.items[item] for known, _ in self.users.values() for item in known]
        owners = np.repeat(np.arange(len(self.users)), [len(known) for known, _ in self.users.values()])
        counts = csr_matrix((np.ones(len(rows)), (owners, rows)), shape=(len(self.users), len(self.items)))
        left, right = (np.asarray(counts.sum(axis=axis)).ravel().clip(1.0) ** -0.5 for axis in (1, 0))
        scaled = diags(left) @ counts @ diags(right)
        start = numpy_generator(0, "svd").standard_normal(min(scaled.shape))
        _, values, factors = svds(scaled, k=min(dim, min(scaled.shape) - 1), v0=start)
        return unit_rows(np.asarray(factors).T * values)


def _histories(folder: Path, users: int) -> dict[str, list[str]]:
    """Chosen items of some users, oldest first."""
    from accord.core.random import derive
    from accord.data.formats import read_table

    file = next(file for file in sorted(folder.glob("sequences.jsonl*")))
    found: dict[str, list[str]] = {}
    for line in read_table(file).to_pylist():
        ratings = line.get("ratings") or [LIKED] * len(line["items"])
        items = dict.fromkeys(str(item) for item, rating in zip(line["items"], ratings) if rating >= LIKED)
        if len(items) >= LEAST:
            found[str(line["user"])] = list(items)
    kept = sorted(found, key=lambda name: derive(0, "user", name))[:users]
    return {name: found[name] for name in kept}


def _measured(
    context: Context,
    role: str,
    parts: Mapping[str, Choices],
    part: str,
    arm: str,
    settings: tuple[float, ...],
    seed: int,
) -> dict[str, list[float]]:
    """Recall among the candidates, and their diversity, of each user."""
    choices = parts[part]
    way = SINGLE if arm == SINGLE else MIXTURE

    def make() -> dict[str, list[float]]:
        dim = int(settings[0])
        vectors = choices.vectors(dim)
        single = way == SINGLE
        found = _single(choices, vectors, settings) if single else _mixed(choices, vectors, settings, seed)
        wanted = [(name, want) for name, (_, want) in choices.users.items() if want]
        recall = [len(want & set(found[name])) / len(want) for name, want in wanted]
        return {"recall": recall, "diversity": [_distance(vectors, choices, found[name]) for name, _ in wanted]}

    key = {"users": list(choices.past), "ends": [choices.now, choices.end], "way": way, "settings": list(settings)}
    return context.cached({**key, "role": context.data[role].name, "seed": seed if way == MIXTURE else 0}, make)


def _distance(vectors: np.ndarray, choices: Choices, found: Sequence[str]) -> float:
    """Mean cosine distance of two candidates."""
    rows = vectors[[choices.items[name] for name in found]].astype(np.float64)
    n = len(rows)
    return float(1 - ((rows.sum(axis=0) ** 2).sum() - (rows**2).sum()) / max(n * (n - 1), 1))


def _mixed(choices: Choices, vectors: np.ndarray, settings: tuple[float, ...], seed: int) -> dict[str, list[str]]:
    from accord.retrieval import Store
    from accord.retrieval.choices import KnnEmbed

    _, clusters, smoothing = settings
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "items", model={"dim": vectors.shape[1]})
        with store, store.write() as writer:
            writer.add([{"id": item, "text": item} for item in choices.items], vectors)
        with Store(Path(folder) / "items") as opened:
            method = KnnEmbed(clusters=int(clusters), neighbours=NEIGHBOURS, smoothing=smoothing, seed=seed)
            interests: Interests = method.fit(opened, {name: known for name, (known, _) in choices.users.items()})
            return {
                name: [item for item, _ in interests.candidates(name, CANDIDATES)]
                for name, (_, want) in choices.users.items()
                if want
            }


def _single(choices: Choices, vectors: np.ndarray, settings: tuple[float, ...]) -> dict[str, list[str]]:
    """One vector a user: the mean of the items, recent ones first where that helps, smoothed by the nearest users."""
    from accord.maths.nearest import unit_rows

    _, half_life, smoothing = settings
    means = []
    for known, _ in choices.users.values():
        ages = np.arange(len(known))[::-1]
        weights = 0.5 ** (ages / half_life) if half_life else np.ones(len(known))
        means.append(weights @ vectors[[choices.items[item] for item in known]] / weights.sum())
    users = unit_rows(np.array(means))
    likeness = users @ users.T
    np.fill_diagonal(likeness, -np.inf)
    near = np.argsort(-likeness, axis=1, kind="stable")[:, :NEIGHBOURS]
    users = (1 - smoothing) * users + smoothing * users[near].mean(axis=1)
    names = list(choices.items)
    found = {}
    for user, (name, (known, want)) in zip(users, choices.users.items()):
        if want:
            scores = vectors @ user
            scores[[choices.items[item] for item in known]] = -np.inf
            found[name] = [names[n] for n in np.argsort(-scores, kind="stable")[:CANDIDATES]]
    return found


CLAIM = Claim(
    name="knn_embed",
    papers=(99,),
    statement="A user as a smoothed mixture over clusters of items finds more of what comes than as one vector.",
    method="a quota of candidates for each cluster of a user's items, weights smoothed by the nearest users",
    baseline="the candidates nearest to one vector a user, smoothed and aged as the dev part likes best",
    metric="recall among 100 candidates, mean of films and artists",
    roles={
        "films": Role(folder="movielens_small", shape="sequences", what="films that users liked, in order"),
        "artists": Role(folder="lastfm", shape="sequences", what="artists that users chose, in order"),
    },
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("retrieval/choices/knn_embed.py", "maths/mixtures.py"),
)
