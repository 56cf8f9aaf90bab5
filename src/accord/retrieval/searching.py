"""The ways to search a store: by meaning, by words, or by both; and where each hit came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.spec import Described
from accord.retrieval.documents import Hit
from accord.retrieval.fusion.hits import Fuses
from accord.retrieval.fusion.reciprocal_rank import ReciprocalRank
from accord.retrieval.lexical.analysers import Analyser
from accord.retrieval.lexical.bm25 import BM25
from accord.retrieval.lexical.expansion import Expand, Question, expanded
from accord.retrieval.lexical.ranking import lexical_search
from accord.retrieval.snapshot import Snapshot

__all__ = ["MODES", "Hybrid", "Lexical", "Mode", "Side", "both_sides", "search"]

MODES = ("dense", "lexical", "hybrid")


class Lexical(Described):
    """Search by words: `mode=Lexical(...)` where `mode="lexical"` should have other settings.

    Args:
        scoring: BM25's parameters and the weights of titles and texts; the usual ones when not given.
        expand: adds terms to a query, or changes their weights: :class:`~accord.retrieval.lexical.RM3`, or a function
            from a :class:`~accord.retrieval.lexical.Question` to weighted terms.

    Raises:
        InputError: something else.
    """

    def __init__(self, scoring: BM25 | None = None, *, expand: Expand | None = None) -> None:
        if scoring is not None and not isinstance(scoring, BM25):
            raise InputError(f"`scoring` must be a BM25. Got {scoring!r} instead.")
        if expand is not None and not callable(expand):
            raise InputError(f"`expand` must be callable, such as RM3(). Got {expand!r} instead.")
        self.scoring = scoring
        self.expand = expand


class Hybrid(Described):
    """Search by meaning and by words, and fuse the two: `mode=Hybrid(...)` for other settings than `mode="hybrid"`.

    Each side scores every candidate, also those that only the other one brought; BM25 gives 0 to a document without any
    of the words. Systems stand in the order dense, lexical; so `WeightedSum([0.7, 0.3])` gives the vectors 0.7.

    Reference: Bruch, Gai & Ingber (2023), arXiv:2210.11934, section 3 (fusion of the candidates of two searches).

    Args:
        method: of :mod:`accord.retrieval.fusion`; ReciprocalRank() when not given.
        candidates: how many of the best of each side are fused, at least as many as hits are wanted.
        lexical: settings of the lexical side.

    Raises:
        InputError: a number below 1, or something else than a method of fusion.
    """

    def __init__(self, method: Fuses | None = None, *, candidates: int = 100, lexical: Lexical | None = None) -> None:
        check_at_least("candidates", candidates, 1)
        if method is not None and not callable(getattr(method, "fuse", None)):
            raise InputError(f"`method` must be able to `fuse`, such as ReciprocalRank(). Got {method!r} instead.")
        if lexical is not None and not isinstance(lexical, Lexical):
            raise InputError(f"`lexical` must be a Lexical. Got {lexical!r} instead.")
        self.method = method
        self.candidates = candidates
        self.lexical = lexical


Mode = str | Lexical | Hybrid
Found = tuple[np.ndarray, np.ndarray]
"""Positions and scores, best first."""
Side = Callable[[int, np.ndarray | None], Found]
"""The best of some rising positions, or of all."""


@dataclass(frozen=True)
class _Ranked:
    """What is returned, and what each system found."""

    positions: np.ndarray
    scores: np.ndarray
    systems: Mapping[str, Found]


def search(
    snapshot: Snapshot,
    query: object,
    k: int,
    *,
    mode: Mode,
    dense: Side,
    keep: np.ndarray | None = None,
    explain: bool = False,
) -> list[Hit]:
    """Answer one query in one of the ways.

    Args:
        snapshot: of the store.
        query: a text; with "dense" anything that `dense` was made for.
        k: how many hits.
        mode: "dense", "lexical", "hybrid", or one of the latter with its settings.
        dense: the nearest documents.
        keep: positions that are allowed, rising; all when not given.
        explain: give each hit its `sources`.

    Returns:
        Best first; equal scores by id, descending.

    Raises:
        InputError: an unknown mode, no text where words are wanted, a store without an index of words.
    """
    if isinstance(mode, str):
        check_choice("mode", mode, MODES)
        mode = {"lexical": Lexical(), "hybrid": Hybrid()}.get(mode, mode)
    if isinstance(mode, Lexical):
        found = _alone("lexical", _by_words(snapshot, _text(query), mode, keep)(k, keep))
    elif isinstance(mode, Hybrid):
        found = _hybrid(snapshot, _text(query), k, mode, dense, keep)
    elif isinstance(mode, str):
        found = _alone("dense", dense(k, keep))
    else:
        raise InputError(f"`mode` must be one of {', '.join(MODES)}, a Lexical or a Hybrid. Got {mode!r} instead.")
    return _hits(snapshot, found, explain=explain)


def _alone(name: str, found: Found) -> _Ranked:
    return _Ranked(*found, {name: found})


def _hybrid(snapshot: Snapshot, query: str, k: int, mode: Hybrid, dense: Side, keep: np.ndarray | None) -> _Ranked:
    union, scores, systems = both_sides(snapshot, query, mode, max(k, mode.candidates), dense=dense, keep=keep)
    if not len(union):
        return _Ranked(union, np.empty(0, dtype=np.float32), systems)
    method = mode.method or ReciprocalRank()
    fused = method.fuse(scores[:, None])[0]
    order = np.lexsort((snapshot.prefer(union), -fused))[:k]
    return _Ranked(union[order], fused[order], systems)


def both_sides(
    snapshot: Snapshot, query: str, mode: Hybrid, count: int, *, dense: Side, keep: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, dict[str, Found]]:
    """What a hybrid fuses.

    Args:
        snapshot: of the store.
        query: a text.
        mode: the lexical side's settings.
        count: of the best of each side.
        dense: the nearest documents.
        keep: positions that are allowed, rising; all when not given.

    Returns:
        Positions that either side found, rising; the score that each side gives to each of them, (2, positions); and
        what each side found.
    """
    words = _by_words(snapshot, query, mode.lexical or Lexical(), keep)  # refuses a query before a model is loaded
    systems = {"dense": dense(count, keep), "lexical": words(count, keep)}
    union = np.unique(np.concatenate([positions for positions, _ in systems.values()]))
    scores = np.full((len(systems), len(union)), np.nan)
    scores[1] = 0.0  # BM25 of a document without any of the words
    if len(union):
        for number, side in enumerate((dense, words)):
            positions, values = side(len(union), union)
            scores[number, np.searchsorted(union, positions)] = values
    return union, scores, systems


def _by_words(snapshot: Snapshot, query: str, mode: Lexical, allowed: np.ndarray | None) -> Side:
    """Finds the best documents for the terms of a query, or for what an expansion makes of them."""
    if snapshot.manifest.lexical is None:
        raise InputError(
            f"{snapshot.folder} was made by an older accord and has no index of words. It gets one from the next "
            "block of `store.write()` that changes something."
        )
    scoring, postings = mode.scoring or BM25(), snapshot.postings
    analyser = Analyser.of(snapshot.manifest.lexical)

    def best(terms: Mapping[str, float], count: int, keep: np.ndarray | None) -> Found:
        return lexical_search(postings, terms, count, scoring=scoring, keep=keep, prefer=snapshot.prefer)

    terms = {term: float(often) for term, often in Counter(analyser.query_terms(query)).items()}

    def first(count: int) -> tuple[list[str], np.ndarray]:
        positions, scores = best(terms, count, allowed)  # what may not be found must not speak either
        return [f"{d.title} {d.text}" if d.title else d.text for d in snapshot.documents_at(positions)], scores

    question = Question(text=query, terms=terms, analyser=analyser, first=first)
    wanted = expanded(question, mode.expand)
    return lambda count, keep: best(wanted, count, keep)


def _text(query: object) -> str:
    if not isinstance(query, str):
        raise InputError(
            f"`query` must be a text to be searched by words. Got {type(query).__name__} instead; "
            'a vector is searched with mode="dense".'
        )
    if not query.strip():
        raise InputError("`query` must not be empty.")
    return query


def _hits(snapshot: Snapshot, found: _Ranked, *, explain: bool) -> list[Hit]:
    positions = found.positions.tolist()
    sources: list[Mapping[str, tuple[int, float]] | None] = [None] * len(positions)
    if explain:
        places = {
            name: {place: (rank, float(score)) for rank, (place, score) in enumerate(zip(of.tolist(), scores), 1)}
            for name, (of, scores) in found.systems.items()
        }
        sources = [{name: at[p] for name, at in places.items() if p in at} for p in positions]
    contents = snapshot.contents_at(found.positions) if positions else []
    return [
        Hit(name, score, text, title, metadata, rank, source)
        for rank, ((name, text, title, metadata), score, source) in enumerate(
            zip(contents, found.scores.tolist(), sources), 1
        )
    ]
