"""From a signal to the fields of an objective: which texts a batch needs, and what is computed from their vectors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Ranked, Scored, Signal, Unlabelled
from accord.maths.similarity import list_similarity, pairwise_similarity, similarity
from accord.objectives.base import TEACHER, Contract

__all__ = [
    "QUERY_COLUMNS",
    "TOKEN_FORMS",
    "Roles",
    "check_fit",
    "list_positives",
    "provided_fields",
    "reads_features",
    "roles_of",
    "signal_fields",
    "token_form",
]

QUERY_COLUMNS = frozenset({"anchor", "query", "text", "text1", "text2"})
"""Columns whose texts are queries: they take the query prompt. Symmetric signals have no documents."""

MAX_RANKED_NEGATIVES = 7
MAX_RANKED_POSITIVES = 4

TEACHERS: Mapping[str, Collection[str]] = {
    "encoder": ("scores", "pair_scores", "list_scores", "embeddings"),
    "cross-encoder": ("pair_scores", "list_scores"),
}
"""What a teacher of each kind can give, where the signal provides it."""

TOKEN_FORMS: Mapping[str, str] = {"places vocabulary": "places", "n vocabulary": "n vocabulary"}
"""Shapes of `logits` over tokens that texts alone provide -> the shape of the `labels` beside them."""

FEATURES: Mapping[str, str] = {"tokens": "tokens dim", "hidden": "layers tokens dim"}
"""What lies below the vectors of texts alone, with shapes."""


@dataclass(frozen=True)
class Roles:
    """The texts of some rows by role, and what goes with them.

    Args:
        texts: one list a role; queries first. Documents that are positives come before further negatives.
        queries: how many leading roles take the query prompt; all of them where the signal is symmetric.
        labels: (rows) class numbers or gold scores.
        positives: for each row, all texts known to be right for its query; they are never negatives.
        lists: (rows, longest list) each query's own documents, as numbers into all documents laid end to end:
            positives, then negatives, and -1 where a list has ended.
        right: (rows) how many positives lead each list; 1 where not given.
        grades: (rows, longest list) how relevant each of them is.
        taught: (rows, longest list) a teacher's scores of them, where the data bring some.
    """

    texts: Sequence[Sequence[str]]
    queries: int = 1
    labels: np.ndarray | None = None
    positives: Sequence[frozenset[str]] = ()
    lists: np.ndarray | None = None
    right: np.ndarray | None = None
    grades: np.ndarray | None = None
    taught: np.ndarray | None = None

    @property
    def documents(self) -> list[str]:
        """All documents laid end to end, those that are positives first."""
        return [text for role in self.texts[1:] for text in role]


def token_form(asked: Contract) -> str | None:
    """The shape of the `logits` over tokens that an objective asks for; None where it asks for none.

    >>> from accord.objectives import InfoNCE, MaskedTokens
    >>> from accord.objectives.base import contract
    >>> token_form(contract(MaskedTokens())), token_form(contract(InfoNCE()))
    ('places vocabulary', None)
    """
    shape = asked.shapes.get("logits")
    return shape if shape in TOKEN_FORMS else None


def reads_features(asked: Contract) -> bool:
    """Whether an objective asks for vectors of tokens or hidden states.

    >>> from accord.objectives import InfoNCE, TokenRelations
    >>> from accord.objectives.base import contract
    >>> reads_features(contract(TokenRelations())), reads_features(contract(InfoNCE()))
    (True, False)
    """
    return not {name.removeprefix(TEACHER) for name in asked.names}.isdisjoint(FEATURES)


def provided_fields(
    kind: type[Signal],
    *,
    columns: Collection[str] | None = None,
    teacher: str | None = None,
    tokens: str | None = None,
    features: bool = False,
) -> dict[str, str]:
    """The fields that a signal can provide to an objective, with their shapes.

    Args:
        kind: of signal.
        columns: that the rows have, by their canonical names; when not given, all that the signal may have but scores
            of a teacher.
        teacher: "encoder", "cross-encoder", "any" of them, or None without one.
        tokens: the form of `logits` over tokens, from :func:`token_form`.
        features: whether the objective reads what lies below the vectors, from :func:`reads_features`.

    Raises:
        InputError: a signal that training does not know.

    >>> provided_fields(Scored)
    {'pair_scores': 'n', 'labels': 'n', 'embeddings': '2 n dim'}
    """
    grid, lists, sides = "queries docs", "queries list", "2 n dim"
    if issubclass(kind, (Pairs, Ranked)):
        found = {"scores": grid, "ignore": grid, "pair_scores": "n", "embeddings": sides}
        if issubclass(kind, Ranked) or columns is None or any(name.startswith("negative") for name in columns):
            found |= {"list_scores": lists, "labels": lists}
    elif issubclass(kind, Unlabelled) and tokens is not None:
        return {"logits": tokens, "labels": TOKEN_FORMS[tokens]}
    elif issubclass(kind, Unlabelled) and features:
        own = {**FEATURES, "embeddings": "n dim"}
        by_teacher = {TEACHER + name: shape for name, shape in own.items() if teacher in {"encoder", "any"}}
        return {**own, "owners": "tokens", **by_teacher}
    elif issubclass(kind, Unlabelled):
        found = {"scores": grid, "ignore": grid, "embeddings": sides}
    elif issubclass(kind, Labelled):
        found = {"scores": "n n", "embeddings": "n dim", "labels": "n"}
    elif issubclass(kind, Scored):
        found = {"pair_scores": "n", "labels": "n", "embeddings": sides}
    else:
        raise InputError(f"Training knows no fields for the signal {kind.__name__}.")
    given = {name for names in TEACHERS.values() for name in names} if teacher == "any" else TEACHERS.get(teacher or "")
    taught = {TEACHER + name: shape for name, shape in found.items() if name in (given or ())}
    if issubclass(kind, Ranked) and columns is not None and {"pos_scores", "neg_scores"} <= set(columns):
        taught["teacher_list_scores"] = lists
    return found | taught


def check_fit(
    asked: Contract,
    kind: type[Signal],
    *,
    where: str,
    columns: Collection[str] | None = None,
    teacher: str | None = None,
) -> None:
    """Refuse an objective that the signal and the teacher cannot feed, and a teacher that nobody asks.

    Args:
        asked: contract of the objective.
        kind: of signal.
        where: of the message.
        columns: as for :func:`provided_fields`.
        teacher: as for :func:`provided_fields`.

    Raises:
        InputError: says what is missing, or what is too much.
    """
    tokens = token_form(asked)
    if tokens is not None and not issubclass(kind, Unlabelled):
        raise InputError(
            f"{where}: the objective hides tokens of texts alone, and the rows are {kind.__name__}. Set "
            "`signal: Unlabelled`, with `columns: {text: COLUMN}`."
        )
    features = reads_features(asked)
    if features and not issubclass(kind, Unlabelled):
        raise InputError(
            f"{where}: the objective reads tokens of texts alone, and the rows are {kind.__name__}. Set "
            "`signal: Unlabelled`, with `columns: {text: COLUMN}`."
        )
    given = provided_fields(kind, columns=columns, teacher=teacher, tokens=tokens, features=features)
    asked.check(given, where=where)
    if teacher is not None and not asked.taught:
        raise InputError(
            f"{where}: there is a teacher, but the objective reads nothing of it. Leave `teacher` out, or choose an "
            "objective with a teacher: `ListKL`, `MarginMSE`, `VectorDistillation`, or `InfoNCE` with `guide_margin`."
        )


def list_positives(asked: Contract) -> int:
    """How many positives of a query its list holds at most: several where an objective reads grades, else one."""
    return MAX_RANKED_POSITIVES if {"list_scores", "labels"} <= set(asked.names) else 1


def roles_of(signal: Signal, epoch: int = 0, *, positives: int = 1) -> Roles:
    """The texts and labels of all rows of `signal`.

    Args:
        signal: rows of a batch, in order.
        epoch: several positives take turns by epoch, which of them comes first.
        positives: of a query that come along; further ones stand among the documents behind the first ones.

    Raises:
        InputError: a signal that training does not know.
    """
    if isinstance(signal, Pairs):
        columns = [signal.column(name) for name in signal.text_columns]
        labels = np.asarray(signal.column("label")) if "label" in signal.table.column_names else None
        if len(columns) == 2:
            return Roles(columns, labels=labels)
        lists = np.arange(len(signal))[:, None] + len(signal) * np.arange(len(columns) - 1)
        return Roles(columns, labels=labels, lists=lists, grades=(lists < len(signal)).astype(np.float32))
    if isinstance(signal, Labelled):
        if "text2" in signal.text_columns:
            raise InputError("The rows hold classes of two texts together, which a cross-encoder learns. Train one, or "
                             "leave the second text out: `columns: {text2: null}`.")  # fmt: skip
        return Roles([signal.column("text")], labels=np.asarray(signal.column("label")))
    if isinstance(signal, Scored):
        texts = [signal.column("text1"), signal.column("text2")]
        return Roles(texts, queries=2, labels=np.asarray(signal.column("score"), dtype=np.float32))
    if isinstance(signal, Unlabelled):
        return Roles([signal.column("text")] * 2, queries=2)
    if isinstance(signal, Ranked):
        return _ranked(signal, epoch, positives)
    raise InputError(f"Training knows no roles for the signal {type(signal).__name__}.")


def _ranked(signal: Ranked, epoch: int, positives: int) -> Roles:
    """The positive in turn of each query, then further positives and negatives, and each query's own list of them."""
    right, wrong = signal.column("pos"), signal.column("neg")
    given = {name: signal.column(name) for name in ("pos_scores", "neg_scores") if name in signal.table.column_names}
    turn, pool, lists, leading, grades = [], [], [], [], []
    for row, (good, bad) in enumerate(zip(right, wrong)):
        chosen = [(epoch + k) % len(good) for k in range(min(positives, len(good)))]
        bad = bad[:MAX_RANKED_NEGATIVES]
        end = len(right) + len(pool)
        turn.append(good[chosen[0]])
        lists.append([row, *range(end, end + len(chosen) - 1 + len(bad))])
        leading.append(len(chosen))
        pool += [*(good[k] for k in chosen[1:]), *bad]
        high = [given["pos_scores"][row][k] for k in chosen] if "pos_scores" in given else [1.0] * len(chosen)
        low = given["neg_scores"][row][: len(bad)] if "neg_scores" in given else [0.0] * len(bad)
        grades.append([*high, *low])
    texts = [signal.column("query"), turn, pool] if pool else [signal.column("query"), turn]
    return Roles(
        texts,
        positives=[frozenset(texts) for texts in right],
        lists=_padded(lists, -1, np.int64),
        right=np.array(leading),
        grades=_padded(grades, 0.0, np.float32),
        taught=_padded(grades, 0.0, np.float32) if len(given) == 2 else None,
    )


def _padded(rows: Sequence[Sequence[float]], filler: float, dtype: type) -> np.ndarray:
    """(rows, longest) with `filler` behind the end of each row."""
    full = np.full((len(rows), max(map(len, rows), default=0)), filler, dtype=dtype)
    for line, row in zip(full, rows):
        line[: len(row)] = row
    return full


def false_negatives(roles: Roles, mask: Sequence[str]) -> np.ndarray | None:
    """(queries, docs): True where a document must not count as a negative of a query.

    With "text" in `mask`, document j is one for query i when its text is a known positive of i's text anywhere in the
    batch, or equals the query. With "label", when row j has the label of row i.
    """
    queries = roles.texts[0]
    docs = roles.documents
    ignore = np.zeros((len(queries), len(docs)), dtype=bool)
    if "text" in mask:
        _mark_known_texts(ignore, roles, docs)
    if "label" in mask and roles.labels is not None:
        ignore[:, : len(queries)] |= roles.labels[:, None] == roles.labels[None, :]
    np.fill_diagonal(ignore, False)
    return ignore if ignore.any() else None


def _mark_known_texts(ignore: np.ndarray, roles: Roles, docs: Sequence[str]) -> None:
    """Mark, in place, each document that is known to be right for the text of a query, or is that text."""
    known = _known_texts(roles, docs)
    columns: dict[str, list[int]] = {}
    for j, text in enumerate(docs):
        columns.setdefault(text, []).append(j)
    for i, query in enumerate(roles.texts[0]):
        for text in known[query]:
            ignore[i, columns.get(text, [])] = True


def _known_texts(roles: Roles, docs: Sequence[str]) -> dict[str, set[str]]:
    """Text of a query -> all texts that are known to be right for it in this batch, itself included."""
    queries = roles.texts[0]
    own = [frozenset([docs[i]]) for i in range(len(queries))]
    known: dict[str, set[str]] = {}
    for query, positives, mine in zip(queries, roles.positives or own, own):
        known.setdefault(query, {query}).update(positives | mine)
    return known


def ended_or_right(roles: Roles) -> np.ndarray | None:
    """(queries, list): True where a list has ended, or a negative is a text that is known to be right."""
    if roles.lists is None:
        return None
    docs = roles.documents
    known = _known_texts(roles, docs)
    ignore = roles.lists < 0
    for i, query in enumerate(roles.texts[0]):
        first = 1 if roles.right is None else int(roles.right[i])
        for k in range(first, ignore.shape[1]):
            ignore[i, k] |= docs[roles.lists[i, k]] in known[query]
    return ignore if ignore.any() else None


def signal_fields(
    roles: Roles, vectors: Sequence[Tensor], wanted: Sequence[str], *, mask: Sequence[str] = (), kind: str = "cosine"
) -> dict[str, Tensor]:
    """Compute the wanted fields from the vectors of each role.

    Args:
        roles: the batch.
        vectors: (rows, dim) a role, in the order of `roles.texts`.
        wanted: names of fields.
        mask: what marks false negatives.
        kind: similarity.

    Returns:
        name -> tensor, for those of `wanted` that the batch has.
    """
    device = vectors[0].device
    documents = vectors[1:] if len(vectors) > 1 else vectors
    listed = "list_scores" in wanted
    labels = roles.grades if listed or roles.labels is None else roles.labels
    makers: Mapping[str, Callable[[], Tensor | None]] = {
        "scores": lambda: similarity(vectors[0], torch.cat(list(documents)), kind=kind),
        "pair_scores": lambda: pairwise_similarity(vectors[0], vectors[1], kind=kind),
        "list_scores": lambda: _list_scores(roles.lists, vectors[0], documents, kind),
        "embeddings": lambda: vectors[0] if len(vectors) == 1 else torch.stack([vectors[0], vectors[1]]),
        "labels": lambda: _tensor(labels, device),
        "ignore": lambda: _tensor(ended_or_right(roles) if listed else false_negatives(roles, mask), device),
        "teacher_list_scores": lambda: _tensor(roles.taught, device),
    }
    fields = {name: makers[name]() for name in wanted if name in makers}
    return {name: value for name, value in fields.items() if value is not None}


def _list_scores(lists: np.ndarray | None, queries: Tensor, documents: Sequence[Tensor], kind: str) -> Tensor | None:
    """Each query with its own list; places behind its end are filled with a document that does not count."""
    if lists is None:
        return None
    places = torch.from_numpy(np.maximum(lists, 0)).to(queries.device)
    return list_similarity(queries, torch.cat(list(documents))[places], kind=kind)


def _tensor(value: np.ndarray | None, device: torch.device) -> Tensor | None:
    return None if value is None else torch.as_tensor(value, device=device)
