"""A vote on citations: words, vectors and a tuned classifier name what a passage cites, and the majority decides.

The paper predicts which case a passage of Australian law cites. Retrieval finds earlier passages and texts of cases, a
tuned language model names the case, and an ensemble in which both vote is the best of what works without a reranker.
It also finds that it matters much what is put into the index: the cited texts, or the passages that cite them.

Here a claim of biomedicine cites an abstract (SciFact, whose claims were written from citing sentences), and a question
to a help desk or an assistant cites the standing answer that it needs, of 77 or 150. Each source of evidence ranks what
could be cited: BM25 and vectors by the best text in an index of earlier passages, and of the cited texts where there
are any; a logistic classifier over the same vectors in place of the tuned language model. How they vote (points for
places, or votes for the first 1, 3 or 5) and which single source is the baseline is chosen on passages held back.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.paired import compare
from claims.study import row

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.retrieval import Store
    from accord.retrieval.fusion import Fuses

__all__ = ["CLAIM"]

ROLES = {
    "abstracts": Role(folder="scifact", shape="retrieval", what="claims and the abstracts that they cite"),
    "answers": Role(folder="banking77", shape="labelled", what="questions to a help desk and their standing answers"),
    "intents": Role(folder="clinc150", shape="labelled", what="questions to an assistant and their standing answers"),
}
METHOD = "vote"
SINGLE = ("BM25", "vectors", "classifier")
FOUND = 50
"""Texts of the index that a source looks at for one passage."""
CUT = 10

Ranked = Mapping[str, float]
"""Score by what could be cited."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything.

    Args:
        each: earlier passages of each label; another draw for each seed.
        passages: at most so many to judge by in a test (held back: half).
        documents: cited texts that are searched; the cited ones always stay.
        max_length: tokens kept of a text.
    """

    each: int
    passages: int
    documents: int
    max_length: int


SCALES = {
    "quick": Scale(each=5, passages=300, documents=1500, max_length=128),
    "full": Scale(each=20, passages=3000, documents=6000, max_length=256),
}


@dataclass(frozen=True)
class Passages:
    """Texts, and what each cites."""

    texts: list[str]
    cited: list[frozenset[str]]

    def some(self, rows: Sequence[int]) -> Passages:
        """Those at some places."""
        return Passages([self.texts[n] for n in rows], [self.cited[n] for n in rows])


@dataclass(frozen=True)
class Library:
    """One role.

    Args:
        earlier: passages to learn from and to search.
        held: passages to choose by.
        test: passages to judge by.
        documents: text of what can be cited; empty where there are only passages.
    """

    earlier: Passages
    held: Passages
    test: Passages
    documents: Mapping[str, str]


def run(context: Context) -> Outcome:
    """Rank by every source with every draw, and let them vote."""
    from accord import load

    scale = SCALES[context.scale]
    encoder: Any = load(context.model, device=context.device, max_length=scale.max_length)
    runs: dict[str, list[dict[str, Any]]] = {}
    for role in ROLES:
        for seed in context.seeds:

            def make(role: str = role, seed: int = seed) -> dict[str, Any]:
                begun = time.perf_counter()
                values = _measured(encoder, _read(context, role, scale, seed))
                return {"values": values, "seconds": time.perf_counter() - begun}

            key = {"scale": asdict(scale), "model": encoder.fingerprint(), "role": role, "seed": seed}
            found = context.cached(key, make)
            test = {way: round(float(np.mean(of)), 4) for way, of in found["values"]["test"].items()}
            context.say(f"{role}, seed {seed}: {test} ({found['seconds']:.0f} s)")
            runs.setdefault(role, []).append(found)
    return _outcome(runs)


def _outcome(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Outcome:
    def side(part: str, way: str) -> dict[str, np.ndarray]:
        return {role: np.array([one["values"][part][way] for one in of]) for role, of in runs.items()}

    def score(part: str, way: str) -> float:
        return float(np.mean([values.mean() for values in side(part, way).values()]))

    votes = list(_votes())
    vote, best = (max(names, key=lambda name: score("held", name)) for names in (votes, SINGLE))
    method, baseline = side("test", vote), side("test", best)
    ways = [*SINGLE, *votes, *(f"{name}, cited texts alone" for name in SINGLE[:2])]
    others = [name for name in SINGLE if name != best]
    return Outcome(
        paired=compare(method, baseline),
        seconds=sum(one["seconds"] for of in runs.values() for one in of),
        tasks=[row(compare({role: method[role]}, {role: baseline[role]}), task=role) for role in method],
        details={
            "comparisons": {f"{METHOD} against {n}": row(compare(method, side("test", n))) for n in others},
            "test": {way: {role: round(float(of.mean()), 4) for role, of in side("test", way).items()} for way in ways},
        },
        notes=[
            f"Chosen on passages held back: the vote by {vote}, and {best} as the best single source.",
            "A classifier over the encoder's vectors stands in for the paper's tuned language model.",
            "Cited texts alone are a different index only where there are such texts (abstracts).",
        ],
    )


def _votes() -> dict[str, Fuses]:
    from accord.retrieval.fusion import BordaCount, MajorityVote

    return {"points for places": BordaCount(), **{f"first {n}": MajorityVote(depth=n) for n in (1, 3, 5)}}


def _measured(encoder: TextEncoder, library: Library) -> dict[str, dict[str, list[float]]]:
    """Reciprocal rank of the first right citation by part, way and passage."""
    earlier = library.earlier
    pairs = [(text, label) for text, labels in zip(earlier.texts, earlier.cited) for label in sorted(labels)]
    documents = [(text, label) for label, text in library.documents.items()]
    distinct = list(dict.fromkeys(text for text, _ in [*pairs, *documents]))
    vectors = dict(zip(distinct, np.asarray(encoder.encode_document(distinct, precision="auto"))))
    parts = {"held": library.held, "test": library.test}
    asked = {part: np.asarray(encoder.encode_query(of.texts)) for part, of in parts.items()}
    classify = _classifier(np.array([vectors[text] for text, _ in pairs]), [label for _, label in pairs])
    found: dict[str, dict[str, list[Ranked]]] = {part: {"classifier": classify(asked[part])} for part in parts}
    for ending, index in (("", [*pairs, *documents]), (", cited texts alone", documents or pairs)):
        with tempfile.TemporaryDirectory() as folder, _store(f"{folder}/store", index, vectors) as store:
            labels = [label for _, label in index]
            for part, of in parts.items():
                found[part][f"BM25{ending}"] = [_by_words(store, text, labels) for text in of.texts]
                found[part][f"vectors{ending}"] = _by_vectors(store, asked[part], labels)
    values: dict[str, dict[str, list[float]]] = {}
    for part, of in parts.items():
        ranked = {**found[part], **{name: _voted(found[part], method) for name, method in _votes().items()}}
        values[part] = {way: [_value(*one) for one in zip(lists, of.cited)] for way, lists in ranked.items()}
    return values


def _store(path: str, index: Sequence[tuple[str, str]], vectors: Mapping[str, np.ndarray]) -> Store:
    from accord.retrieval import Store
    from accord.retrieval.lexical import Analyser

    matrix = np.array([vectors[text] for text, _ in index])
    store = Store.create(path, model={"dim": matrix.shape[1]}, analyser=Analyser("porter", stop_words="english"))
    with store.write() as writer:
        writer.add([{"id": str(number), "text": text} for number, (text, _) in enumerate(index)], matrix)
    return store


def _by_words(store: Store, text: str, labels: Sequence[str]) -> Ranked:
    hits = store.search(text, k=FOUND, mode="lexical")
    return _best((labels[int(hit.id)], hit.score) for hit in hits)


def _by_vectors(store: Store, queries: np.ndarray, labels: Sequence[str]) -> list[Ranked]:
    names, scores = store.search_vectors(queries, k=FOUND)
    return [_best(zip((labels[int(name)] for name in found), of.tolist())) for found, of in zip(names, scores)]


def _best(found: Any) -> Ranked:
    """The best score of each label."""
    best: dict[str, float] = {}
    for label, score in found:
        best[label] = max(score, best.get(label, -np.inf))
    return best


def _classifier(vectors: np.ndarray, labels: Sequence[str]) -> Callable[[np.ndarray], list[Ranked]]:
    """Ranks by a logistic regression over vectors."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=10.0, max_iter=300).fit(vectors, list(labels))
    names = [str(name) for name in fitted.classes_]

    def classify(queries: np.ndarray) -> list[Ranked]:
        chances = fitted.predict_proba(queries)
        best = np.argsort(-chances, axis=1)[:, :FOUND]
        return [{names[n]: float(of[n]) for n in order.tolist()} for of, order in zip(chances, best)]

    return classify


def _voted(found: Mapping[str, Sequence[Ranked]], method: Fuses) -> list[Ranked]:
    voted = []
    for lists in zip(*(found[name] for name in SINGLE)):
        names = list(dict.fromkeys(label for ranked in lists for label in ranked))
        scores = np.array([[[ranked.get(label, np.nan) for label in names]] for ranked in lists])
        voted.append(dict(zip(names, method.fuse(scores)[0].tolist())))
    return voted


def _value(ranked: Ranked, cited: frozenset[str]) -> float:
    order = sorted(ranked, key=lambda label: (-ranked[label], label))[:CUT]
    return max((1 / rank for rank, label in enumerate(order, 1) if label in cited), default=0.0)


def _read(context: Context, role: str, scale: Scale, seed: int) -> Library:
    folder = context.data[role]
    if ROLES[role].shape == "labelled":
        from claims.data import labelled

        parts = [labelled(folder, part) for part in ("train", "test")]
        read = [Passages(p.column("text"), [frozenset([str(c)]) for c in p.column("label")]) for p in parts]
        documents: dict[str, str] = {}
    else:
        read, documents = _citations(folder, scale.documents)
    train, test = read
    mixed = np.argsort([_fortune(text, 0) for text in train.texts])  # which are held back depends on no seed
    held = train.some(mixed[: min(scale.passages // 2, len(mixed) // 5)].tolist())
    left = train.some(mixed[len(held.texts) :].tolist())
    chosen = np.argsort([_fortune(text, 0) for text in test.texts])[: scale.passages]
    return Library(_some_of_each(left, scale.each, seed), held, test.some(chosen.tolist()), documents)


def _citations(folder: Any, most: int) -> tuple[list[Passages], dict[str, str]]:
    """Citing passages of train and test, and the texts that are cited or might be."""
    from accord.data.sources import RetrievalFolder

    parts, cited = [], set()
    for split in ("train", "test"):
        by_text: dict[str, set[str]] = {}
        for one in RetrievalFolder(folder, split=split).load().to_pylist():
            by_text.setdefault(one["anchor"], set()).add(one["document_id"])
        parts.append(Passages(list(by_text), [frozenset(of) for of in by_text.values()]))
        cited |= set().union(*by_text.values())
    corpus = {one["id"]: one["text"] for one in RetrievalFolder(folder, split="test").corpus().to_pylist()}
    others = sorted(corpus.keys() - cited, key=lambda name: _fortune(name, 0))[: max(0, most - len(cited))]
    return parts, {name: corpus[name] for name in corpus if name in cited or name in set(others)}


def _some_of_each(passages: Passages, each: int, seed: int) -> Passages:
    """So many passages of each label."""
    counts: dict[str, int] = {}
    kept = []
    for n in np.argsort([_fortune(text, seed + 1) for text in passages.texts]).tolist():
        if any(counts.get(label, 0) < each for label in passages.cited[n]):
            kept.append(n)
            for label in passages.cited[n]:
                counts[label] = counts.get(label, 0) + 1
    return passages.some(kept)


def _fortune(name: str, seed: int) -> int:
    from accord.core.random import derive

    return derive(seed, "passage", name)


CLAIM = Claim(
    name="citation_voting",
    papers=(54,),
    statement="A vote of BM25, vectors and a classifier finds what a passage cites better than the best of the three.",
    method="vote of BM25, vectors and a classifier, kind chosen on passages held back",
    baseline="the one of the three that is best on passages held back",
    metric="reciprocal rank of the first right citation among ten, mean of three collections",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=(
        "retrieval/fusion/borda_count.py",
        "retrieval/fusion/majority_vote.py",
        "retrieval/lexical/bm25.py",
        "retrieval/lexical/ranking.py",
    ),
)
