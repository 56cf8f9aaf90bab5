"""What all tasks share: the checks before measuring, roles and groups, and one signature of `evaluate`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.core.types import Encodes, Scores
from accord.data.signals import Signal
from accord.evaluation.encoding import encode_neutral, encode_queries, similarity_kind
from accord.evaluation.measured import Measured

__all__ = ["EvaluationTask", "Job", "scores_only"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One model and the rows that it is to be measured on.

    Args:
        model: what is measured; stays as it is.
        train: rows that a probe or a threshold may learn from.
        test: rows that decide.
        seed: of whatever is drawn.
        prompts: names of the prompts for queries and for documents; None for the model's own choice.
        progress: told of encoding and searching.
    """

    model: Any
    train: Signal | None
    test: Signal
    seed: int
    prompts: tuple[str | None, str | None]
    progress: Progress


def scores_only(model: object) -> bool:
    """Whether a model scores pairs of texts and makes no vectors: a cross-encoder."""
    return not hasattr(model, "encode_query") and hasattr(model, "score")


class EvaluationTask(Described, ABC):
    """The family of tasks; each keeps the arguments of its constructor under their own names.

    * ``metrics``, ``primary``: names or objects of metrics; the primary one decides.
    * ``group``: a column of the test rows whose equal values mark examples that are not independent; intervals and
      tests then draw whole groups.
    * ``against``: whose protocol is followed; None for ours, "mteb" for the numbers of mteb.
    """

    signals: tuple[type[Signal], ...] = ()
    """The signals that it can read."""
    protocols: tuple[str, ...] = ("mteb",)
    """What `against` may be, besides None."""
    learns: bool = False
    """Whether it reads the train rows."""
    tunes: bool = False
    """Whether what it learns is a threshold: rows that the model was not trained on suit it better."""
    takes_scores: bool = False
    """Whether it can measure a model that only scores pairs."""
    takes_classes: bool = False
    """Whether it can measure a model that only tells classes of pairs apart, by a score a class."""
    mteb_names: Mapping[str, str] = MappingProxyType({})
    """Metric -> its name in mteb's result files, where it differs; ranking metrics are named by rule."""

    metrics: Any
    primary: Any
    group: str | None
    against: str | None

    def _check_against(self) -> None:
        if self.against is not None:
            check_choice("against", self.against, self.protocols)

    def evaluate(
        self,
        model: Encodes | Scores,
        *,
        train: Signal | None = None,
        test: Signal,
        seed: int = 0,
        prompts: tuple[str | None, str | None] | None = None,
        progress: Progress = silent,
    ) -> list[Measured]:
        """Measure `model` on `test`.

        Args:
            model: what is measured; an encoder, or for some tasks anything with `score`.
            train: rows that a probe or a threshold learns from, where the task needs one.
            test: rows that decide.
            seed: of whatever is drawn.
            prompts: names of the prompts for queries (first texts) and for documents (second texts); the model's own
                choice when None.
            progress: told of encoding and searching.

        Returns:
            A measurement a metric, the primary one first.

        Raises:
            InputError: another kind of signal, a model that cannot do this, rows that cannot be measured on, or vectors
                that are not numbers.
        """
        name = type(self).__name__
        if not isinstance(test, self.signals):
            known = " or ".join(kind.__name__ for kind in self.signals)
            raise InputError(f"{name} is measured on {known}. Got {type(test).__name__} instead.")
        if scores_only(model):
            self.check_labels(getattr(model, "labels", ("score",)), of=type(model).__name__)
        elif not hasattr(model, "encode_query"):
            raise InputError(
                f"{name} needs a model with `encode_query` and `encode_document`. Got {type(model).__name__}."
            )
        if self.against is not None and not scores_only(model):
            _check_similarity(model)
        job = Job(model=model, train=train, test=test, seed=seed, prompts=prompts or (None, None), progress=progress)
        return self._measure(job)

    def check_labels(self, labels: Sequence[str], *, of: str) -> None:
        """Refuse a model that only scores pairs and whose scores are not what is measured here.

        Args:
            labels: names of its labels: one where it ranks pairs, several where it tells classes apart.
            of: what the message calls it.

        Raises:
            InputError: says which tasks take it.
        """
        name = type(self).__name__
        if len(labels) > 1 and not self.takes_classes:
            raise InputError(
                f"{name} cannot judge {of}: it has {len(labels)} labels ({', '.join(labels)}), so it tells classes of "
                "pairs apart and does not rank them. Classification takes it, on rows with two texts and a label."
            )
        if len(labels) == 1 and not self.takes_scores:
            makes = "from a cross-encoder needs one of several labels, and" if self.takes_classes else "judges vectors;"
            raise InputError(
                f"{name} {makes} {of} only scores pairs. Reranking, PairClassification, Similarity and Summarisation "
                "take it."
            )

    @abstractmethod
    def _measure(self, job: Job) -> list[Measured]:
        """The measurements, primary first."""

    def _alike(self, job: Job, texts: Sequence[str], side: int = 0) -> np.ndarray:
        """Rows of texts of a symmetric task: in the query role, as mteb does in no role."""
        encode = encode_queries if self.against is None else encode_neutral
        return encode(job.model, texts, job.prompts[side], job.progress)

    def _groups(self, test: Signal, ids: Sequence[str]) -> list[str] | None:
        """The group of each example; one without a value stands for itself.

        Raises:
            InputError: no such column.
        """
        if self.group is None:
            return None
        values = zip(test.ids, test.column(self.group))
        named = {name: f"\x1f{name}" if value is None else str(value) for name, value in values}
        return [named[name] for name in ids]


def _check_similarity(model: object) -> None:
    said = getattr(model, "similarity_name", None)
    if isinstance(said, str) and said != similarity_kind(model):
        raise InputError(
            f"`against` follows the similarity of the model, and accord searches by cosine or dot product. "
            f"Got a model made for {said!r}."
        )
