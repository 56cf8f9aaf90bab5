"""What a cross-encoder's scores of a batch give to an objective: lists of documents a query, and fields from scores."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Ranked, Scored, Signal
from accord.objectives.base import TEACHER, Contract
from accord.training.fields import Roles, ended_or_right, false_negatives, roles_of

__all__ = ["Lists", "check_pair_fit", "lists_of", "pair_fields", "provided_pair_fields"]


@dataclass(frozen=True)
class Lists:
    """Which pairs of a batch are scored.

    Args:
        roles: the batch; its `lists` hold what each query is scored with, -1 where a list has ended.
        right: (rows, longest list) True on positives.
    """

    roles: Roles
    right: np.ndarray

    @property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and place in its list of each scored pair, in order."""
        assert self.roles.lists is not None
        rows, places = np.nonzero(self.roles.lists >= 0)
        return rows, places

    @property
    def sides(self) -> tuple[list[str], list[str]]:
        """The texts of each scored pair."""
        assert self.roles.lists is not None
        rows, places = self.places
        queries, documents = list(self.roles.texts[0]), self.roles.documents
        return [queries[i] for i in rows], [documents[j] for j in self.roles.lists[rows, places]]


def provided_pair_fields(
    kind: type[Signal], *, columns: Collection[str] | None = None, teacher: str | None = None
) -> dict[str, str]:
    """The fields that a signal gives to an objective through a cross-encoder, with their shapes.

    Args:
        kind: of signal.
        columns: that the rows have, by their canonical names; all that the signal may have when not given.
        teacher: "encoder", "cross-encoder", "any" of them, or None without one.

    Raises:
        InputError: a signal without pairs.

    >>> provided_pair_fields(Scored)
    {'pair_scores': 'n', 'logits': 'n labels', 'labels': 'n'}
    """
    lists, pairs = "queries list", "n"
    if issubclass(kind, (Pairs, Ranked)):
        found = {"scores": "queries docs", "list_scores": lists, "pair_scores": pairs, "ignore": lists, "labels": lists}
    elif issubclass(kind, Scored):
        return {
            "pair_scores": pairs,
            "logits": "n labels",
            "labels": pairs,
            **({f"{TEACHER}pair_scores": pairs} if teacher else {}),
        }
    elif issubclass(kind, Labelled) and (columns is None or "text2" in columns):
        return {"logits": "n labels", "labels": pairs}
    else:
        raise InputError(
            f"A cross-encoder reads two texts together, and {kind.__name__} has one a row. Use Pairs, Ranked, Scored, "
            "or Labelled with two texts (`columns: {text: ..., text2: ..., label: ...}`)."
        )
    if teacher is not None:
        found |= {f"{TEACHER}pair_scores": pairs, f"{TEACHER}list_scores": lists}
        found |= {f"{TEACHER}scores": "queries docs"} if teacher != "cross-encoder" else {}
    if issubclass(kind, Ranked) and columns is not None and {"pos_scores", "neg_scores"} <= set(columns):
        found[f"{TEACHER}list_scores"] = lists
    return found


def check_pair_fit(
    asked: Contract,
    kind: type[Signal],
    *,
    where: str,
    labels: Sequence[str],
    columns: Collection[str] | None = None,
    teacher: str | None = None,
) -> None:
    """Refuse an objective that the signal, the model's labels or the teacher cannot feed.

    Args:
        asked: contract of the objective.
        kind: of signal.
        where: of the message.
        labels: names of the model's labels.
        columns: as for :func:`provided_pair_fields`.
        teacher: as for :func:`provided_pair_fields`.

    Raises:
        InputError: says what is missing, or what is too much.
    """
    provided = provided_pair_fields(kind, columns=columns, teacher=teacher)
    if "list_scores" not in asked.names:
        flat = {"labels": "n", "ignore": "queries docs"}
        provided = {name: flat.get(name, shape) for name, shape in provided.items()}
    asked.check(provided, where=where)
    classes = "logits" in asked.names
    if classes and len(labels) == 1:
        raise InputError(
            f"{where}: the objective sorts pairs into classes and needs 2 labels or more; the model has 1. Start from "
            "one with `num_labels` classes, or choose `BinaryCrossEntropy`."
        )
    if not classes and len(labels) > 1:
        raise InputError(
            f"{where}: the objective reads 1 score a pair; the model has {len(labels)} labels ({', '.join(labels)}). "
            "Start from one with `num_labels: 1`, or choose `CrossEntropy`."
        )
    if "scores" in asked.names and "ignore" not in asked.names:
        raise InputError(
            f"{where}: a cross-encoder scores a query with some documents only, and the objective cannot `ignore` the "
            "others. Choose one that reads `ignore` or `list_scores`."
        )
    if teacher is not None and not asked.taught:
        raise InputError(
            f"{where}: there is a teacher, but the objective reads nothing of it. Leave `teacher` out, or choose an "
            "objective with a teacher: `ListKL` or `MarginMSE`."
        )


def lists_of(
    signal: Signal, *, epoch: int, positives: int, extra: int, generator: np.random.Generator | None = None
) -> Lists:
    """What each query of a batch is scored with: its positives, its own negatives, then documents of other queries.

    A document that is known to be right for a query anywhere in the batch is never a negative of it.

    Args:
        signal: rows of the batch.
        epoch: several positives take turns by epoch.
        positives: of a query at most.
        extra: documents of other queries, drawn without return; fewer where the batch has no more.
        generator: draws them.
    """
    if isinstance(signal, Labelled):
        roles = Roles([signal.column("text"), signal.column("text2")])
    else:
        roles = roles_of(signal, epoch, positives=positives)
    lists = np.arange(len(signal))[:, None] if roles.lists is None else roles.lists
    leading = np.ones(len(signal), dtype=np.int64) if roles.right is None else roles.right
    right = np.arange(lists.shape[1])[None, :] < leading[:, None]
    grades = right.astype(np.float32) if roles.grades is None else roles.grades
    roles = replace(roles, lists=lists, grades=grades)
    wrong = ended_or_right(roles)
    if wrong is not None:
        lists = np.where(wrong, -1, lists)
    if extra and generator is not None:
        drawn = _others(roles, lists, extra, generator)
        lists = np.concatenate([lists, drawn], axis=1)
        right = np.concatenate([right, np.zeros(drawn.shape, dtype=bool)], axis=1)
        grades = np.concatenate([grades, np.zeros(drawn.shape, dtype=np.float32)], axis=1)
    return Lists(replace(roles, lists=lists, grades=grades, right=leading), right)


def _others(roles: Roles, lists: np.ndarray, extra: int, generator: np.random.Generator) -> np.ndarray:
    """(rows, extra) numbers of further documents of distinct texts, -1 where there are no more."""
    documents = roles.documents
    known = false_negatives(roles, ("text",))
    drawn = np.full((len(lists), extra), -1, dtype=np.int64)
    for i, own in enumerate(lists):
        taken = {documents[j] for j in own if j >= 0}
        count = 0
        for j in generator.permutation(len(documents)):
            if count == extra:
                break
            if documents[j] not in taken and not (known is not None and known[i, j]):
                taken.add(documents[j])
                drawn[i, count] = j
                count += 1
    return drawn


def pair_fields(lists: Lists, scores: Tensor, wanted: Collection[str], classes: np.ndarray | None) -> dict[str, Tensor]:
    """The wanted fields, but for a teacher's, from the raw scores of the scored pairs.

    Args:
        lists: which pairs were scored.
        scores: (pairs, labels), in their order.
        wanted: names of fields.
        classes: (pairs) class numbers, where the task has them.

    Returns:
        name -> tensor, for those of `wanted` that the batch has.
    """
    roles, device = lists.roles, scores.device
    assert roles.lists is not None
    rows, places = (torch.from_numpy(part).to(device) for part in lists.places)

    def spread(values: Tensor, columns: Tensor, width: int) -> Tensor:
        return values.new_zeros(len(roles.texts[0]), width).index_put((rows, columns), values)

    one = torch.ones(len(scores), dtype=torch.bool, device=device)
    found: dict[str, Tensor] = {}
    if "list_scores" in wanted:
        width = roles.lists.shape[1]
        found["list_scores"] = spread(scores[:, 0], places, width)
        found["ignore"] = ~spread(one, places, width)
        found["labels"] = torch.as_tensor(roles.grades, device=device)
    elif "scores" in wanted:
        documents = torch.from_numpy(roles.lists).to(device)[rows, places]
        found["scores"] = spread(scores[:, 0], documents, len(roles.documents))
        found["ignore"] = ~spread(one, documents, len(roles.documents))
    else:
        found["logits"], found["pair_scores"] = scores, scores[:, 0]
        given = roles.labels if roles.queries == 2 else lists.right[lists.places].astype(np.float32)
        found["labels"] = torch.as_tensor(given if classes is None else classes, device=device)
    if "teacher_list_scores" in wanted and roles.taught is not None:
        found["teacher_list_scores"] = torch.as_tensor(roles.taught, device=device)
    return {name: value for name, value in found.items() if name in wanted}
