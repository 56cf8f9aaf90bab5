"""Classification: what a small probe on frozen vectors can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.core.checks import check_at_least, check_choice, check_positive
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.core.types import Encodes
from accord.data.signals import Labelled, Signal
from accord.evaluation.encoding import encode_queries
from accord.evaluation.measured import Measured, of_predictions
from accord.evaluation.named import check_columns, metrics_in_order
from accord.maths.probes import logistic_probe, neighbour_probe

__all__ = ["Classification"]

COLUMNS = ("truth", "predicted")
PROBES = ("logistic", "knn")


class Classification(Described):
    """Train a probe on the vectors of the train split, count its hits on the test split.

    The encoder stays frozen. Test labels that the train split lacks cannot be told and count as wrong. Texts are
    encoded in the query role.

    Also known as: linear probing, transfer evaluation.

    Reference: Conneau & Kiela (2018), SentEval, arXiv:1803.05449; Alain & Bengio (2016) for linear probes.

    Differs from the paper: one probe on all train rows, with fixed regularisation.

    Args:
        probe: "logistic" (a linear map on standardised vectors) or "knn" (votes of the nearest train rows).
        metrics: names or objects of metrics over `truth` and `predicted`.
        primary: the one that decides.
        strength: inverse weight of the L2 penalty of the logistic probe.
        neighbours: voters of the knn probe.

    >>> Classification(probe="knn", neighbours=5)
    Classification(probe='knn', neighbours=5)
    """

    signals: tuple[type[Signal], ...] = (Labelled,)

    def __init__(
        self,
        *,
        probe: str = "logistic",
        metrics: Sequence[Any] = ("accuracy", "macro_f1"),
        primary: Any = "accuracy",
        strength: float = 0.1,
        neighbours: int = 10,
    ) -> None:
        self.probe = probe
        self.metrics = metrics
        self.primary = primary
        self.strength = strength
        self.neighbours = neighbours
        check_choice("probe", probe, PROBES)
        check_columns(metrics_in_order(metrics, primary), COLUMNS, "Classification", "`accuracy` or `macro_f1`")
        check_positive("strength", strength)
        check_at_least("neighbours", neighbours, 1)

    def evaluate(
        self,
        model: Encodes,
        *,
        train: Signal,
        test: Signal,
        seed: int = 0,
        prompts: tuple[str | None, str | None] | None = None,
        progress: Progress = silent,
    ) -> list[Measured]:
        """Train the probe on `train` and apply it to `test`.

        Args:
            model: what is measured.
            train: labelled texts that the probe learns from.
            test: labelled texts that decide.
            seed: not used; the probes have one solution.
            prompts: the first names the prompt for all texts; the model's own choice when None.
            progress: told of encoding.

        Returns:
            A measurement a metric, the primary one first.

        Raises:
            InputError: another kind of signal, or a train split with a single label.
        """
        del seed
        for split, signal in (("train", train), ("test", test)):
            if not isinstance(signal, Labelled):
                raise InputError(f"Classification needs Labelled as `{split}`. Got {type(signal).__name__} instead.")
        labels, wanted = np.array(train.column("label"), dtype=str), np.array(test.column("label"), dtype=str)
        known = np.unique(labels)
        if len(known) < 2:
            raise InputError(f"Classification needs at least two labels in the train split. Got one: {known[0]!s:.60}.")
        names = np.concatenate([known, np.setdiff1d(wanted, known)])  # codes of unseen labels come last
        codes = {name: i for i, name in enumerate(names.tolist())}
        prompt = (prompts or (None,))[0]
        vectors = encode_queries(model, train.column("text"), prompt, progress)
        asked = encode_queries(model, test.column("text"), prompt, progress)
        learned = np.array([codes[label] for label in labels.tolist()])
        if self.probe == "logistic":
            predicted = logistic_probe(vectors, learned, asked, strength=self.strength)
        else:
            predicted = neighbour_probe(vectors, learned, asked, neighbours=self.neighbours)
        truth = np.array([codes[label] for label in wanted.tolist()])
        return of_predictions(metrics_in_order(self.metrics, self.primary), test.ids, truth, predicted)
